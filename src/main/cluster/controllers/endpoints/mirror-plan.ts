/** From Endpoints made by hand to EndpointSlices. Pure. */
import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { Endpoints, EndpointSlice, KubeObject } from '@shared/k8s';
import { controllerRef } from '../../client/owners';
import { resources } from '../../client/resources';
import { portsKey, sameLabels } from './pods';
import { managedByLabel, serviceNameLabel, type SlicePlan } from './slices';

export const mirroredBy = 'endpointslicemirroring-controller.k8s.io';
/** Addresses mirrored of each subset, as in Kubernetes. */
export const maxPerSubset = 1000;

const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
/** Annotations that say something of the Endpoints object alone. */
const ownAnnotations = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'endpoints.kubernetes.io/last-change-trigger-time',
];

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];
type Subset = NonNullable<Endpoints['subsets']>[number];
type Address = NonNullable<Subset['addresses']>[number];

export interface MirrorPlan extends SlicePlan {
  /** Addresses that are none. */
  invalid: number;
  /** Addresses beyond the limit. */
  skipped: number;
}

/** Whether an Endpoints object wants slices at all. */
export const isMirrored = ({ metadata: { labels, annotations } }: Endpoints): boolean =>
  labels?.[skipLabel] !== 'true' && annotations?.[leaderAnnotation] === undefined;

interface Group {
  addressType: 'IPv4' | 'IPv6';
  ports: NonNullable<EndpointSlice['ports']>;
  endpoints: Endpoint[];
}

/** The changes from the slices that are to those the subsets ask for: one for each address family and set of ports. */
export function planMirror(endpoints: Endpoints, existing: readonly EndpointSlice[]): MirrorPlan {
  const plan: MirrorPlan = { create: [], update: [], remove: [], invalid: 0, skipped: 0 };
  const groups = groupsOf(endpoints.subsets ?? [], plan);
  const labels = {
    ...endpoints.metadata.labels,
    [serviceNameLabel]: endpoints.metadata.name,
    [managedByLabel]: mirroredBy,
  };
  const annotations = Object.fromEntries(
    Object.entries(endpoints.metadata.annotations ?? {}).filter(([name]) => !ownAnnotations.includes(name)),
  );
  const left = [...existing];
  for (const [key, group] of groups) {
    for (let from = 0; from < group.endpoints.length; from += maxPerSubset) {
      const part = group.endpoints.slice(from, from + maxPerSubset);
      const index = left.findIndex((slice) => keyOfSlice(slice) === key);
      if (index < 0) {
        plan.create.push(newSlice(endpoints, { ...group, endpoints: part }, labels, annotations));
        continue;
      }
      const [slice] = left.splice(index, 1) as [EndpointSlice];
      const { metadata } = slice;
      const same = isDeepStrictEqual(slice.endpoints ?? [], part) && sameLabels(metadata.labels, labels);
      if (same && sameLabels(metadata.annotations, annotations)) continue;
      plan.update.push({ ...slice, metadata: { ...metadata, labels, annotations }, endpoints: part });
    }
  }
  plan.remove.push(...left);
  return plan;
}

const keyOfSlice = ({ addressType, ports }: EndpointSlice): string => `${addressType} ${portsKey(ports ?? [])}`;

function groupsOf(subsets: readonly Subset[], plan: MirrorPlan): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const { addresses = [], notReadyAddresses = [], ports: subsetPorts = [] } of subsets) {
    const ports = subsetPorts.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
      name,
      port,
      protocol,
      ...(appProtocol ? { appProtocol } : {}),
    }));
    let room = maxPerSubset;
    const add = (address: Address, ready: boolean) => {
      const family = isIP(address.ip);
      if (family === 0) plan.invalid += 1;
      else if (room <= 0) plan.skipped += 1;
      else {
        room -= 1;
        const addressType = family === 6 ? 'IPv6' : 'IPv4';
        const key = `${addressType} ${portsKey(ports)}`;
        const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
        groups.set(key, group);
        group.endpoints.push(mirrored(address, ready));
      }
    };
    for (const address of addresses) add(address, true);
    for (const address of notReadyAddresses) add(address, false);
  }
  return groups;
}

const mirrored = ({ ip, hostname, nodeName, targetRef }: Address, ready: boolean): Endpoint => ({
  addresses: [ip],
  conditions: { ready },
  ...(hostname ? { hostname } : {}),
  ...(nodeName ? { nodeName } : {}),
  ...(targetRef ? { targetRef } : {}),
});

function newSlice(
  owner: Endpoints,
  { addressType, ports, endpoints }: Group,
  labels: Record<string, string>,
  annotations: Record<string, string>,
): KubeObject {
  const { name, namespace } = owner.metadata;
  return {
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels,
      annotations,
      ownerReferences: [controllerRef(resources.endpoints, owner)],
    },
    addressType,
    endpoints,
    ports,
  };
}
