/** How often a job has succeeded and failed. Pure. */
import type { Job, Pod } from '@shared/k8s';
import { judge } from './failure-policy';
import { formatIndexes, indexOf, parseIndexes } from './indexes';
import { failureCountAnnotation, isFailed, isTracked } from './pods';

/**
 * A pod is counted in three steps, none of which may be lost: its uid is written
 * to the status as uncounted; its finalizer is taken away; its uid becomes one
 * more in the counter. Until the last, the pod or the uid is there to tell.
 */
export interface Tally {
  /** The counters as they are to be written. For Indexed jobs, successes are the completed indexes. */
  counted: { succeeded: number; failed: number };
  uncounted: { succeeded: Set<string>; failed: Set<string> };
  /** Of Indexed jobs. */
  completed: Set<number>;
  failedIndexes: Set<number>;
  /** How often each index has failed. */
  failuresByIndex: Map<number, number>;
  /** How often each index had failed when its latest pod was made. */
  failuresBefore: Map<number, number>;
  /** Why the job's podFailurePolicy ends it. */
  failJob?: string;
}

export const succeededIn = (tally: Tally): number => tally.counted.succeeded + tally.uncounted.succeeded.size;
export const failedIn = (tally: Tally): number => tally.counted.failed + tally.uncounted.failed.size;
export const isIndexed = (job: Job): boolean => job.spec?.completionMode === 'Indexed';

/** Counts on from the job's status with what its pods show now. */
export function takeTally(job: Job, pods: readonly Pod[]): Tally {
  const { status = {} } = job;
  const completions = job.spec!.completions ?? 0;
  const tracked = new Set(pods.filter(isTracked).map((pod) => pod.metadata.uid));
  const before = status.uncountedTerminatedPods ?? {};
  const held = (uids: readonly string[] = []) => new Set(uids.filter((uid) => tracked.has(uid)));
  const uncounted = { succeeded: held(before.succeeded), failed: held(before.failed) };
  const tally: Tally = {
    counted: {
      succeeded: (status.succeeded ?? 0) + (before.succeeded?.length ?? 0) - uncounted.succeeded.size,
      failed: (status.failed ?? 0) + (before.failed?.length ?? 0) - uncounted.failed.size,
    },
    uncounted,
    completed: parseIndexes(status.completedIndexes, completions),
    failedIndexes: parseIndexes(status.failedIndexes, completions),
    failuresByIndex: new Map(),
    failuresBefore: new Map(),
  };
  for (const pod of pods) count(job, pod, tally);
  if (isIndexed(job)) {
    for (const index of tally.completed) tally.failedIndexes.delete(index);
    tally.counted.succeeded = tally.completed.size;
  }
  return tally;
}

function count(job: Job, pod: Pod, tally: Tally): void {
  const { uid } = pod.metadata;
  const index = isIndexed(job) ? indexOf(pod, job.spec!.completions ?? 0) : undefined;
  if (isIndexed(job) && index === undefined) return;
  if (pod.status?.phase === 'Succeeded' && !tally.uncounted.failed.has(uid)) {
    if (!isTracked(pod)) return;
    if (index === undefined) tally.uncounted.succeeded.add(uid);
    else tally.completed.add(index);
    return;
  }
  const failed = isFailed(job, pod);
  const verdict = failed ? judge(job.spec!, pod) : undefined;
  if (verdict?.action === 'FailJob') tally.failJob ??= verdict.message;
  const ignored = verdict?.action === 'Ignore';
  if (index !== undefined) countIndex(job, pod, index, failed && !ignored, verdict?.action === 'FailIndex', tally);
  if (failed && !ignored && isTracked(pod)) tally.uncounted.failed.add(uid);
}

function countIndex(job: Job, pod: Pod, index: number, failed: boolean, outright: boolean, tally: Tally): void {
  const limit = job.spec!.backoffLimitPerIndex;
  if (limit === undefined) return;
  const before = failuresBefore(pod);
  // One that was let go of is counted in its successor, or was taken away by the job itself.
  const failures = Math.max(tally.failuresByIndex.get(index) ?? 0, before + (failed && isTracked(pod) ? 1 : 0));
  tally.failuresByIndex.set(index, failures);
  tally.failuresBefore.set(index, Math.max(tally.failuresBefore.get(index) ?? 0, before));
  if (failures > limit || (outright && isTracked(pod))) tally.failedIndexes.add(index);
}

const failuresBefore = (pod: Pod): number => Number(pod.metadata.annotations?.[failureCountAnnotation] ?? 0) || 0;

/** Whether a failure of an index that goes on is known from this pod alone: until its successor is made with the count. */
export function holdsFailures(job: Job, pod: Pod, tally: Tally): boolean {
  if (
    !isIndexed(job) ||
    job.spec!.backoffLimitPerIndex === undefined ||
    !tally.uncounted.failed.has(pod.metadata.uid)
  ) {
    return false;
  }
  const index = indexOf(pod, job.spec!.completions ?? 0);
  if (index === undefined || tally.completed.has(index) || tally.failedIndexes.has(index)) return false;
  return failuresBefore(pod) >= (tally.failuresBefore.get(index) ?? 0);
}

/** What of the job's status the tally decides. */
export function countersOf(job: Job, tally: Tally): Partial<NonNullable<Job['status']>> {
  const { counted, uncounted } = tally;
  const succeeded = [...uncounted.succeeded];
  const failed = [...uncounted.failed];
  const indexed = isIndexed(job);
  return {
    ...(counted.succeeded ? { succeeded: counted.succeeded } : {}),
    ...(counted.failed ? { failed: counted.failed } : {}),
    ...(indexed && tally.completed.size ? { completedIndexes: formatIndexes(tally.completed) } : {}),
    ...(indexed && job.spec!.backoffLimitPerIndex !== undefined
      ? { failedIndexes: formatIndexes(tally.failedIndexes) }
      : {}),
    uncountedTerminatedPods: {
      ...(succeeded.length ? { succeeded } : {}),
      ...(failed.length ? { failed } : {}),
    },
  };
}
