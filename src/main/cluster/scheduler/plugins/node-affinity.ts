import { matchesNodeSelection, matchesNodeSelectorTerm } from '@shared/node-selector';
import type { PodInfo } from '../snapshot';
import { type FilterPlugin, scaleToHundred, type ScorePlugin } from './types';

const preferred = ({ pod }: PodInfo) =>
  pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];

/** nodeSelector and node affinity: what must be, and what is better. */
export const nodeAffinity: FilterPlugin & ScorePlugin = {
  name: 'NodeAffinity',
  weight: 2,
  filter({ pod }, { node }) {
    return matchesNodeSelection(pod.spec, node!) ? undefined : ["node(s) didn't match Pod's node affinity/selector"];
  },
  applies: (pod) => preferred(pod).length > 0,
  score: (pod, { node }) =>
    preferred(pod).reduce(
      (sum, { weight, preference }) => (matchesNodeSelectorTerm(preference, node!) ? sum + weight : sum),
      0,
    ),
  normalize: (scores) => scaleToHundred(scores),
};
