import type { Plugin, Refusal } from '../framework/types';
import type { NodeInfo, PodInfo, Snapshot } from '../snapshot';
import { type AffinityTerm, type NamespaceLabels, termMatches } from '../snapshot/affinity-terms';
import { anchorOf } from '../snapshot/pod-counters';
import { TopologyCounts } from './topology-counts';

/** What the filter knows: pods (or their terms) by topology domain. */
interface Rules {
  namespaceLabels: NamespaceLabels;
  /** Pods that meet all affinity terms, by the domains of each term. */
  wanted: TopologyCounts;
  /** Pods that meet an anti-affinity term, by its domains. */
  shunned: TopologyCounts;
  /** Pods whose own anti-affinity meets this pod, by the domains of their terms. */
  shunning: TopologyCounts;
}

const noFriends: Refusal = { reasons: ["node(s) didn't match pod affinity rules"], unresolvable: true };
const enemies: Refusal = { reasons: ["node(s) didn't match pod anti-affinity rules"] };
const enemyOf: Refusal = { reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"] };

/** Keeps pods together or apart by what already runs in a node's topology domains. */
export const interPodAffinity: Plugin<Rules, TopologyCounts> = {
  name: 'InterPodAffinity',
  preFilter(pod, snapshot) {
    const { affinity, antiAffinity } = pod.terms;
    if (affinity.length === 0 && antiAffinity.length === 0 && snapshot.terms.repelling.size === 0) {
      return { skip: true };
    }
    const rules: Rules = {
      namespaceLabels: snapshot.namespaceLabels,
      wanted: new TopologyCounts(),
      shunned: new TopologyCounts(),
      shunning: new TopologyCounts(),
    };
    for (const { term, nodes } of snapshot.terms.repelling.values()) {
      if (termMatches(term, pod, snapshot.namespaceLabels)) fold(rules.shunning, term, nodes, snapshot, 1);
    }
    if (affinity.length > 0) {
      const friends = matching(affinity, snapshot);
      for (const term of affinity) fold(rules.wanted, term, friends, snapshot, 1);
    }
    for (const term of antiAffinity) fold(rules.shunned, term, matching([term], snapshot), snapshot, 1);
    const idle = affinity.length === 0 && antiAffinity.length === 0 && rules.shunning.empty;
    return idle ? { skip: true } : { state: rules };
  },
  filter(pod, { labels }, rules) {
    const { affinity, antiAffinity } = pod.terms;
    if (affinity.length > 0 && !nearFriends(pod, labels, rules)) return noFriends;
    for (const { topologyKey } of antiAffinity) if (rules.shunned.at(topologyKey, labels) > 0) return enemies;
    return rules.shunning.anyAt(labels) ? enemyOf : undefined;
  },
  moved(pod, { labels }, { namespaceLabels, wanted, shunned, shunning }, other, change) {
    const { affinity, antiAffinity } = pod.terms;
    for (const term of other.terms.antiAffinity) {
      if (termMatches(term, pod, namespaceLabels)) shunning.add(term.topologyKey, labels, change);
    }
    if (affinity.length > 0 && affinity.every((term) => termMatches(term, other, namespaceLabels))) {
      for (const { topologyKey } of affinity) wanted.add(topologyKey, labels, change);
    }
    for (const term of antiAffinity) {
      if (termMatches(term, other, namespaceLabels)) shunned.add(term.topologyKey, labels, change);
    }
  },
  preScore(pod, _, snapshot) {
    const { preferred, preferredAnti } = pod.terms;
    if (preferred.length === 0 && preferredAnti.length === 0 && snapshot.terms.scored.size === 0) return { skip: true };
    const worth = new TopologyCounts();
    for (const { term, weight } of preferred) fold(worth, term, matching([term], snapshot), snapshot, weight);
    for (const { term, weight } of preferredAnti) fold(worth, term, matching([term], snapshot), snapshot, -weight);
    for (const { term, weight, nodes } of snapshot.terms.scored.values()) {
      if (termMatches(term, pod, snapshot.namespaceLabels)) fold(worth, term, nodes, snapshot, weight);
    }
    return worth.empty ? { skip: true } : { state: worth };
  },
  score: (_, { labels }, worth) => worth.sumAt(labels),
  normalize(scores) {
    let most = -Infinity;
    let least = Infinity;
    for (const score of scores) {
      if (score > most) most = score;
      if (score < least) least = score;
    }
    for (const [index, score] of scores.entries()) {
      scores[index] = most > least ? Math.floor((100 * (score - least)) / (most - least)) : 0;
    }
  },
  helps: (event) => event.type !== 'claim' && event.type !== 'volume' && event.type !== 'storageClass',
};

/** The first of a group that wants to be together has nobody to join: it may start anywhere that has the labels. */
function nearFriends(pod: PodInfo, labels: NodeInfo['labels'], { wanted, namespaceLabels }: Rules): boolean {
  const { affinity } = pod.terms;
  let together = true;
  for (const { topologyKey } of affinity) {
    if (labels?.[topologyKey] === undefined) return false;
    if (wanted.at(topologyKey, labels) <= 0) together = false;
  }
  if (together) return true;
  return wanted.empty && affinity.every((term) => termMatches(term, pod, namespaceLabels));
}

/** Pods by node that meet all of the terms. */
function matching(terms: readonly AffinityTerm[], snapshot: Snapshot): ReadonlyMap<string, number> {
  return snapshot.counters.get(`affinity ${terms.map(({ id }) => id).join(' ')}`, () => {
    const { namespaces, namespaceSelector, selector } = terms[0]!;
    const [namespace] = namespaces;
    const single = namespaces.size === 1 && !namespaceSelector;
    return {
      matches: (other) => terms.every((term) => termMatches(term, other, snapshot.namespaceLabels)),
      anchor: single ? anchorOf(namespace!, selector) : undefined,
    };
  });
}

/** Adds what is counted by node up by the term's domains. */
function fold(
  counts: TopologyCounts,
  { topologyKey }: AffinityTerm,
  nodes: ReadonlyMap<string, number>,
  snapshot: Snapshot,
  weight: number,
): void {
  for (const [name, count] of nodes) counts.add(topologyKey, snapshot.get(name)?.labels, count * weight);
}
