import type { resourceRef } from '@shared/bridge/contract';
import { kindViews } from '@shared/kinds';
import type { z } from 'zod';
import { resourcePath } from '../cluster/client/resources';
import type { KubeTransport } from '../cluster/client/transport';
import type { ResourceRef } from '../cluster/client/types';
import { Discovery } from '../kubectl/discovery';

export type BridgeResource = z.infer<typeof resourceRef>;

/** What the page names an object by. */
export interface ObjectAddress {
  cluster: string;
  resource: BridgeResource;
  namespace?: string;
  name: string;
}

/** The API path of an object or its subresource. */
export function objectPath(address: Omit<ObjectAddress, 'cluster'>, subresource?: string): string {
  const ref = { ...address.resource, kind: '', namespaced: address.namespace !== undefined };
  return resourcePath(ref, address.namespace, address.name, subresource);
}

/** The API path of a collection; of all namespaces without one. */
export function collectionPath(resource: BridgeResource, namespace?: string): string {
  return resourcePath({ ...resource, kind: '', namespaced: namespace !== undefined }, namespace);
}

/** How long what a cluster was found to have is believed, in ms. */
const DISCOVERY_TTL = 60_000;

/** What kinds each cluster has, remembered for a while. */
export interface Kinds {
  /** @param fresh asks the cluster again, e.g. because a kind was not found */
  discovery(cluster: string, fresh?: boolean): Promise<Discovery>;
  /** The resource with its kind and scope; `kind` is '' where the cluster does not know it. */
  resolve(cluster: string, resource: BridgeResource): Promise<ResourceRef>;
  forget(cluster: string): void;
}

export function createKinds(transportFor: (cluster: string) => KubeTransport, now: () => number): Kinds {
  const known = new Map<string, { at: number; discovery: Promise<Discovery> }>();
  const discovery = (cluster: string, fresh = false): Promise<Discovery> => {
    const found = known.get(cluster);
    if (found && !fresh && now() - found.at < DISCOVERY_TTL) return found.discovery;
    const loading = Discovery.load(transportFor(cluster));
    known.set(cluster, { at: now(), discovery: loading });
    // A failure is not remembered.
    loading.catch(() => known.delete(cluster));
    return loading;
  };
  return {
    discovery,
    async resolve(cluster, resource) {
      const same = (other: BridgeResource) =>
        other.group === resource.group && other.version === resource.version && other.plural === resource.plural;
      const found = kindViews.find(same) ?? (await discovery(cluster)).mappings.find(same);
      return { ...resource, kind: found?.kind ?? '', namespaced: found?.namespaced ?? false };
    },
    forget: (cluster) => void known.delete(cluster),
  };
}
