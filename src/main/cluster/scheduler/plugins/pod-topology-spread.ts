import { matchesSelector } from '@shared/selectors';
import type { Plugin, Refusal } from '../framework/types';
import type { NodeInfo, PodInfo, Snapshot } from '../snapshot';
import type { SpreadDefault } from '../settings';
import type { ClusterView } from '../view';
import {
  type Constraint,
  counts,
  defaultConstraints,
  hasAllKeys,
  ownConstraints,
  podsByNode,
  systemDefaults,
} from './spread-constraints';
import { spreadScore, type SpreadScore, spreadScoring } from './spread-scoring';

/** What a hard constraint knows: pods by domain, and the least any domain has. */
interface Domains {
  constraint: Constraint;
  counts: Map<string, number>;
  least: number | undefined;
  /** 1 when the pod itself is among those counted. */
  self: number;
}

const uneven: Refusal = { reasons: ["node(s) didn't match pod topology spread constraints"] };
const unlabelled: Refusal = {
  reasons: ["node(s) didn't match pod topology spread constraints (missing required label)"],
  unresolvable: true,
};

/** Spreads the pods of a selection over zones, nodes or other domains: as a must or as a preference. */
export function podTopologySpread(
  view: ClusterView,
  defaults: readonly SpreadDefault[] = systemDefaults,
): Plugin<Domains[], SpreadScore> {
  return {
    name: 'PodTopologySpread',
    preFilter(pod, snapshot) {
      if (!pod.pod.spec?.topologySpreadConstraints) return { skip: true };
      const constraints = ownConstraints(pod, 'DoNotSchedule');
      return constraints.length > 0 ? { state: domainsOf(pod, constraints, snapshot) } : { skip: true };
    },
    filter(_, node, domains) {
      for (const each of domains) {
        const domain = node.labels?.[each.constraint.topologyKey];
        if (domain === undefined) return unlabelled;
        const count = (each.counts.get(domain) ?? 0) + each.self;
        if (count - leastOf(each) > each.constraint.maxSkew) return uneven;
      }
      return undefined;
    },
    moved(pod, node, domains, other, change) {
      const constraints = domains.map(({ constraint }) => constraint);
      if (other.namespace !== pod.namespace || other.terminating || !hasAllKeys(constraints, node.labels)) return;
      for (const each of domains) {
        const { constraint } = each;
        if (!matchesSelector(constraint.selector, other.labels) || !counts(pod, constraint, node.node!)) continue;
        const domain = node.labels![constraint.topologyKey]!;
        each.counts.set(domain, (each.counts.get(domain) ?? 0) + change);
        each.least = undefined;
      }
    },
    preScore(pod, nodes, snapshot) {
      const own = (pod.pod.spec?.topologySpreadConstraints?.length ?? 0) > 0;
      const constraints = own ? ownConstraints(pod, 'ScheduleAnyway') : constraintsByDefault(pod);
      if (constraints.length === 0) return { skip: true };
      return { state: spreadScoring(pod, constraints, own, nodes, snapshot) };
    },
    score: (_, node, state) => spreadScore(state, node),
    normalize(scores, nodes, { ignored }) {
      const skipped = (index: number) => ignored.size > 0 && ignored.has(nodes[index]!.name);
      let most = 0;
      let least = Infinity;
      for (let index = 0; index < scores.length; index++) {
        const score = scores[index]!;
        if (skipped(index)) continue;
        if (score > most) most = score;
        if (score < least) least = score;
      }
      for (let index = 0; index < scores.length; index++) {
        if (skipped(index)) scores[index] = 0;
        else scores[index] = most === 0 ? 100 : Math.floor((100 * (most + least - scores[index]!)) / most);
      }
    },
    helps(event, pod) {
      if (event.type === 'node' || event.type === 'nodeGone') return true;
      if (event.type !== 'assigned' && event.type !== 'freed') return false;
      const { namespace, labels } = event.pod;
      const own = namespace === pod.namespace ? ownConstraints(pod, 'DoNotSchedule') : [];
      return own.some(({ selector }) => matchesSelector(selector, labels));
    },
  };

  function constraintsByDefault(pod: PodInfo): Constraint[] {
    const selector = defaults.length > 0 ? view.groupSelector(pod.pod) : undefined;
    return selector ? defaultConstraints(defaults, selector) : [];
  }
}

function domainsOf(pod: PodInfo, constraints: Constraint[], snapshot: Snapshot): Domains[] {
  const domains = constraints.map((constraint) => ({
    constraint,
    pods: podsByNode(pod, constraint, snapshot),
    counts: new Map<string, number>(),
    least: undefined,
    self: matchesSelector(constraint.selector, pod.labels) ? 1 : 0,
  }));
  for (const { name, node, labels } of snapshot.nodes() as readonly NodeInfo[]) {
    if (!hasAllKeys(constraints, labels)) continue;
    for (const each of domains) {
      if (!counts(pod, each.constraint, node!)) continue;
      const domain = labels![each.constraint.topologyKey]!;
      each.counts.set(domain, (each.counts.get(domain) ?? 0) + (each.pods.get(name) ?? 0));
    }
  }
  return domains;
}

/** The fewest pods in any domain; none while there are fewer domains than asked for. */
function leastOf(domains: Domains): number {
  if (domains.least !== undefined) return domains.least;
  const { counts: all, constraint } = domains;
  let least = all.size < constraint.minDomains ? 0 : Infinity;
  for (const count of all.values()) if (count < least) least = count;
  return (domains.least = least === Infinity ? 0 : least);
}
