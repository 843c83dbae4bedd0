/** What several controllers ask of a pod. */
import type { Pod } from '@shared/k8s';
import { findCondition } from '../client/conditions';
import type { Informer } from '../client/types';

export const isReady = (pod: Pod): boolean => findCondition(pod.status?.conditions, 'Ready')?.status === 'True';

/** Ended by itself: it will not run again. */
export const isFinished = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';

/** Neither ended nor being deleted. */
export const isActive = (pod: Pod): boolean => !isFinished(pod) && !pod.metadata.deletionTimestamp;

/** Being deleted and not ended yet. */
export const isTerminating = (pod: Pod): boolean => Boolean(pod.metadata.deletionTimestamp) && !isFinished(pod);

/** When the pod became ready, in ms; 0 when it is not or nobody said when. */
export function readySince(pod: Pod): number {
  const ready = findCondition(pod.status?.conditions, 'Ready');
  return ready?.status === 'True' && ready.lastTransitionTime ? Date.parse(ready.lastTransitionTime) : 0;
}

/** In how many ms a pod will count as available: 0 now, Infinity while it is not ready. */
export function availableIn(pod: Pod, minReadySeconds: number, now: number): number {
  if (!isReady(pod)) return Infinity;
  if (minReadySeconds === 0) return 0;
  const since = readySince(pod);
  return since === 0 ? Infinity : Math.max(0, since + minReadySeconds * 1000 - now);
}

const nodeIndex = 'node';

/** Indexes pods by the node they are bound to. */
export function indexByNode(pods: Informer<Pod>): void {
  pods.addIndex(nodeIndex, (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []));
}

export const podsOfNode = (pods: Informer<Pod>, node: string): Pod[] => pods.byIndex(nodeIndex, node);
