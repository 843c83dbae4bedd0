import { apiError, ApiError } from '../api/errors';
import type { KindDefinition } from '../api/kind';
import type { ApiSchema } from '../api/schema/types';
import type { Clock } from '../clock';
import type { Logger } from '../log';
import { StoreError, type Store } from '../store/types';
import { accessAttributes, alwaysAllowed } from './access';
import { createAdmission } from './admission/chain';
import { createAggregation, type Publishing } from './aggregation';
import { admitConnection, proxyOptionsOf } from './connect';
import {
  methodNotAllowed,
  noSuchResource,
  type AccessAttributes,
  type Authorizer,
  type Call,
  type ServerContext,
} from './context';
import { Continuations } from './continuations';
import { createCustomKinds } from './custom';
import { assertCustomMedia } from './custom/schema';
import type { DebugPages } from './debug-pages';
import { remove, removeCollection } from './deletes';
import { Discovery, type VersionInfo } from './discovery';
import { metricsResource } from './metrics-api';
import { internalError } from './errors';
import { finalizeNamespace } from './finalize';
import { isNamespaces } from './namespaces';
import type { Exposed, Monitoring } from './monitoring';
import type { MetricsSource } from './node-connection';
import { negotiateResource, type Media, type Negotiated } from './negotiation';
import type { NodeConnections } from './nodes';
import { patch } from './patch';
import { bind, podSubresource } from './pods';
import { proxy } from './proxy';
import type { Rbac } from './rbac/authorizer';
import { accessDenied } from './rbac/forbidden';
import { get, list } from './reads';
import { ResourceRegistry, type Resource } from './resources';
import { reviewResource } from './reviews';
import { parsePath, type Route } from './router';
import { scale } from './scale';
import { createServiceAllocator } from './service-ip';
import { requestToken } from './tokens/request';
import type { ServiceAccountTokens } from './tokens/service-account';
import type { ApiRequest, ApiResponse } from './types';
import { requestVerb } from './verbs';
import { viewStore } from './view-store';
import { present } from './views';
import { watch } from './watch';
import { create, update } from './writes';

export interface ApiServerOptions {
  store: Store;
  kinds: readonly KindDefinition[];
  schema: ApiSchema;
  clock: Clock;
  log: Logger;
  nodes: NodeConnections;
  /** What GET /version answers. */
  version?: Partial<VersionInfo>;
  metrics?: MetricsSource;
  /** Counts requests and tells figures at /metrics. */
  monitoring?: Monitoring;
  /** What other parts tell about themselves under `/debug/`. */
  debugPages?: DebugPages;
  /** IPv4 range of cluster addresses; 10.96.0.0/16 unless told. */
  serviceCidr?: string;
  /** Decides by roles; without it (and without `authorize`) everyone who is known may do everything. */
  rbac?: Rbac;
  authorize?: Authorizer;
  /** The tokens of service accounts; without it none are made, and pods get none. */
  tokens?: ServiceAccountTokens;
  /** Publishes what is served as APIServices, and who the server is to servers behind it. */
  publishing?: Publishing;
  /** In [0, 1), for generated names. */
  random?: () => number;
}

/** How a request is served, whichever side it came in. */
export interface ApiServer {
  /** Serves one request of a known user. @throws ApiError with the Status to answer */
  handle(request: ApiRequest): Promise<ApiResponse>;
  readonly context: ServerContext;
  close(): void;
}

