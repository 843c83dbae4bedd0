import { nodeAffinity } from './node-affinity';
import { nodeName } from './node-name';
import { nodePorts } from './node-ports';
import { nodeResourcesFit } from './node-resources-fit';
import { nodeUnschedulable } from './node-unschedulable';
import { taintToleration } from './taint-toleration';
import type { FilterPlugin, ScorePlugin } from './types';

/** In the order Kubernetes asks them: a node's refusal is that of the first that refuses. */
export const filters: readonly FilterPlugin[] = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
];

export const scores: readonly ScorePlugin[] = [taintToleration, nodeAffinity, nodeResourcesFit];
