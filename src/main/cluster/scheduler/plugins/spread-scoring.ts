import type { NodeInfo, PodInfo, Snapshot } from '../snapshot';
import { type Constraint, counts, hasAllKeys, hostname, podsByNode } from './spread-constraints';

interface Scored {
  constraint: Constraint;
  /** Pods by node name for hostnames, by domain otherwise. */
  pods: ReadonlyMap<string, number>;
  /** Few domains weigh less than many, as one pod more shows more among them. */
  weight: number;
}

/** What soft constraints know when nodes are compared. */
export interface SpreadScore {
  constraints: Scored[];
  /** Nodes outside the topologies, which get nothing. */
  ignored: ReadonlySet<string>;
}

/** @param strict a node must have all the keys: so for a pod's own constraints, not for the defaults */
export function spreadScoring(
  pod: PodInfo,
  constraints: readonly Constraint[],
  strict: boolean,
  nodes: readonly NodeInfo[],
  snapshot: Snapshot,
): SpreadScore {
  const ignored = new Set<string>();
  if (strict) for (const { name, labels } of nodes) if (!hasAllKeys(constraints, labels)) ignored.add(name);
  const scored: Scored[] = [];
  for (const constraint of constraints) {
    const byNode = podsByNode(pod, constraint, snapshot);
    if (constraint.topologyKey === hostname) {
      scored.push({ constraint, pods: byNode, weight: Math.log(nodes.length - ignored.size + 2) });
      continue;
    }
    const domains = new Map<string, number>();
    for (const { name, labels } of nodes) {
      const domain = labels?.[constraint.topologyKey];
      if (domain !== undefined && !ignored.has(name)) domains.set(domain, 0);
    }
    if (domains.size === 0) continue;
    for (const [name, count] of byNode) {
      const info = snapshot.get(name);
      const domain = info?.labels?.[constraint.topologyKey];
      if (domain === undefined || !domains.has(domain)) continue;
      if (strict && !hasAllKeys(constraints, info!.labels)) continue;
      if (counts(pod, constraint, info!.node!)) domains.set(domain, domains.get(domain)! + count);
    }
    scored.push({ constraint, pods: domains, weight: Math.log(domains.size + 2) });
  }
  return { constraints: scored, ignored };
}

/** How crowded a node is; the fewer the better. */
export function spreadScore({ constraints, ignored }: SpreadScore, { name, labels }: NodeInfo): number {
  if (ignored.has(name)) return 0;
  let score = 0;
  for (const { constraint, pods, weight } of constraints) {
    const domain = labels?.[constraint.topologyKey];
    if (domain === undefined) continue;
    const count = pods.get(constraint.topologyKey === hostname ? name : domain) ?? 0;
    score += count * weight + (constraint.maxSkew - 1);
  }
  return Math.round(score);
}
