/** Which EndpointSlices a service should have, changing as few as possible. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { EndpointSlice, KubeObject, Service } from '@shared/k8s';
import { controllerRef } from '../../client/owners';
import { resources } from '../../client/resources';
import { addressType, groupByPorts, isHeadless, portsKey, sameLabels, type PodEndpoint } from './pods';

export const serviceNameLabel = 'kubernetes.io/service-name';
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const managedBy = 'endpointslice-controller.k8s.io';
export const headlessLabel = 'service.kubernetes.io/headless';
export const maxPerSlice = 100;

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];

export interface SlicePlan {
  create: KubeObject[];
  update: EndpointSlice[];
  remove: EndpointSlice[];
}

/** The labels of a service's slices: the service's own and what names it. */
export function sliceLabels(service: Service): Record<string, string> {
  return {
    ...service.metadata.labels,
    ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
    [serviceNameLabel]: service.metadata.name,
    [managedByLabel]: managedBy,
  };
}

/**
 * The changes from the slices that are to those that should be. Endpoints stay
 * in the slice they are in; new ones fill slices up to 100; empty slices go. A
 * service without any endpoint keeps one empty slice.
 */
export function planSlices(
  service: Service,
  endpoints: readonly PodEndpoint[],
  existing: readonly EndpointSlice[],
): SlicePlan {
  const type = addressType(service);
  const labels = sliceLabels(service);
  const plan: SlicePlan = { create: [], update: [], remove: [] };
  const groups = groupByPorts(endpoints);
  if (groups.size === 0) groups.set('', []);
  const byPorts = new Map<string, EndpointSlice[]>();
  for (const slice of existing) {
    const key = portsKey(slice.ports ?? []);
    if (slice.addressType !== type || !groups.has(key)) plan.remove.push(slice);
    else byPorts.set(key, [...(byPorts.get(key) ?? []), slice]);
  }

  for (const [key, group] of groups) {
    const wanted = new Map(group.map((endpoint) => [endpoint.pod.metadata.uid, sliceEndpoint(endpoint)]));
    const kept = (byPorts.get(key) ?? []).map((slice) => ({ slice, endpoints: keep(slice, wanted) }));
    const fresh = [...wanted.values()];
    // The fullest first, so that few slices change and none stays half empty.
    for (const part of [...kept].sort((a, b) => b.endpoints.length - a.endpoints.length)) {
      part.endpoints.push(...fresh.splice(0, Math.max(0, maxPerSlice - part.endpoints.length)));
    }
    const empties = kept.filter((part) => part.endpoints.length === 0);
    const placeholder = group.length === 0 ? empties.shift() : undefined;
    for (const { slice } of empties) plan.remove.push(slice);
    for (const part of kept) {
      if (part.endpoints.length === 0 && part !== placeholder) continue;
      const changed = !isDeepStrictEqual(part.endpoints, part.slice.endpoints ?? []);
      if (!changed && sameLabels(part.slice.metadata.labels, labels)) continue;
      plan.update.push({
        ...part.slice,
        metadata: { ...part.slice.metadata, labels },
        endpoints: part.endpoints,
      });
    }
    const ports = group[0]?.ports ?? [];
    while (fresh.length) plan.create.push(newSlice(service, type, labels, ports, fresh.splice(0, maxPerSlice)));
    if (group.length === 0 && kept.length === 0) plan.create.push(newSlice(service, type, labels, [], []));
  }
  return plan;
}

/** The endpoints of a slice that are still wanted, as they are now; takes them out of `wanted`. */
function keep(slice: EndpointSlice, wanted: Map<string, Endpoint>): Endpoint[] {
  const kept: Endpoint[] = [];
  for (const { targetRef } of slice.endpoints ?? []) {
    const endpoint = targetRef?.uid ? wanted.get(targetRef.uid) : undefined;
    if (!endpoint) continue;
    wanted.delete(targetRef!.uid!);
    kept.push(endpoint);
  }
  return kept;
}

function sliceEndpoint({ pod, ip, ready, serving, terminating, hostname, nodeName, zone }: PodEndpoint): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready, serving, terminating },
    ...(hostname ? { hostname } : {}),
    ...(nodeName ? { nodeName } : {}),
    targetRef: { kind: 'Pod', name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid },
    ...(zone ? { zone } : {}),
  };
}

function newSlice(
  service: Service,
  addressType: string,
  labels: Record<string, string>,
  ports: PodEndpoint['ports'],
  endpoints: Endpoint[],
): KubeObject {
  const { name, namespace } = service.metadata;
  return {
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels,
      ownerReferences: [controllerRef(resources.services, service)],
    },
    addressType,
    endpoints,
    ports,
  };
}
