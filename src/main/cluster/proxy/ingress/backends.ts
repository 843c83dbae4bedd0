import type { EndpointSlice, Service } from '@shared/k8s';
import { inService, slicesByService } from '../services';
import type { Upstream } from './model';

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];

/** What a reference to a service's port leads to. */
export type Resolved = { upstream: Upstream } | { missing: 'service' | 'port' | 'external'; message: string };

/** Finds pods behind services. */
export interface Backends {
  /** @param port by number or, where Ingresses may, by name */
  resolve(namespace: string, service: string, port: number | string | undefined): Resolved;
}

/** A container of its own network namespace reaches neither this machine's loopback nor IPv6. */
const reachable = (ip: string): boolean => /^\d+(\.\d+){3}$/.test(ip) && !ip.startsWith('127.');

/** See Backends. Pure. */
export function createBackends(
  service: (namespace: string, name: string) => Service | undefined,
  slices: readonly EndpointSlice[],
): Backends {
  const groups = slicesByService(slices);
  return {
    resolve(namespace, name, port) {
      const found = service(namespace, name);
      if (!found) return { missing: 'service', message: `service "${namespace}/${name}" was not found` };
      if (found.spec?.type === 'ExternalName')
        return {
          missing: 'external',
          message: `service "${namespace}/${name}" is of type ExternalName, which cannot be a backend here`,
        };
      const wanted = found.spec?.ports?.find(
        (one) => one.port === port || (one.name !== undefined && one.name === port),
      );
      if (!wanted)
        return { missing: 'port', message: `service "${namespace}/${name}" has no port ${String(port ?? '')}`.trim() };
      const ports = new Map<Endpoint, number>();
      for (const slice of groups.get(`${namespace}/${name}`) ?? []) {
        const target = (slice.ports ?? []).find(
          (one) => (one.name ?? '') === (wanted.name ?? '') && (one.protocol ?? 'TCP') === 'TCP',
        )?.port;
        if (target) for (const endpoint of slice.endpoints ?? []) ports.set(endpoint, target);
      }
      const servers = new Map<string, { ip: string; port: number }>();
      for (const endpoint of inService([...ports.keys()])) {
        const server = { ip: endpoint.addresses[0] ?? '', port: ports.get(endpoint)! };
        if (reachable(server.ip)) servers.set(`${server.ip}:${server.port}`, server);
      }
      const ordered = [...servers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, server]) => server);
      return { upstream: { name: `${namespace}_${name}_${wanted.port}`, servers: ordered } };
    },
  };
}