/** The API over a store: authorization → admission → strategy and validation → store, one path for everyone. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { store, schema, clock, log, nodes, metrics, monitoring } = options;
  const registry = new ResourceRegistry(options.kinds);
  const kindsChanged = () => {
    discovery.reset();
    context.aggregation?.kindsChanged();
  };
  const custom = createCustomKinds({ store, registry, schema, clock, log, changed: kindsChanged });
  const context: ServerContext = {
    store,
    registry,
    schema: custom.schema,
    clock,
    log,
    nodes,
    metrics,
    monitoring,
    debugPages: options.debugPages,
    random: options.random ?? Math.random,
    admission: createAdmission(options, () => context),
    authorize: options.authorize ?? options.rbac?.authorize ?? (() => ({ allowed: true })),
    rbac: options.rbac,
    tokens: options.tokens,
    services: createServiceAllocator(store, options.serviceCidr ?? '10.96.0.0/16'),
    continuations: new Continuations(clock),
  };
  const discovery = new Discovery(context, options.version);
  const { publishing } = options;
  const aggregation = createAggregation({ context, publishing, changed: () => discovery.reset() });
  context.aggregation = aggregation;
  const server: ApiServer = {
    context,
    close() {
      custom.close();
      aggregation.close();
      context.services.close();
      context.admission.close();
    },
    async handle(request) {
      const route = parsePath(request.path);
      const end = monitoring?.begin(request, route);
      try {
        const response = await serve(context, discovery, request, route);
        end?.(response.status);
        return response;
      } catch (error) {
        const failure = failureOf(error);
        end?.(failure.status.code ?? 500);
        if (!(error instanceof ApiError || error instanceof StoreError)) {
          log.error('a request failed', {
            method: request.method,
            path: request.path,
            error: (error as Error).stack ?? String(error),
          });
        }
        throw failure;
      }
    },
  };
  custom.start((request) => server.handle(request));
  aggregation.start((request) => server.handle(request));
  return server;
}

function serve(
  context: ServerContext,
  discovery: Discovery,
  request: ApiRequest,
  route: Route,
): ApiResponse | Promise<ApiResponse> {
  const elsewhere = context.aggregation?.serving(route);
  if (route.type === 'nonResource') {
    authorizePath(context, request);
    if (elsewhere) return context.aggregation!.passOn(elsewhere, request, route);
    if (request.method !== 'GET') throw methodNotAllowed();
    if (request.path === '/metrics' && context.monitoring) return exposed(context.monitoring.controlPlane());
    const page = context.debugPages?.get(request.path);
    if (page) return { status: 200, warnings: [], payload: { type: 'object', object: { value: page(request.query) } } };
    return discovery.serve(request, route.segments);
  }
  const verb = requestVerb(request.method, route, request.query);
  if (!verb) throw methodNotAllowed();
  authorize(context, request, route, verb);
  if (elsewhere) return context.aggregation!.passOn(elsewhere, request, route);
  const resource = context.registry.find(route.group, route.version, route.plural);
  const negotiated = negotiateResource(request.accept, route, verb, resource?.definition);
  const response = resourceResponse(context, request, route, verb, resource, negotiated);
  return negotiated === undefined || negotiated.media === 'json' ? response : inMedia(negotiated.media, response);
}

async function inMedia(media: Media, response: ApiResponse | Promise<ApiResponse>): Promise<ApiResponse> {
  return { ...(await response), media };
}

function resourceResponse(
  context: ServerContext,
  request: ApiRequest,
  route: Extract<Route, { type: 'resource' }>,
  verb: string,
  resource: Resource | undefined,
  negotiated: Negotiated | undefined,
): ApiResponse | Promise<ApiResponse> {
  const virtual = metricsResource(context, request, route) ?? reviewResource(context, request, route);
  if (virtual) return virtual;
  if (route.plural === 'bindings' && route.group === '' && request.method === 'POST' && route.namespace) {
    return bind(context, callOf(context.registry.need('', 'v1', 'pods'), request, route));
  }
  if (!resource) throw noSuchResource();
  const { definition } = resource;
  if (route.namespace !== undefined && !definition.namespaced) throw noSuchResource();
  if (route.name !== undefined && definition.namespaced && route.namespace === undefined) throw noSuchResource();
  assertCustomMedia(definition, request);
  const call = callOf(resource, request, route, negotiated);
  const seen = throughView(context, resource);
  if (route.subresource !== undefined) return subresource(seen, call);
  if (!resource.verbs.includes(verb)) throw methodNotAllowed();
  return mainResource(seen, call, verb);
}

const views = new WeakMap<Resource, ServerContext>();

/** The context with the store as the resource sees it. */
function throughView(context: ServerContext, resource: Resource): ServerContext {
  const { storedAs } = resource.definition;
  if (!storedAs) return context;
  let seen = views.get(resource);
  if (!seen) views.set(resource, (seen = { ...context, store: viewStore(context.store, storedAs) }));
  return seen;
}

const callOf = (
  resource: Call['resource'],
  request: ApiRequest,
  route: Extract<Route, { type: 'resource' }>,
  negotiated?: Negotiated,
): Call => ({
  request,
  resource,
  namespace: resource.definition.namespaced ? route.namespace : undefined,
  name: route.name,
  subresource: route.subresource,
  user: request.user,
  warnings: [],
  negotiated,
});

