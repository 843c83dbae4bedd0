import { tolerates } from '@shared/taints';
import type { FilterPlugin } from './types';

const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** Keeps pods off cordoned nodes. */
export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  filter({ pod }, { node }) {
    if (!node!.spec?.unschedulable) return undefined;
    if (pod.spec?.tolerations?.some((toleration) => tolerates(toleration, taint))) return undefined;
    return ['node(s) were unschedulable'];
  },
};
