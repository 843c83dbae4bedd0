import type { Deployment, KubeObject, OwnerReference, Pod, PodDisruptionBudget } from '@shared/k8s';
import { isNotFound } from '../../client/controller';
import { controllerOf } from '../../client/owners';
import { resourcePath, resources } from '../../client/resources';
import type { Informer, KubeClient, ResourceRef } from '../../client/types';
import { scaledValue } from '../deployment/rolling';
import { discover } from '../discovery';

interface Parts {
  client: KubeClient;
  /** The kinds that are asked for from a cache. */
  cached: { ref: ResourceRef; informer: Informer }[];
}

export interface Expectation {
  /** How many pods there are to be. */
  expected: number;
  /** How many of them must be healthy. */
  desired: number;
  /** Pods nobody scales, where that matters. */
  unmanaged: Pod[];
}

/** Tells what a budget asks for in pods, through the scale of its pods' owners. */
export class ExpectedPods {
  constructor(private readonly parts: Parts) {}

  /** @param pods those the budget selects @throws Error when an owner cannot be scaled or the budget is no number */
  async of({ spec }: PodDisruptionBudget, pods: readonly Pod[]): Promise<Expectation> {
    const { minAvailable, maxUnavailable } = spec ?? {};
    if (maxUnavailable !== undefined) {
      const { expected, unmanaged } = await this.scales(pods);
      const away = scaledValue(maxUnavailable as number | string, expected, 'up');
      return { expected, desired: Math.max(0, expected - away), unmanaged };
    }
    if (typeof minAvailable === 'number') return { expected: pods.length, desired: minAvailable, unmanaged: [] };
    if (minAvailable === undefined) return { expected: 0, desired: 0, unmanaged: [] };
    const { expected, unmanaged } = await this.scales(pods);
    return { expected, desired: scaledValue(minAvailable as string, expected, 'up'), unmanaged };
  }

  private async scales(pods: readonly Pod[]): Promise<{ expected: number; unmanaged: Pod[] }> {
    const scales = new Map<string, number>();
    const seen = new Set<string>();
    const unmanaged: Pod[] = [];
    for (const pod of pods) {
      const owner = controllerOf(pod);
      if (!owner) unmanaged.push(pod);
      if (!owner || seen.has(owner.uid)) continue;
      seen.add(owner.uid);
      const scale = await this.scaleOf(pod.metadata.namespace, owner);
      if (!scale) throw new Error(`found no controllers for pod "${pod.metadata.name}"`);
      scales.set(scale.uid, scale.replicas);
    }
    return { expected: [...scales.values()].reduce((sum, replicas) => sum + replicas, 0), unmanaged };
  }

  /** How many pods an owner (or the owner's own one, for the ReplicaSet of a Deployment) is to have. */
  private async scaleOf(
    namespace: string | undefined,
    owner: OwnerReference,
  ): Promise<{ uid: string; replicas: number } | undefined> {
    const group = groupOf(owner.apiVersion);
    const known = this.parts.cached.find(({ ref }) => ref.kind === owner.kind && ref.group === group);
    if (!known) return this.customScale(namespace, owner, group);
    // A cache that does not show the owner yet may be behind the one that shows its pods.
    const object = known.informer.get(namespace, owner.name) ?? (await this.find(known.ref, namespace, owner.name));
    if (object?.metadata?.uid !== owner.uid) return undefined;
    const above = known.ref.plural === resources.replicaSets.plural ? controllerOf(object) : undefined;
    if (above?.kind === 'Deployment') return this.scaleOf(namespace, above);
    return { uid: owner.uid, replicas: (object.spec as Deployment['spec'])?.replicas ?? 1 };
  }

  private async customScale(namespace: string | undefined, owner: OwnerReference, group: string) {
    const { client } = this.parts;
    const { resources: served } = await discover(client);
    const ref = served.find((one) => one.kind === owner.kind && one.group === group);
    const name = ref && (group ? `${ref.plural}.${group}` : ref.plural);
    if (!ref || !(await this.find(ref, namespace, owner.name))) return undefined;
    try {
      const path = resourcePath(ref, namespace, owner.name, 'scale');
      const { body } = await client.transport.request<KubeObject>({ method: 'GET', path });
      return { uid: owner.uid, replicas: (body.spec as { replicas?: number } | undefined)?.replicas ?? 0 };
    } catch (error) {
      if (isNotFound(error)) throw new Error(`${name} does not implement the scale subresource`, { cause: error });
      throw error;
    }
  }

  private async find(ref: ResourceRef, namespace: string | undefined, name: string): Promise<KubeObject | undefined> {
    try {
      return await this.parts.client.get(ref, namespace, name);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? apiVersion.split('/')[0]! : '');
