/** What a disruption budget allows. Pure: pods in, status out. */
import type { Pod, PodDisruptionBudget } from '@shared/k8s';
import { setCondition } from '../../client/conditions';
import { isReady } from '../pods';
import type { Expectation } from './expected';

type BudgetStatus = NonNullable<PodDisruptionBudget['status']>;

/** For how long an evicted pod counts as disrupted although it does not go, in ms (Kubernetes' DeletionTimeout). */
const deletionTimeoutMs = 120_000;

export interface Disrupted {
  /** Pods whose eviction was granted and that are not being deleted yet, with the time of the grant. */
  waiting: Record<string, string>;
  /** Pods that were granted to go and stayed. */
  late: Pod[];
  /** When the first of `waiting` will be late, in ms from now. */
  nextMs: number;
}

/** Goes through the evictions that were granted. @param now in ms */
export function sortDisrupted(budget: PodDisruptionBudget, pods: readonly Pod[], now: number): Disrupted {
  const result: Disrupted = { waiting: {}, late: [], nextMs: Infinity };
  const granted = (budget.status?.disruptedPods ?? {}) as unknown as Record<string, string>;
  for (const pod of pods) {
    const time = granted[pod.metadata.name];
    if (time === undefined || pod.metadata.deletionTimestamp) continue;
    const left = Date.parse(time) + deletionTimeoutMs - now;
    if (left <= 0) result.late.push(pod);
    else {
      result.waiting[pod.metadata.name] = time;
      result.nextMs = Math.min(result.nextMs, left);
    }
  }
  return result;
}

/** The status that follows from the pods. */
export function budgetStatus(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  { expected, desired }: Pick<Expectation, 'expected' | 'desired'>,
  waiting: Disrupted['waiting'],
  now: number,
): BudgetStatus {
  const healthy = pods.filter(
    (pod) => isReady(pod) && !pod.metadata.deletionTimestamp && !(pod.metadata.name in waiting),
  ).length;
  const allowed = expected > 0 ? Math.max(0, healthy - desired) : 0;
  const reason = allowed > 0 ? 'SufficientPods' : 'InsufficientPods';
  return {
    ...(Object.keys(waiting).length ? { disruptedPods: waiting as never } : {}),
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    observedGeneration: budget.metadata.generation,
    conditions: conditionsWith(budget, allowed > 0, reason, '', now),
  };
}

/** The status of a budget that cannot be computed: nothing may be evicted, and why. */
export function failedStatus(budget: PodDisruptionBudget, message: string, now: number): BudgetStatus {
  const { currentHealthy = 0, desiredHealthy = 0, expectedPods = 0, ...rest } = budget.status ?? {};
  return {
    ...rest,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    disruptionsAllowed: 0,
    observedGeneration: budget.metadata.generation,
    conditions: conditionsWith(budget, false, 'SyncFailed', message, now),
  };
}

function conditionsWith(
  { metadata, status }: PodDisruptionBudget,
  allowed: boolean,
  reason: string,
  message: string,
  now: number,
) {
  return setCondition<any>(
    status?.conditions,
    {
      type: 'DisruptionAllowed',
      status: allowed ? 'True' : 'False',
      observedGeneration: metadata.generation,
      reason,
      message,
    },
    now,
  );
}
