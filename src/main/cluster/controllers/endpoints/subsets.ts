/** The subsets of a service's Endpoints object. Pure. */
import type { Endpoints, Service } from '@shared/k8s';
import { groupByPorts, isHeadless, type PodEndpoint } from './pods';
import { headlessLabel } from './slices';

type Subset = NonNullable<Endpoints['subsets']>[number];
type Address = NonNullable<Subset['addresses']>[number];

/** More than this is left out, and an annotation says so. */
const capacity = 1000;
export const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity';

export function endpointsLabels(service: Service): Record<string, string> {
  return {
    ...service.metadata.labels,
    ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
    'endpoints.kubernetes.io/managed-by': 'endpoint-controller',
  };
}

/** Addresses by ports, ready and not ready apart. Pods that are going away are in neither. */
export function subsetsOf(
  service: Service,
  endpoints: readonly PodEndpoint[],
): { subsets: Subset[]; truncated: boolean } {
  const tolerant = Boolean(service.spec?.publishNotReadyAddresses);
  const present = endpoints.filter(
    ({ terminating, ports }) => (tolerant || !terminating) && (ports.length > 0 || isHeadless(service)),
  );
  const shown = [...present].sort((a, b) => Number(b.ready) - Number(a.ready)).slice(0, capacity);
  const subsets = [...groupByPorts(shown)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]): Subset => {
      const addresses = group
        .filter(({ ready }) => ready)
        .map(address)
        .sort(byIp);
      const notReadyAddresses = group
        .filter(({ ready }) => !ready)
        .map(address)
        .sort(byIp);
      const ports = group[0]!.ports.map(({ name, ...port }) => ({ ...(name ? { name } : {}), ...port }));
      return {
        ...(addresses.length ? { addresses } : {}),
        ...(notReadyAddresses.length ? { notReadyAddresses } : {}),
        ...(ports.length ? { ports } : {}),
      };
    });
  return { subsets, truncated: present.length > shown.length };
}

function address({ pod, ip, hostname, nodeName }: PodEndpoint): Address {
  return {
    ...(hostname ? { hostname } : {}),
    ip,
    ...(nodeName ? { nodeName } : {}),
    targetRef: { kind: 'Pod', name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid },
  };
}

const byIp = (a: Address, b: Address): number => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0);
