import type { Toleration } from '@shared/k8s';
import { tolerates, untolerated } from '@shared/taints';
import { type Plugin, type Refusal, scaleToHundred } from '../framework/types';

const hard = ['NoSchedule', 'NoExecute'];
const refusals = new Map<string, Refusal>();

/** Keeps pods off nodes with taints they do not tolerate, and prefers nodes without soft ones. */
export const taintToleration: Plugin<undefined, readonly Toleration[]> = {
  name: 'TaintToleration',
  filter({ pod }, { node }) {
    const taints = node!.spec?.taints;
    if (!taints || taints.length === 0) return undefined;
    const taint = untolerated(taints, pod.spec?.tolerations, hard);
    return taint && refusal(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`);
  },
  preScore({ pod }, nodes) {
    if (!nodes.some(({ node }) => node!.spec?.taints?.some(isSoft))) return { skip: true };
    return { state: (pod.spec?.tolerations ?? []).filter(({ effect }) => !effect || effect === 'PreferNoSchedule') };
  },
  score(_, { node }, tolerations) {
    const soft = node!.spec?.taints?.filter(isSoft) ?? [];
    return soft.filter((taint) => !tolerations.some((toleration) => tolerates(toleration, taint))).length;
  },
  normalize: (scores) => scaleToHundred(scores, true),
  helps: (event, pod) => event.type === 'node' && !taintToleration.filter!(pod, event.node, undefined),
};

const isSoft = ({ effect }: { effect: string }) => effect === 'PreferNoSchedule';

/** The same object for the same reason: there are as many refusals as nodes. */
function refusal(reason: string): Refusal {
  let found = refusals.get(reason);
  if (!found) {
    if (refusals.size > 100) refusals.clear();
    refusals.set(reason, (found = { reasons: [reason], unresolvable: true }));
  }
  return found;
}