async function mainResource(context: ServerContext, call: Call, verb: string): Promise<ApiResponse> {
  const { name, namespace, resource } = call;
  const placed = !resource.definition.namespaced || namespace !== undefined;
  switch (verb) {
    case 'get':
      return present(context, call, get(context, call));
    case 'list':
      return present(context, call, list(context, call));
    case 'watch':
      return present(context, call, watch(context, call));
    case 'create':
      if (name !== undefined || !placed) throw methodNotAllowed();
      return present(context, call, await create(context, call));
    case 'update':
      if (name === undefined) throw methodNotAllowed();
      return present(context, call, await update(context, call));
    case 'patch':
      if (name === undefined) throw methodNotAllowed();
      return present(context, call, await patch(context, call));
    case 'delete':
      return present(context, call, await remove(context, call));
    case 'deletecollection':
      if (!placed) throw methodNotAllowed();
      return present(context, call, await removeCollection(context, call));
    default:
      throw methodNotAllowed();
  }
}

async function subresource(context: ServerContext, call: Call): Promise<ApiResponse> {
  const { definition } = call.resource;
  const { method } = call.request;
  if (call.subresource === 'status' ? definition.status : definition.partialUpdates?.[call.subresource!]) {
    if (method === 'GET') return present(context, call, get(context, call));
    if (method === 'PUT') return present(context, call, await update(context, call));
    if (method === 'PATCH') return present(context, call, await patch(context, call));
    throw methodNotAllowed();
  }
  if (call.subresource === 'scale' && definition.scale) {
    if (method !== 'GET' && method !== 'PUT' && method !== 'PATCH') throw methodNotAllowed();
    return scale(context, call);
  }
  if (call.subresource === 'finalize' && isNamespaces(call.resource)) {
    if (method !== 'PUT') throw methodNotAllowed();
    return finalizeNamespace(context, call);
  }
  if (call.subresource === 'proxy' || call.subresource?.startsWith('proxy/')) {
    await admitConnection(context, call, proxyOptionsOf(call));
    return proxy(context, call);
  }
  if (call.subresource === 'token' && definition.plural === 'serviceaccounts' && definition.group === '') {
    if (method !== 'POST') throw methodNotAllowed();
    return requestToken(context, call);
  }
  if (definition.plural === 'pods' && definition.group === '') return podSubresource(context, call);
  throw noSuchResource();
}

function authorize(
  context: ServerContext,
  request: ApiRequest,
  route: Extract<Route, { type: 'resource' }>,
  verb: string,
): void {
  const attributes = accessAttributes(request, route, verb);
  decide(context, request, attributes);
}

/** Asks whether it may be done, and notes the answer in the audit log. @throws ApiError 403 */
function decide(context: ServerContext, request: ApiRequest, attributes: AccessAttributes): void {
  const answer = context.authorize(attributes);
  request.annotate?.('authorization.k8s.io/decision', answer.allowed ? 'allow' : 'forbid');
  if (answer.reason) request.annotate?.('authorization.k8s.io/reason', answer.reason);
  if (!answer.allowed) throw accessDenied(attributes, answer.reason);
}

function authorizePath(context: ServerContext, request: ApiRequest): void {
  const { method, path, user } = request;
  if (alwaysAllowed.has(path)) return;
  const attributes = { user, verb: method.toLowerCase(), group: '', version: '', resource: '', path };
  decide(context, request, attributes);
}

async function exposed(figures: Promise<Exposed>): Promise<ApiResponse> {
  return { status: 200, warnings: [], payload: { type: 'text', ...(await figures) } };
}

/** Whatever went wrong, in the API's form. */
function failureOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return error instanceof StoreError ? storeFailure(error) : internalError(error);
}

/** What the store could not do, in the API's form. */
function storeFailure(error: StoreError): ApiError {
  if (error.code === 'closed') return apiError(503, 'ServiceUnavailable', 'the server is shutting down');
  if (error.code === 'notFound') return apiError(404, 'NotFound', 'the object was deleted meanwhile');
  if (error.code === 'conflict' || error.code === 'exists') return apiError(409, 'Conflict', error.message);
  return internalError(error);
}
