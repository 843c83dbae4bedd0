import type { OutgoingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EndpointSlice, Pod, Service } from '@shared/k8s';
import { apiError, badRequest } from '../api/errors';
import { noSuchResource, type Call, type ServerContext } from './context';
import type { Deadline } from './deadline';
import { nodeOf } from './pods';
import { getStored } from './resources';
import type { ApiResponse } from './types';

/** An HTTP server inside the cluster that a request is passed on to. */
export interface ProxyTarget {
  /** What it is called in the Host header. */
  host: string;
  tls: boolean;
  /** Path and query as it gets them; empty when the request named none, not even `/`. */
  path: string;
  /** What stands before the path in the API: redirects are answered with it. */
  prefix: string;
  /** Gives up when the signal says so. */
  connect(signal?: AbortSignal): Promise<Duplex>;
  /** Set for a server that answers in the API's own name. */
  aggregated?: {
    /** Who asks. The client's own headers of this kind are not passed on. */
    identity: OutgoingHttpHeaders;
    /** Starts the time an exchange has, which ends with the API server at the latest. */
    deadline(): Deadline;
  };
}

const proxied = /^(\/+api\/+v1\/+(?:namespaces\/+[^/]+\/+)?(?:pods|services|nodes)\/+[^/]+\/+proxy)(\/.*)?$/;

/** Whether a path is one of the proxies' own: its body and its answer belong to the server behind it. */
export const isProxyPath = (path: string): boolean => proxied.test(path);

/** pods/proxy, services/proxy and nodes/proxy. @throws ApiError when there is nothing to pass a request on to */
export function proxy(context: ServerContext, call: Call): Promise<ApiResponse> | ApiResponse {
  const { plural, group } = call.resource.definition;
  if (group !== '' || !isProxyPath(call.request.path)) throw noSuchResource();
  const name = splitName(call.name!);
  if (plural === 'nodes') return nodeProxy(context, call, name.name);
  if (plural === 'pods') return answer(call, name, podTarget(context, call, name));
  if (plural === 'services') return answer(call, name, servicePod(context, call.namespace!, name));
  throw noSuchResource();
}

interface Name {
  scheme: string;
  name: string;
  port: string;
}

/** `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`; the port may be missing in the last as well. */
function splitName(text: string): Name {
  const parts = text.split(':');
  const [scheme, name, port] =
    parts.length === 1
      ? ['', text, '']
      : parts.length === 2
        ? ['', parts[0]!, parts[1]!]
        : [parts[0]!, parts[1]!, parts[2]!];
  if (parts.length > 3 || !name || !['', 'http', 'https'].includes(scheme))
    throw badRequest(`invalid proxy request "${text}"`);
  return { scheme, name, port };
}

function answer(call: Call, { scheme, name }: Name, { pod, port, context }: Reached): ApiResponse {
  const [, prefix, rest = ''] = proxied.exec(call.request.path)!;
  const query = call.request.query.toString();
  const node = nodeOf(context, pod);
  const target: ProxyTarget = {
    host: `${pod.status?.podIP ?? name}:${port}`,
    tls: scheme === 'https',
    path: rest === '' ? '' : query === '' ? rest : `${rest}?${query}`,
    prefix: prefix!,
    connect: () => node.portForward(pod.metadata.namespace!, pod.metadata.name, port),
  };
  return { status: 200, warnings: call.warnings, payload: { type: 'proxy', target } };
}

/** What is needed to find the way to a pod. */
export type Reaching = Pick<ServerContext, 'store' | 'registry' | 'random' | 'nodes'>;

interface Reached {
  context: Reaching;
  pod: Pod;
  port: number;
}

function podTarget(context: ServerContext, call: Call, { name, port: asked }: Name): Reached {
  const pod = getStored(context.store, call.resource, call.namespace, name).value as Pod;
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  const port = asked === '' ? (ports[0]?.containerPort ?? 80) : (byNumber(asked) ?? named(ports, asked)?.containerPort);
  if (port === undefined) throw badRequest(`invalid port "${asked}" for pod "${name}"`);
  return { context, pod, port };
}

