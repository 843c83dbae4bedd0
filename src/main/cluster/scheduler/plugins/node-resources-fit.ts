import type { Plugin, Refusal } from '../framework/types';
import type { NodeInfo, PodInfo } from '../snapshot';
import type { ScoringStrategy } from '../settings';
import { resourceScorer } from './resource-scoring';

/** A pod's requests must fit beside those of the others; how nodes with room compare is the strategy's. */
export function nodeResourcesFit(strategy: ScoringStrategy): Plugin {
  const score = resourceScorer(strategy);
  return {
    name: 'NodeResourcesFit',
    filter: unfit,
    score,
    helps: (event, pod) => (event.type === 'node' || event.type === 'freed') && !unfit(pod, event.node),
  };
}

/** What there is too little of on a node. */
function unfit({ requests }: PodInfo, { allocatable, requested, pods }: NodeInfo): Refusal | undefined {
  let reasons: string[] | undefined;
  let unresolvable = false;
  if (pods.size + 1 > (allocatable.pods ?? 0)) {
    reasons = ['Too many pods'];
    unresolvable = !allocatable.pods;
  }
  for (const name in requests) {
    const amount = requests[name]!;
    const capacity = allocatable[name] ?? 0;
    if (amount <= 0 || amount <= capacity - (requested[name] ?? 0)) continue;
    (reasons ??= []).push(`Insufficient ${name}`);
    // More than the node has with nothing else on it.
    if (amount > capacity) unresolvable = true;
  }
  return reasons && { reasons, unresolvable };
}
