import type { EndpointSlice, Service } from '@shared/k8s';

export interface Backend {
  ip: string;
  port: number;
}

/** One port of a service with where its traffic goes. */
export interface ServicePortBackends {
  namespace: string;
  name: string;
  /** `tcp` or `udp`. */
  protocol: 'tcp' | 'udp';
  clusterIp: string;
  port: number;
  /** In a stable order, each once. */
  backends: Backend[];
}

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];

export const serviceNameLabel = 'kubernetes.io/service-name';

/** A container of its own network namespace reaches neither this machine's loopback nor IPv6. */
const reachable = (ip: string): boolean => !ip.startsWith('127.') && !ip.includes(':');

/** The IPv4 address of a service that has one of its own. */
export function clusterIpOf({ spec }: Service): string | undefined {
  if (spec?.type === 'ExternalName') return undefined;
  const ip = (spec?.clusterIPs ?? [spec?.clusterIP ?? '']).find((one) => /^\d+(\.\d+){3}$/.test(one));
  return ip;
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

/** What every cluster address leads to, ordered by address, protocol and port. Pure. */
export function serviceBackends(services: readonly Service[], slices: readonly EndpointSlice[]): ServicePortBackends[] {
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
      const backends = backendsOf(own, port.name ?? '', protocol);
      result.push({ namespace: namespace!, name, protocol, clusterIp, port: port.port, backends });
    }
  }
  const key = (one: ServicePortBackends): string => `${one.clusterIp} ${one.protocol} ${one.port}`;
  return result.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function backendsOf(slices: readonly EndpointSlice[], portName: string, protocol: string): Backend[] {
  const ports = new Map<Endpoint, number>();
  for (const slice of slices) {
    const port = (slice.ports ?? []).find(
      (one) => (one.name ?? '') === portName && (one.protocol ?? 'TCP').toLowerCase() === protocol,
    )?.port;
    if (port) for (const endpoint of slice.endpoints ?? []) ports.set(endpoint, port);
  }
  const backends = new Map<string, Backend>();
  for (const endpoint of inService([...ports.keys()])) {
    const ip = endpoint.addresses[0];
    const port = ports.get(endpoint)!;
    if (ip && reachable(ip)) backends.set(`${ip}:${port}`, { ip, port });
  }
  return [...backends].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, backend]) => backend);
}