/** A ready pod behind the service, any of them. @throws ApiError 404 | 503 */
export function servicePod(
  context: Reaching,
  namespace: string,
  { name, port: asked }: Pick<Name, 'name' | 'port'>,
): Reached {
  const services = context.registry.need('', 'v1', 'services');
  const service = getStored(context.store, services, namespace, name).value as Service;
  const ports = service.spec?.ports ?? [];
  const wanted =
    asked === '' && ports.length === 1
      ? ports[0]
      : ports.find((port) => (port.name ?? '') === asked || String(port.port) === asked);
  if (!wanted) throw unavailable(`no service port "${asked}" found for service "${name}"`);
  const slices = context.registry.need('discovery.k8s.io', 'v1', 'endpointslices');
  const reachable = context.store
    .list(slices.scope(namespace))
    .items.map(({ value }) => value as EndpointSlice)
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name)
    .flatMap((slice) => {
      const port = slice.ports?.find((one) => (one.name ?? '') === (wanted.name ?? ''))?.port;
      if (!port) return [];
      return slice.endpoints
        .filter((endpoint) => endpoint.conditions?.ready !== false && endpoint.targetRef?.kind === 'Pod')
        .map((endpoint) => ({ pod: endpoint.targetRef!.name!, port }));
    });
  const chosen = reachable[Math.floor(context.random() * reachable.length)];
  if (!chosen) throw unavailable(`no endpoints available for service "${name}"`);
  const pods = context.registry.need('', 'v1', 'pods');
  const pod = getStored(context.store, pods, namespace, chosen.pod).value as Pod;
  return { context, pod, port: chosen.port };
}

const unavailable = (message: string) => apiError(503, 'ServiceUnavailable', message);
const named = <T extends { name?: string }>(ports: T[], name: string) => ports.find((port) => port.name === name);

function byNumber(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** What a kubelet answers by itself, as far as the node agents here have it: health, pods, logs of containers, figures. */
async function nodeProxy(context: ServerContext, call: Call, name: string): Promise<ApiResponse> {
  getStored(context.store, call.resource, undefined, name);
  const rest = (proxied.exec(call.request.path)![2] ?? '').split('/').filter((part) => part !== '');
  const node = context.nodes.get(name);
  if (!node) throw unavailable(`error trying to reach service: node ${name} is not connected`);
  const { warnings } = call;
  if (rest[0] === 'healthz' && call.request.method === 'GET') {
    return { status: 200, warnings, payload: { type: 'text', contentType: 'text/plain; charset=utf-8', text: 'ok' } };
  }
  if (rest[0] === 'pods' && rest.length === 1 && call.request.method === 'GET') {
    const { items, revision } = context.store.list(context.registry.need('', 'v1', 'pods').prefix);
    const mine = items.filter(({ value }) => (value as Pod).spec?.nodeName === name);
    const metadata = { resourceVersion: String(revision) };
    return {
      status: 200,
      warnings,
      payload: { type: 'list', apiVersion: 'v1', kind: 'PodList', metadata, items: mine },
    };
  }
  if (rest[0] === 'containerLogs' && rest.length === 4 && call.request.method === 'GET') {
    const [, namespace, pod, container] = rest;
    const follow = call.request.query.get('follow') === 'true';
    const stream = await node.logs(namespace!, pod!, { container: container!, follow });
    return { status: 200, warnings, payload: { type: 'stream', contentType: 'text/plain', stream } };
  }
  if (call.request.method === 'GET') {
    const figures = await context.monitoring?.node(name, rest.join('/'));
    if (figures) return { status: 200, warnings, payload: { type: 'text', ...figures } };
  }
  return {
    status: 404,
    warnings,
    payload: { type: 'text', contentType: 'text/plain; charset=utf-8', text: '404 page not found\n' },
  };
}
