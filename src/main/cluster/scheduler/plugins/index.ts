import type { Plugin } from '../framework/types';
import type { SchedulerProfile } from '../settings';
import type { ClusterView } from '../view';
import type { VolumeBinder } from '../volume-binder';
import { balancedAllocation } from './balanced-allocation';
import { imageLocality } from './image-locality';
import { interPodAffinity } from './inter-pod-affinity';
import { nodeAffinity } from './node-affinity';
import { nodeName } from './node-name';
import { nodePorts } from './node-ports';
import { nodeResourcesFit } from './node-resources-fit';
import { nodeUnschedulable } from './node-unschedulable';
import { podTopologySpread } from './pod-topology-spread';
import { prioritySort, schedulingGates } from './queue-plugins';
import { taintToleration } from './taint-toleration';
import { volumeBinding } from './volume-binding';
import { volumeRestrictions } from './volume-restrictions';

/** What plugins work with. */
export interface PluginContext {
  view: ClusterView;
  binder: VolumeBinder;
}

/** Kubernetes' default weights of scores. */
export const defaultWeights: Readonly<Record<string, number>> = {
  TaintToleration: 3,
  NodeAffinity: 2,
  PodTopologySpread: 2,
  InterPodAffinity: 2,
  NodeResourcesFit: 1,
  NodeResourcesBalancedAllocation: 1,
  ImageLocality: 1,
};

/** All plugins, in the order Kubernetes asks them: a node's refusal is that of the first that refuses. */
export function createPlugins(profile: SchedulerProfile, { view, binder }: PluginContext): Plugin[] {
  return [
    prioritySort,
    schedulingGates,
    nodeUnschedulable,
    nodeName,
    taintToleration,
    nodeAffinity,
    nodePorts,
    nodeResourcesFit(profile.scoringStrategy ?? { type: 'LeastAllocated' }),
    volumeRestrictions(view),
    volumeBinding(view, binder),
    podTopologySpread(view, profile.defaultConstraints),
    interPodAffinity,
    balancedAllocation,
    imageLocality,
  ];
}
