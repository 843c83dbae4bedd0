/** Whether a job has reached its end, and which. Pure. */
import type { Job, Pod } from '@shared/k8s';
import { findCondition, hasCondition } from '../../client/conditions';
import { isActive } from '../pods';
import { parseIndexes } from './indexes';
import { failedIn, isIndexed, succeededIn, type Tally } from './tally';

export interface Outcome {
  /** What is set at once; Complete or Failed follows when all pods have ended and are counted. */
  type: 'SuccessCriteriaMet' | 'FailureTarget';
  reason: string;
  message: string;
}

export const isFinishedJob = (job: Job): boolean =>
  hasCondition(job.status?.conditions, 'Complete') || hasCondition(job.status?.conditions, 'Failed');

/** In how many ms the job's time is over; Infinity without a limit. */
export function deadlineIn(job: Job, now: number): number {
  const { activeDeadlineSeconds, suspend } = job.spec!;
  const startTime = job.status?.startTime;
  if (activeDeadlineSeconds === undefined || suspend || !startTime) return Infinity;
  return Date.parse(startTime) + activeDeadlineSeconds * 1000 - now;
}

/** @param settled whether the pods are all there are; if not, a job without completions may have more */
export function outcomeOf(
  job: Job,
  tally: Tally,
  pods: readonly Pod[],
  now: number,
  settled: boolean,
): Outcome | undefined {
  for (const type of ['SuccessCriteriaMet', 'FailureTarget'] as const) {
    const decided = findCondition(job.status?.conditions, type);
    if (decided?.status === 'True') return { type, reason: decided.reason ?? '', message: decided.message ?? '' };
  }
  return failureOf(job, tally, pods, now) ?? successOf(job, tally, pods, settled);
}

const fail = (reason: string, message: string): Outcome => ({ type: 'FailureTarget', reason, message });

function failureOf(job: Job, tally: Tally, pods: readonly Pod[], now: number): Outcome | undefined {
  const { backoffLimit = 6, backoffLimitPerIndex, maxFailedIndexes, completions = 0 } = job.spec!;
  if (tally.failJob !== undefined) return fail('PodFailurePolicy', tally.failJob);
  if (failedIn(tally) > backoffLimit || restartsExceed(job, pods, backoffLimit)) {
    return fail('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  if (deadlineIn(job, now) <= 0) return fail('DeadlineExceeded', 'Job was active longer than specified deadline');
  if (!isIndexed(job) || backoffLimitPerIndex === undefined) return undefined;
  const failed = tally.failedIndexes.size;
  if (maxFailedIndexes !== undefined && failed > maxFailedIndexes) {
    const message = 'Job has exceeded the specified maximal number of failed indexes';
    return fail('MaxFailedIndexesExceeded', message);
  }
  return failed > 0 && failed + tally.completed.size >= completions
    ? fail('FailedIndexes', 'Job has failed indexes')
    : undefined;
}

/** Containers that are restarted in place fail too, though their pod does not. */
function restartsExceed(job: Job, pods: readonly Pod[], limit: number): boolean {
  if (job.spec!.template.spec?.restartPolicy !== 'OnFailure') return false;
  let restarts = 0;
  for (const { status } of pods.filter(isActive)) {
    if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue;
    for (const { restartCount } of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
      restarts += restartCount ?? 0;
    }
  }
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

function successOf(job: Job, tally: Tally, pods: readonly Pod[], settled: boolean): Outcome | undefined {
  const { completions, successPolicy } = job.spec!;
  for (const [index, rule] of (isIndexed(job) ? (successPolicy?.rules ?? []) : []).entries()) {
    const wanted = rule.succeededIndexes ? parseIndexes(rule.succeededIndexes, completions ?? 0) : undefined;
    const reached = wanted ? [...wanted].filter((one) => tally.completed.has(one)).length : tally.completed.size;
    if (reached >= (rule.succeededCount ?? wanted?.size ?? Infinity)) {
      return { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: `Matched rules at index ${index}` };
    }
  }
  const succeeded = succeededIn(tally);
  // Without completions the first success says that there is no work left; the others may finish theirs.
  const complete =
    completions === undefined ? settled && succeeded > 0 && !pods.some(isActive) : succeeded >= completions;
  return complete
    ? {
        type: 'SuccessCriteriaMet',
        reason: 'CompletionsReached',
        message: 'Reached expected number of succeeded pods',
      }
    : undefined;
}
