import type { AffinityTerm } from './affinity-terms';
import type { PodInfo } from './pod-info';

/** Pods that share a term, by the node they are on. */
export interface TermGroup {
  term: AffinityTerm;
  /** What a match is worth in scores; negative for anti-affinity. */
  weight: number;
  nodes: Map<string, number>;
}

/** What a required affinity of a pod that runs is worth to others, Kubernetes' hardPodAffinityWeight. */
const hardAffinityWeight = 1;

/** The (anti-)affinity of the pods that have a node, for its symmetric half: equal terms are asked once. */
export class TermIndex {
  /** Required anti-affinity. */
  readonly repelling = new Map<string, TermGroup>();
  /** All that counts in scores. */
  readonly scored = new Map<string, TermGroup>();

  /** @param change 1 for a pod that came to the node, -1 for one that left it */
  changed(pod: PodInfo, node: string, change: 1 | -1): void {
    const { affinity, antiAffinity, preferred, preferredAnti } = pod.terms;
    for (const term of antiAffinity) count(this.repelling, term, 0, node, change);
    for (const term of affinity) count(this.scored, term, hardAffinityWeight, node, change);
    for (const { term, weight } of preferred) count(this.scored, term, weight, node, change);
    for (const { term, weight } of preferredAnti) count(this.scored, term, -weight, node, change);
  }
}

function count(groups: Map<string, TermGroup>, term: AffinityTerm, weight: number, node: string, change: number): void {
  const id = `${weight} ${term.id}`;
  let group = groups.get(id);
  if (!group) groups.set(id, (group = { term, weight, nodes: new Map() }));
  const left = (group.nodes.get(node) ?? 0) + change;
  if (left > 0) group.nodes.set(node, left);
  else group.nodes.delete(node);
  if (group.nodes.size === 0) groups.delete(id);
}
