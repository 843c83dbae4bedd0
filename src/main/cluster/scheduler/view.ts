import type {
  LabelSelector,
  Namespace,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  StorageClass,
} from '@shared/k8s';
import { matchesLabels } from '@shared/selectors';
import { resources } from '../client/resources';
import type { Informer, InformerFactory } from '../client/types';

/** What plugins ask of the cluster besides nodes and pods. Objects are those of the caches: frozen. */
export interface ClusterView {
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  /** Calls back on every change of a claim. @returns how to stop that */
  onClaimChange(listener: () => void): () => void;
  volume(name: string): PersistentVolume | undefined;
  volumes(): PersistentVolume[];
  storageClass(name: string): StorageClass | undefined;
  budgets(namespace: string): PodDisruptionBudget[];
  /** What the pod's services and its ReplicaSet, StatefulSet or ReplicationController select, all together. */
  groupSelector(pod: Pod): LabelSelector | undefined;
}

/** The view through shared informers, with those whose changes may let waiting pods fit. */
export interface InformerView extends ClusterView {
  readonly namespaces: Informer<Namespace>;
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly persistentVolumes: Informer<PersistentVolume>;
  readonly storageClasses: Informer<StorageClass>;
  /** Resolves when all caches are filled. */
  readonly synced: Promise<unknown>;
}

export function createView(informers: InformerFactory): InformerView {
  const namespaces = informers.informer(resources.namespaces);
  const claims = informers.informer(resources.persistentVolumeClaims);
  const persistentVolumes = informers.informer(resources.persistentVolumes);
  const storageClasses = informers.informer(resources.storageClasses);
  const budgets = informers.informer(resources.podDisruptionBudgets);
  const services = informers.informer(resources.services);
  const replicaSets = informers.informer(resources.replicaSets);
  const statefulSets = informers.informer(resources.statefulSets);
  const replicationControllers = informers.informer(resources.replicationControllers);
  const volumes = [claims, persistentVolumes, storageClasses].map(({ synced }) => synced);
  const groups = [services, replicaSets, statefulSets, replicationControllers].map(({ synced }) => synced);

  const ownerSelector = ({ metadata }: Pod): LabelSelector | undefined => {
    const owner = metadata.ownerReferences?.find(({ controller }) => controller);
    if (!owner) return undefined;
    if (owner.kind === 'ReplicaSet') return replicaSets.get(metadata.namespace, owner.name)?.spec?.selector;
    if (owner.kind === 'StatefulSet') return statefulSets.get(metadata.namespace, owner.name)?.spec?.selector;
    if (owner.kind !== 'ReplicationController') return undefined;
    const matchLabels = replicationControllers.get(metadata.namespace, owner.name)?.spec?.selector;
    return matchLabels && { matchLabels };
  };

  return {
    namespaces,
    claims,
    persistentVolumes,
    storageClasses,
    synced: Promise.all([namespaces.synced, budgets.synced, ...volumes, ...groups]),
    claim: (namespace, name) => claims.get(namespace, name),
    onClaimChange: (listener) => claims.on({ update: listener, delete: listener }),
    volume: (name) => persistentVolumes.get(undefined, name),
    volumes: () => persistentVolumes.list(),
    storageClass: (name) => storageClasses.get(undefined, name),
    budgets: (namespace) => budgets.list(namespace),
    groupSelector(pod) {
      const owner = ownerSelector(pod);
      let matchLabels = owner?.matchLabels;
      let found = owner !== undefined;
      for (const { spec } of services.list(pod.metadata.namespace)) {
        const selector = spec?.selector;
        if (!selector || Object.keys(selector).length === 0) continue;
        if (!matchesLabels(selector, pod.metadata.labels)) continue;
        matchLabels = { ...matchLabels, ...selector };
        found = true;
      }
      return found ? { matchLabels, matchExpressions: owner?.matchExpressions } : undefined;
    },
  };
}
