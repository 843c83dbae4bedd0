import type { LabelSelector, Node, PodSpec } from '@shared/k8s';
import { matchesNodeSelection } from '@shared/node-selector';
import { matchesSelector } from '@shared/selectors';
import { untolerated } from '@shared/taints';
import type { PodInfo, Snapshot } from '../snapshot';
import { withLabelKeys } from '../snapshot/affinity-terms';
import { anchorOf } from '../snapshot/pod-counters';
import type { SpreadDefault } from '../settings';

type ApiConstraint = NonNullable<PodSpec['topologySpreadConstraints']>[number];

export const hostname = 'kubernetes.io/hostname';

/** Kubernetes' system defaults. */
export const systemDefaults: readonly SpreadDefault[] = [
  { topologyKey: hostname, maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5 },
];

/** One topology spread constraint of a pod, worked out. */
export interface Constraint {
  topologyKey: string;
  maxSkew: number;
  minDomains: number;
  selector: LabelSelector | undefined;
  /** Whether nodes the pod's own affinity excludes are left out of the counts. */
  honorsAffinity: boolean;
  /** The same for taints it does not tolerate. */
  honorsTaints: boolean;
}

/** The pod's own constraints of one kind. */
export function ownConstraints({ pod }: PodInfo, action: ApiConstraint['whenUnsatisfiable']): Constraint[] {
  const own = pod.spec?.topologySpreadConstraints ?? [];
  return own
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
    .map((constraint) => ({
      topologyKey: constraint.topologyKey,
      maxSkew: constraint.maxSkew,
      minDomains: constraint.minDomains ?? 1,
      selector: withLabelKeys(constraint.labelSelector, pod.metadata.labels, constraint.matchLabelKeys),
      honorsAffinity: (constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor',
      honorsTaints: constraint.nodeTaintsPolicy === 'Honor',
    }));
}

/** The constraints of a pod that has none of its own. */
export const defaultConstraints = (defaults: readonly SpreadDefault[], selector: LabelSelector): Constraint[] =>
  defaults.map(({ topologyKey, maxSkew }) => ({
    topologyKey,
    maxSkew,
    minDomains: 1,
    selector,
    honorsAffinity: true,
    honorsTaints: false,
  }));

/** How many pods a constraint counts on each node: of the pod's namespace, selected, and not on their way out. */
export function podsByNode({ namespace }: PodInfo, { selector }: Constraint, snapshot: Snapshot) {
  return snapshot.counters.get(`spread ${namespace} ${JSON.stringify(selector)}`, () => ({
    matches: (other) => other.namespace === namespace && !other.terminating && matchesSelector(selector, other.labels),
    anchor: anchorOf(namespace, selector),
  }));
}

/** Whether a constraint counts the pods of a node. */
export function counts({ pod }: PodInfo, { honorsAffinity, honorsTaints }: Constraint, node: Node): boolean {
  if (honorsAffinity && !matchesNodeSelection(pod.spec, node)) return false;
  return !honorsTaints || !untolerated(node.spec?.taints, pod.spec?.tolerations, ['NoSchedule', 'NoExecute']);
}

/** Whether a node has a place in every one of the topologies. */
export const hasAllKeys = (constraints: readonly Constraint[], labels: Readonly<Record<string, string>> | undefined) =>
  constraints.every(({ topologyKey }) => labels?.[topologyKey] !== undefined);
