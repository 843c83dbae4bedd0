import type { PodDisruptionBudget } from '@shared/k8s';
import { isEmptySelector, matchesSelector } from '@shared/selectors';
import type { FilterCycle } from '../framework/cycle';
import type { Refusal } from '../framework/types';
import type { NodeInfo, PodInfo } from '../snapshot';

/** What must go from a node for a pod to fit there. */
export interface Victims {
  node: NodeInfo;
  /** The most important first. */
  pods: PodInfo[];
  /** How many of them go against a PodDisruptionBudget. */
  violations: number;
}

const nobody: Refusal = { reasons: ['No preemption victims found for incoming pod'] };

/** When a pod started, in ms; one that has not yet is the youngest. */
export const startOf = ({ pod: { status } }: PodInfo): number =>
  status?.startTime ? Date.parse(status.startTime) : Infinity;

/** Sorts the more important first: by priority, then by how long they run. */
export function byImportance(a: PodInfo, b: PodInfo): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  const [first, second] = [startOf(a), startOf(b)];
  return first === second ? 0 : first < second ? -1 : 1;
}

/**
 * The fewest and least important pods to take off a node for the pod of the cycle
 * to fit, or why that does not help. Nothing is changed in the end.
 */
export function selectVictims(
  cycle: FilterCycle,
  node: NodeInfo,
  budgets: (namespace: string) => readonly PodDisruptionBudget[],
): Victims | Refusal {
  const lesser = [...node.pods.values()].filter(({ priority }) => priority < cycle.pod.priority);
  if (lesser.length === 0) return nobody;
  const away = new Set<PodInfo>();
  const take = (pod: PodInfo) => {
    cycle.move(pod, node, -1);
    away.add(pod);
  };
  const putBack = (pod: PodInfo) => {
    cycle.move(pod, node, 1);
    away.delete(pod);
  };
  try {
    lesser.forEach(take);
    const refused = cycle.refusal(node);
    if (refused) return refused;
    lesser.sort(byImportance);
    const { violating, others } = splitByBudgets(lesser, budgets);
    const spare = (pod: PodInfo): boolean => {
      putBack(pod);
      if (!cycle.refusal(node)) return true;
      take(pod);
      return false;
    };
    // Those a budget protects have the first chance to stay.
    const violations = violating.filter((pod) => !spare(pod)).length;
    others.forEach(spare);
    return { node, pods: [...away].sort(byImportance), violations };
  } finally {
    for (const pod of away) cycle.move(pod, node, 1);
  }
}

/** Those whose going would take more than their budgets allow, counted from the most important on. */
function splitByBudgets(
  pods: readonly PodInfo[],
  budgetsOf: (namespace: string) => readonly PodDisruptionBudget[],
): { violating: PodInfo[]; others: PodInfo[] } {
  const left = new Map<PodDisruptionBudget, number>();
  const violating: PodInfo[] = [];
  const others: PodInfo[] = [];
  for (const pod of pods) {
    let violates = false;
    for (const budget of pod.labels ? budgetsOf(pod.namespace) : []) {
      const selector = budget.spec?.selector;
      if (isEmptySelector(selector) || !matchesSelector(selector, pod.labels)) continue;
      // Counted already when its eviction was granted.
      if (budget.status?.disruptedPods?.[pod.pod.metadata.name]) continue;
      const allowed = (left.get(budget) ?? budget.status?.disruptionsAllowed ?? 0) - 1;
      left.set(budget, allowed);
      if (allowed < 0) violates = true;
    }
    (violates ? violating : others).push(pod);
  }
  return { violating, others };
}
