import type { Pod, StatefulSet } from '@shared/k8s';
import { availableIn, isReady } from '../pods';
import { replicasOf, revisionLabel } from './identity';

type Status = NonNullable<StatefulSet['status']>;

export interface StatusInput {
  set: StatefulSet;
  pods: readonly Pod[];
  /** Names of the revisions before and after an update. */
  currentRevision: string;
  updateRevision: string;
  collisionCount: number | undefined;
  now: number;
}

/**
 * The status of a StatefulSet. An update is complete when every pod is updated
 * and ready: its revision then is the current one.
 * @returns also in how many ms a ready pod becomes available; Infinity when none will
 */
export function statefulStatus(input: StatusInput): { status: Status; nextMs: number } {
  const { set, pods, updateRevision, collisionCount, now } = input;
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isReady(pod));
  const waits = ready.map((pod) => availableIn(pod, minReadySeconds, now));
  const ofRevision = (name: string) =>
    pods.filter((pod) => !pod.metadata.deletionTimestamp && pod.metadata.labels?.[revisionLabel] === name).length;
  const wanted = replicasOf(set);
  const updatedReplicas = ofRevision(updateRevision);
  const complete =
    set.spec?.updateStrategy?.type !== 'OnDelete' &&
    [updatedReplicas, pods.length, ready.length].every((count) => count === wanted);
  const currentRevision = complete ? updateRevision : input.currentRevision;
  const currentReplicas = ofRevision(currentRevision);
  const { conditions } = set.status ?? {};
  return {
    nextMs: Math.min(Infinity, ...waits.filter((wait) => wait > 0)),
    status: {
      replicas: pods.length,
      availableReplicas: waits.filter((wait) => wait === 0).length,
      // Kubernetes leaves these out while they are zero.
      ...(ready.length ? { readyReplicas: ready.length } : {}),
      ...(currentReplicas ? { currentReplicas } : {}),
      ...(updatedReplicas ? { updatedReplicas } : {}),
      currentRevision,
      updateRevision,
      observedGeneration: set.metadata.generation,
      collisionCount: collisionCount ?? 0,
      ...(conditions ? { conditions } : {}),
    },
  };
}
