import type { PodDisruptionBudget } from '@shared/k8s';
import type { Refusal } from '../framework/types';
import { countReasons, type Placement } from '../placement';
import type { NodeInfo, PodInfo, Snapshot } from '../snapshot';
import { leastHarm } from './choice';
import { selectVictims, type Victims } from './victims';

const hopeless: Refusal = { reasons: ['Preemption is not helpful for scheduling'] };
const nobody: Refusal = { reasons: ['No preemption victims found for incoming pod'] };

/** Of many nodes at least this many, or this share, are tried. */
const leastCandidates = 100;
const leastShare = 0.1;

export interface SearchOptions {
  placement: Placement;
  pod: PodInfo;
  snapshot: Snapshot;
  budgets: (namespace: string) => readonly PodDisruptionBudget[];
  /** Whether a pod is on its way out because another needs its room. */
  isLeaving: (pod: PodInfo) => boolean;
  /** 0 ≤ x < 1, where among many nodes to begin. */
  random: () => number;
}

/** Looks for a node that takes the pod once less important ones leave it; or says why there is none. */
export function searchPreemption(options: SearchOptions): Victims | string {
  const { placement, pod, snapshot, budgets, random } = options;
  const { cycle, total } = placement;
  const ineligible = whyNotEligible(options);
  if (ineligible) return `preemption: ${ineligible}`;
  const refusals: Refusal[] = [];
  const hopeful: NodeInfo[] = [];
  for (const node of snapshot.nodes()) {
    const refused = placement.refusals.get(node.name) ?? placement.others;
    if (refused && !refused.unresolvable) hopeful.push(node);
  }
  for (let index = hopeful.length; index < total; index++) refusals.push(hopeless);
  const candidates: Victims[] = [];
  if (hopeful.length > 0 && !snapshot.hasBelow(pod.priority)) refusals.push(...hopeful.map(() => nobody));
  else {
    const enough = Math.max(leastCandidates, Math.floor(total * leastShare));
    const start = Math.floor(random() * hopeful.length);
    for (let step = 0; step < hopeful.length && candidates.length < enough; step++) {
      const found = selectVictims(cycle!, hopeful[(start + step) % hopeful.length]!, budgets);
      if ('reasons' in found) refusals.push(found);
      else candidates.push(found);
    }
  }
  if (candidates.length > 0) return leastHarm(candidates);
  return `preemption: ${countReasons(total, refusals)}`;
}

function whyNotEligible({ placement, pod, snapshot, isLeaving }: SearchOptions): string | undefined {
  if (pod.pod.spec?.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = snapshot.nominations.nodeOf(pod.uid);
  const node = nominated === undefined ? undefined : snapshot.get(nominated);
  if (!node || (placement.refusals.get(node.name) ?? placement.others)?.unresolvable) return undefined;
  for (const other of node.pods.values()) {
    if (other.priority < pod.priority && isLeaving(other)) {
      return 'not eligible due to a terminating pod on the nominated node.';
    }
  }
  return undefined;
}
