/** Which pods go first when a ReplicaSet shrinks. Pure. */
import type { Pod } from '@shared/k8s';
import { isReady, readySince } from '../pods';

const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';

const phaseRank: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };

export interface Candidate {
  pod: Pod;
  /** Related pods on the same node: spreading is kept by taking from where there are most. */
  crowd: number;
}

/** The pods in the order in which they are to be deleted. @param now in ms */
export function rankForDeletion(candidates: readonly Candidate[], now: number): Pod[] {
  return [...candidates].sort((a, b) => compare(a, b, now)).map(({ pod }) => pod);
}

function compare(a: Candidate, b: Candidate, now: number): number {
  return (
    number(Boolean(a.pod.spec?.nodeName)) - number(Boolean(b.pod.spec?.nodeName)) ||
    rankOf(a.pod) - rankOf(b.pod) ||
    number(isReady(a.pod)) - number(isReady(b.pod)) ||
    costOf(a.pod) - costOf(b.pod) ||
    b.crowd - a.crowd ||
    (isReady(a.pod) ? younger(readySince(a.pod), readySince(b.pod), a.pod, b.pod, now) : 0) ||
    restarts(b.pod) - restarts(a.pod) ||
    younger(created(a.pod), created(b.pod), a.pod, b.pod, now)
  );
}

const number = (flag: boolean): number => (flag ? 1 : 0);
const rankOf = (pod: Pod): number => phaseRank[pod.status?.phase ?? 'Pending'] ?? 0;
const created = (pod: Pod): number => Date.parse(pod.metadata.creationTimestamp);
const restarts = (pod: Pod): number =>
  Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount ?? 0));

/** Anything but an integer counts as 0. */
function costOf(pod: Pod): number {
  const text = pod.metadata.annotations?.[deletionCost] ?? '0';
  return /^-?(0|[1-9]\d*)$/.test(text) ? Number(text) : 0;
}

/**
 * The younger first, but only where the ages are of different magnitude: among
 * pods of about the same age the choice should not always hit the youngest.
 */
function younger(a: number, b: number, podA: Pod, podB: Pod, now: number): number {
  if (a === b) return 0;
  if (a === 0 || b === 0) return a === 0 ? -1 : 1;
  const difference = magnitude(now - a) - magnitude(now - b);
  return difference || (podA.metadata.uid < podB.metadata.uid ? -1 : 1);
}

const magnitude = (age: number): number => (age <= 0 ? -1 : Math.floor(Math.log2(age * 1e6)));
