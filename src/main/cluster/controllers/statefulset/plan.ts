/** What a StatefulSet does next. Pure: pods in, steps out. */
import type { Pod, StatefulSet } from '@shared/k8s';
import { scaledValue } from '../deployment/rolling';
import { availableIn, isFinished } from '../pods';
import { isWanted, ordinalOf, replicasOf, revisionLabel, startOf } from './identity';

export interface PlanInput {
  set: StatefulSet;
  pods: readonly Pod[];
  /** The name of the revision of the present template. */
  updateRevision: string;
  now: number;
}

export interface Plan {
  /** Ordinals that get a pod. */
  create: number[];
  remove: Pod[];
}

/**
 * The next steps. With OrderedReady at most one pod is made or taken away, and none before every pod of a
 * lower ordinal is available; with Parallel all that is missing or too much. Of an
 * update what may be unavailable at a time.
 */
export function plan({ set, pods, updateRevision, now }: PlanInput): Plan {
  const ordered = set.spec?.podManagementPolicy !== 'Parallel';
  const next: Plan = { create: [], remove: [] };
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
  const serves = (pod: Pod) => isServing(set, pod, now);
  const first = startOf(set);
  const last = first + replicasOf(set) - 1;

  for (let ordinal = first; ordinal <= last; ordinal++) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) next.create.push(ordinal);
    else if (isFinished(pod) && !pod.metadata.deletionTimestamp) next.remove.push(pod);
    else if (serves(pod)) continue;
    if (ordered) return next;
  }

  const condemned = pods
    .filter((pod) => !isWanted(set, ordinalOf(set, pod)!))
    .sort((a, b) => ordinalOf(set, b)! - ordinalOf(set, a)!);
  // One that does not serve blocks the others, unless it is the lowest that does not.
  const lowestSick = condemned.findLast((pod) => !serves(pod));
  for (const pod of condemned) {
    if (ordered && (pod.metadata.deletionTimestamp || (!serves(pod) && pod !== lowestSick))) return next;
    if (pod.metadata.deletionTimestamp) continue;
    next.remove.push(pod);
    if (ordered) return next;
  }

  next.remove.push(...outdated(set, byOrdinal, updateRevision, serves, next.remove));
  return next;
}

/**
 * The pods of a former revision that are to be replaced now: from the highest
 * ordinal down to the partition, as many as may be unavailable. One that serves
 * nobody may go at once, as nothing is lost with it.
 */
function outdated(
  set: StatefulSet,
  byOrdinal: ReadonlyMap<number | undefined, Pod>,
  updateRevision: string,
  serves: (pod: Pod) => boolean,
  going: readonly Pod[],
): Pod[] {
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (type === 'OnDelete') return [];
  const first = startOf(set);
  const last = first + replicasOf(set) - 1;
  const away = (pod: Pod | undefined) => !pod || going.includes(pod) || !serves(pod);
  let room = maxUnavailable(set);
  for (let ordinal = first; ordinal <= last; ordinal++) if (away(byOrdinal.get(ordinal))) room--;
  const remove: Pod[] = [];
  for (let ordinal = last; ordinal >= first + (rollingUpdate?.partition ?? 0); ordinal--) {
    const pod = byOrdinal.get(ordinal);
    if (!pod || going.includes(pod) || pod.metadata.deletionTimestamp) continue;
    if (pod.metadata.labels?.[revisionLabel] === updateRevision) continue;
    if (away(pod)) remove.push(pod);
    else if (room > 0) {
      remove.push(pod);
      room--;
    }
  }
  return remove;
}

/** How many pods an update may take away at a time: 1 unless told, and never none. */
function maxUnavailable(set: StatefulSet): number {
  const asked = (set.spec?.updateStrategy?.rollingUpdate?.maxUnavailable as number | string | undefined) ?? 1;
  return Math.max(1, scaledValue(asked, replicasOf(set), 'down'));
}

/** Whether a new pod of this ordinal still is of the revision before the update. */
export function needsCurrentRevision(set: StatefulSet, ordinal: number): boolean {
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (type === 'OnDelete') return false;
  const kept = rollingUpdate ? (rollingUpdate.partition ?? 0) : (set.status?.currentReplicas ?? 0);
  return ordinal < startOf(set) + kept;
}

/** Running, available for long enough and to stay. */
function isServing(set: StatefulSet, pod: Pod, now: number): boolean {
  return (
    pod.status?.phase === 'Running' &&
    !pod.metadata.deletionTimestamp &&
    availableIn(pod, set.spec?.minReadySeconds ?? 0, now) === 0
  );
}
