import { tolerates } from '@shared/taints';
import type { Plugin } from '../framework/types';

const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
const refused = { reasons: ['node(s) were unschedulable'], unresolvable: true };

/** Keeps pods off cordoned nodes. */
export const nodeUnschedulable: Plugin = {
  name: 'NodeUnschedulable',
  filter({ pod }, { node }) {
    if (!node!.spec?.unschedulable) return undefined;
    if (pod.spec?.tolerations?.some((toleration) => tolerates(toleration, taint))) return undefined;
    return refused;
  },
  helps: (event, pod) => event.type === 'node' && !nodeUnschedulable.filter!(pod, event.node, undefined),
};
