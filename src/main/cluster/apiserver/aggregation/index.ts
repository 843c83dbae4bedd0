import type { APIService } from '@shared/k8s';
import { localCondition } from '../../api/apiregistration/apiservice';
import { apiError, badRequest } from '../../api/errors';
import { hasCondition, setCondition } from '../../conditions';
import type { StoreEvent } from '../../store/types';
import type { ServerContext } from '../context';
import type { FrontProxy } from '../pki';
import { flag } from '../reads';
import { parsePath, type Route } from '../router';
import { builtInVersions, servedGroups, type ServedVersion } from '../served';
import type { ApiRequest, ApiResponse } from '../types';
import { Availability } from './availability';
import { createExtensionServers } from './extension-server';
import { introduce, introduction } from './introduction';
import { apiServices, sendUnlessLate, type Handle } from './objects';
import { isManaged, keepOwnServices } from './own-services';

/** What the API server publishes of itself, for clients and for servers behind it. */
export interface Publishing {
  /** Of the authority that signs client certificates, PEM. */
  clientCa: string;
  frontProxy(): Promise<FrontProxy>;
}

/** A version of a group that another server serves. */
export interface AggregatedVersion extends ServedVersion {
  aggregated: NonNullable<ServedVersion['aggregated']>;
}

/** The APIs that other servers serve behind this one, as their APIServices say. */
export interface Aggregation {
  /** The APIService a request belongs to; undefined for what is served here. */
  serving(route: Route): APIService | undefined;
  /** Whether a path belongs to another server, which then gets the body as it comes. */
  claims(path: string): boolean;
  /** Passes a request on that may be made. @throws ApiError 400 | 503 */
  passOn(api: APIService, request: ApiRequest, route: Route): ApiResponse;
  versions(): AggregatedVersion[];
  /** Begins to look after other servers, and to publish what is served here. */
  start(handle: Handle): void;
  /** Custom kinds came or went. */
  kindsChanged(): void;
  /** Ends what is under way between clients and other servers. */
  close(): void;
}

/** `openapi/v3/apis/GROUP/VERSION`. */
const isDocument = ([root, edition, apis, ...rest]: readonly string[]): boolean =>
  root === 'openapi' && edition === 'v3' && apis === 'apis' && rest.length === 2;

const lastingSubresources = new Set(['exec', 'attach', 'portforward', 'proxy', 'log']);

/** Whether a request may take as long as it likes. */
function lasts({ query }: ApiRequest, route: Route): boolean {
  if (flag(query, 'watch')) return true;
  if (route.type !== 'resource') return false;
  return route.watch || lastingSubresources.has(route.subresource?.split('/', 1)[0] ?? '');
}

