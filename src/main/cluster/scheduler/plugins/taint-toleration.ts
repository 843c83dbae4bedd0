import { tolerates, untolerated } from '@shared/taints';
import { type FilterPlugin, scaleToHundred, type ScorePlugin } from './types';

/** Keeps pods off nodes with taints they do not tolerate, and prefers nodes without soft ones. */
export const taintToleration: FilterPlugin & ScorePlugin = {
  name: 'TaintToleration',
  weight: 3,
  filter({ pod }, { node }) {
    const taint = untolerated(node!.spec?.taints, pod.spec?.tolerations, ['NoSchedule', 'NoExecute']);
    return taint && [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`];
  },
  score({ pod }, { node }) {
    const soft = node!.spec?.taints?.filter(({ effect }) => effect === 'PreferNoSchedule') ?? [];
    return soft.filter((taint) => !pod.spec?.tolerations?.some((toleration) => tolerates(toleration, taint))).length;
  },
  normalize: (scores) => scaleToHundred(scores, true),
};
