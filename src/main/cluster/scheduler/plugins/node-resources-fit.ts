import type { FilterPlugin, ScorePlugin } from './types';

const scoredResources = ['cpu', 'memory'];

/** A pod's requests must fit beside those of the others; nodes with more left are better. */
export const nodeResourcesFit: FilterPlugin & ScorePlugin = {
  name: 'NodeResourcesFit',
  weight: 1,
  filter({ requests }, { allocatable, requested, pods }) {
    const reasons: string[] = [];
    if (pods.size + 1 > (allocatable.pods ?? 0)) reasons.push('Too many pods');
    for (const name in requests) {
      const amount = requests[name]!;
      if (amount > 0 && amount > (allocatable[name] ?? 0) - (requested[name] ?? 0))
        reasons.push(`Insufficient ${name}`);
    }
    return reasons.length > 0 ? reasons : undefined;
  },
  score({ scoredRequests }, { allocatable, scored }) {
    let sum = 0;
    let counted = 0;
    for (const name of scoredResources) {
      const capacity = allocatable[name];
      if (!capacity) continue;
      const left = capacity - (scored[name] ?? 0) - (scoredRequests[name] ?? 0);
      sum += left > 0 ? Math.floor((left * 100) / capacity) : 0;
      counted += 1;
    }
    return counted > 0 ? Math.floor(sum / counted) : 0;
  },
};