/** @param changed called when what other servers serve has changed */
export function createAggregation(options: {
  context: ServerContext;
  publishing?: Publishing;
  changed(): void;
}): Aggregation {
  const { context, publishing, changed } = options;
  const { store, clock, log } = context;
  const builtIn = builtInVersions(context);
  const servers = createExtensionServers({ reaching: context, clock, frontProxy: publishing?.frontProxy });
  const availability = new Availability({ store, clock, log, servers, changed });
  /** By `GROUP/VERSION`. */
  const remote = new Map<string, APIService>();
  let handle: Handle | undefined;
  let closed = false;

  const versionOf = ({ spec }: APIService): string => (spec?.group ? `${spec.group}/${spec.version}` : 'v1');
  const isRemote = (api: APIService): boolean =>
    api.spec?.service !== undefined && !isManaged(api) && !builtIn.has(versionOf(api));

  const withdraw = (api: APIService): void => {
    const version = versionOf(api);
    if (remote.get(version)?.metadata.name !== api.metadata.name) return;
    remote.delete(version);
    availability.forget(api.metadata.name);
    if (handle) changed();
  };

  const take = (api: APIService): void => {
    if (!isRemote(api)) {
      withdraw(api);
      void sayLocal(api);
      return;
    }
    const before = remote.get(versionOf(api));
    remote.set(versionOf(api), api);
    availability.follow(api);
    if (handle && before?.spec !== api.spec) changed();
  };

  /** What is served here is there, whatever server an APIService names. */
  const sayLocal = async (api: APIService): Promise<void> => {
    if (!handle || closed) return;
    const { service } = api.spec ?? {};
    const claimed = service && {
      message: `${versionOf(api)} is served by this API server itself: no request is passed on to service/${service.name} in ${JSON.stringify(service.namespace)}`,
    };
    const conditions = setCondition(api.status?.conditions, { ...localCondition, ...claimed }, clock.now());
    const said = api.status?.conditions?.find(({ type }) => type === 'Available');
    if (said?.status === 'True' && said.reason === 'Local' && (!claimed || said.message === claimed.message)) return;
    const body = { ...api, status: { ...api.status, conditions } };
    await sendUnlessLate(handle, 'PUT', `${apiServices.path}/${api.metadata.name}/status`, body).catch(complain);
  };

  const complain = (error: Error) => log.warn('an API service could not be written', { error: error.message });

  let publishingNow = false;
  let publishAgain = false;
  const publish = (): void => {
    if (!handle || !publishing || closed) return;
    if (publishingNow) {
      publishAgain = true;
      return;
    }
    publishingNow = true;
    publishAgain = false;
    keepOwnServices({ store, handle, groups: servedGroups(context), builtIn })
      .catch(complain)
      .finally(() => {
        publishingNow = false;
        if (publishAgain) publish();
      });
  };

  const onEvent = ({ type, object }: StoreEvent): void => {
    const api = object.value as APIService;
    if (type === 'PUT') take(api);
    else withdraw(api);
    publish();
  };

  const { items, revision } = store.list(apiServices.prefix);
  for (const { value } of items) take(value as APIService);

  /** Puts back what is missing of it, once there is a place for it. */
  const introduceOurselves = async (): Promise<void> => {
    if (!publishing || !handle || !store.get(introduction.namespace)) return;
    const frontProxy = await publishing.frontProxy();
    if (!closed) await introduce({ store, handle, clientCa: publishing.clientCa, frontProxy });
  };
  const follows = [
    store.watch(apiServices.prefix, revision, onEvent),
    ...Object.values(introduction).map((key) =>
      store.watch(key, store.revision, (event) => {
        if (event.key === key) introduceOurselves().catch(complain);
      }),
    ),
  ];

  const serving: Aggregation['serving'] = (route) => {
    if (remote.size === 0) return undefined;
    if (route.type === 'resource') return remote.get(`${route.group}/${route.version}`);
    const [root, group, version, ...rest] = route.segments;
    if (root === 'apis' && rest.length === 0) return remote.get(`${group}/${version}`);
    if (!isDocument(route.segments)) return undefined;
    const api = remote.get(rest.join('/'));
    return api && availability.served(api.metadata.name).documents.v3 !== undefined ? api : undefined;
  };

  return {
    serving,
    claims: (path) => remote.size > 0 && serving(parsePath(path)) !== undefined,
    passOn(api, request, route) {
      if (!hasCondition(api.status?.conditions, 'Available')) {
        throw apiError(503, 'ServiceUnavailable', 'the server is currently unable to handle the request', {});
      }
      const target = servers.target(api, pathFor(request), request.user, lasts(request, route));
      return { status: 200, warnings: [], payload: { type: 'proxy', target } };
    },
    versions: () =>
      [...remote.values()].map((api) => {
        const { group = '', version = '', groupPriorityMinimum, versionPriority } = api.spec!;
        const { resources, ...told } = availability.served(api.metadata.name);
        const aggregated = { groupPriority: groupPriorityMinimum, versionPriority, ...told };
        return { group, version, resources, aggregated };
      }),
    start(to) {
      handle = to;
      availability.start(to);
      for (const { value } of store.list(apiServices.prefix).items) take(value as APIService);
      publish();
      introduceOurselves().catch(complain);
    },
    kindsChanged: publish,
    close() {
      closed = true;
      for (const follow of follows) follow.close();
      availability.close();
      servers.close();
    },
  };
}

/**
 * The path and query as another server gets them. What was authorized is what it
 * reads: nothing in the path may mean something else to it.
 * @throws ApiError 400
 */
function pathFor({ path, query }: ApiRequest): string {
  const segments = path
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => {
      let text: string;
      try {
        text = decodeURIComponent(segment);
      } catch {
        throw badRequest(`invalid path segment ${JSON.stringify(segment)}`);
      }
      if (text === '.' || text === '..' || /[/\\\0]/.test(text)) {
        throw badRequest(`invalid path segment ${JSON.stringify(segment)}`);
      }
      return encodeURIComponent(text);
    });
  const passed = new URLSearchParams(query);
  // The hash in the address of an OpenAPI document is ours.
  if (isDocument(segments)) passed.delete('hash');
  const search = passed.toString();
  return `/${segments.join('/')}${path.endsWith('/') ? '/' : ''}${search ? `?${search}` : ''}`;
}
