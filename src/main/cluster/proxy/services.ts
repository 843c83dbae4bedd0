import type { EndpointSlice, Service } from '@shared/k8s';

export interface Backend {
  ip: string;
  port: number;
}

/** One port of a service with where its traffic goes, as the router of one node sees it. */
export interface ServicePortBackends {
  namespace: string;
  name: string;
  /** `tcp` or `udp`. */
  protocol: 'tcp' | 'udp';
  clusterIp: string;
  port: number;
  /** Where the cluster address leads: in a stable order, each once. */
  backends: Backend[];
  /** On every address of the router. */
  nodePort?: number;
  externalIps?: string[];
  /** Where node port and external addresses lead when that is not where the cluster address leads. */
  externalBackends?: Backend[];
  /** Where the node port leads when only to endpoints of the node. */
  nodeBackends?: Backend[];
  /** There are endpoints on other nodes: what may not go there gets no answer, where others are refused. */
  elsewhere?: true;
  /** A client stays with its endpoint until it was silent for as long. */
  affinitySeconds?: number;
}

export type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];

export const serviceNameLabel = 'kubernetes.io/service-name';

/** A container of its own network namespace reaches neither this machine's loopback nor IPv6. */
const reachable = (ip: string): boolean => !ip.startsWith('127.') && !ip.includes(':');

export const isIpv4 = (text: string): boolean => /^\d+(\.\d+){3}$/.test(text);

/** The IPv4 address of a service that has one of its own. */
export function clusterIpOf({ spec }: Service): string | undefined {
  if (spec?.type === 'ExternalName') return undefined;
  return (spec?.clusterIPs ?? [spec?.clusterIP ?? '']).find(isIpv4);
}

/** Slices by `namespace/name` of their service. */
export function slicesByService(slices: readonly EndpointSlice[]): Map<string, EndpointSlice[]> {
  const groups = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const service = slice.metadata.labels?.[serviceNameLabel];
    if (!service || slice.addressType !== 'IPv4') continue;
    const key = `${slice.metadata.namespace}/${service}`;
    const group = groups.get(key);
    if (group) group.push(slice);
    else groups.set(key, [slice]);
  }
  return groups;
}

/** Endpoints that take traffic: the ready ones, or when there is none those that end but still serve. */
export function inService(endpoints: readonly Endpoint[]): Endpoint[] {
  const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false);
  if (ready.length > 0) return ready;
  return endpoints.filter(({ conditions }) => conditions?.serving && conditions.terminating);
}

/**
 * What every address of every service leads to on a node, ordered by address, protocol and port. Pure.
 * Traffic policies count for clients of that node: `Local` leads to its own endpoints alone,
 * `PreferSameNode` to them while there are some. `externalTrafficPolicy` is for who asks for a node port at the
 * router itself: pods that ask for an external address are not outside, and neither is this machine, which is every node.
 */
export function serviceBackends(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  node?: string,
): ServicePortBackends[] {
  const groups = slicesByService(slices);
  const result: ServicePortBackends[] = [];
  for (const service of services) {
    const clusterIp = clusterIpOf(service);
    if (!clusterIp) continue;
    const { namespace, name } = service.metadata;
    const own = groups.get(`${namespace}/${name}`) ?? [];
    for (const port of service.spec?.ports ?? []) {
      const protocol = (port.protocol ?? 'TCP').toLowerCase();
      if (protocol !== 'tcp' && protocol !== 'udp') continue;
      const { near, all } = backendsOf(own, port.name ?? '', protocol, node);
      const backends = pick(service, near, all);
      const nodeBackends = port.nodePort && isLocalFromOutside(service) ? near : undefined;
      result.push({
        namespace: namespace!,
        name,
        protocol,
        clusterIp,
        port: port.port,
        backends,
        ...outside(service, port.nodePort, backends === all ? undefined : all),
        ...(nodeBackends ? { nodeBackends } : {}),
        ...(all.length > 0 && (!backends.length || nodeBackends?.length === 0) ? { elsewhere: true } : {}),
      });
    }
  }
  const key = (one: ServicePortBackends): string => `${one.clusterIp} ${one.protocol} ${one.port}`;
  return result.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/**
 * Whether a node port leads to endpoints of its node alone. Not so where the cluster address does too: this machine
 * asks there, for all nodes.
 */
export const isLocalFromOutside = ({ spec }: Service): boolean =>
  spec?.externalTrafficPolicy === 'Local' && spec.internalTrafficPolicy !== 'Local';

function pick({ spec }: Service, near: Backend[], all: Backend[]): Backend[] {
  if (spec?.internalTrafficPolicy === 'Local') return near;
  return spec?.trafficDistribution === 'PreferSameNode' && near.length > 0 ? near : all;
}

function outside({ spec }: Service, nodePort: number | undefined, all: Backend[] | undefined) {
  const externalIps = (spec?.externalIPs ?? []).filter(isIpv4);
  const seconds = spec?.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800;
  const fromOutside = nodePort || externalIps.length > 0;
  return {
    ...(nodePort ? { nodePort } : {}),
    ...(externalIps.length > 0 ? { externalIps } : {}),
    ...(all && fromOutside ? { externalBackends: all } : {}),
    ...(spec?.sessionAffinity === 'ClientIP' ? { affinitySeconds: seconds } : {}),
  };
}

function backendsOf(
  slices: readonly EndpointSlice[],
  portName: string,
  protocol: string,
  node: string | undefined,
): { near: Backend[]; all: Backend[] } {
  const ports = new Map<Endpoint, number>();
  for (const slice of slices) {
    const port = (slice.ports ?? []).find(
      (one) => (one.name ?? '') === portName && (one.protocol ?? 'TCP').toLowerCase() === protocol,
    )?.port;
    if (port) for (const endpoint of slice.endpoints ?? []) ports.set(endpoint, port);
  }
  const distinct = (endpoints: Endpoint[]): Backend[] => {
    const backends = new Map<string, Backend>();
    for (const endpoint of inService(endpoints)) {
      const ip = endpoint.addresses[0];
      const port = ports.get(endpoint)!;
      if (ip && reachable(ip)) backends.set(`${ip}:${port}`, { ip, port });
    }
    return [...backends].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, backend]) => backend);
  };
  const endpoints = [...ports.keys()];
  return { near: distinct(endpoints.filter(({ nodeName }) => nodeName === node)), all: distinct(endpoints) };
}
