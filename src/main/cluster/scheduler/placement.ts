import type { FilterCycle, PluginRefusal, PluginScores } from './framework/cycle';
import type { Profile } from './framework/profile';
import type { NodeInfo, PodInfo, Snapshot } from './snapshot';

/** Below this many, every node is looked at. */
const leastFeasible = 100;

/**
 * How many possible nodes are enough: of many nodes a share is compared, as Kubernetes does.
 * @param percent 1–100; falls from 50 to 5 with the number of nodes unless told
 */
export function enoughNodes(nodes: number, percent = Math.max(5, 50 - Math.floor(nodes / 125))): number {
  if (nodes < leastFeasible || percent >= 100) return nodes;
  return Math.max(leastFeasible, Math.floor((nodes * percent) / 100));
}

/** What was found out about a pod and the nodes. */
export interface Placement {
  /** The best; undefined when none takes the pod. */
  node?: NodeInfo;
  /** How many nodes there are. */
  total: number;
  /** How many of them were looked at. */
  looked: number;
  /** Why some nodes do not take the pod, by name. */
  refusals: Map<string, PluginRefusal>;
  /** Why nodes that are not in `refusals` and were not looked at do not. */
  others?: PluginRefusal;
  /** The nodes that would do. */
  feasible: readonly NodeInfo[];
  /** What plugins gave the feasible ones; empty when there was nothing to compare. */
  scores: readonly PluginScores[];
  /** Absent without nodes. */
  cycle?: FilterCycle;
}

export interface PlaceOptions {
  /** Where among the nodes to begin, so that with many nodes all get their turn. */
  start: number;
  /** 0 ≤ x < 1, decides between equals. */
  random: () => number;
  percentage?: number;
}

/** Finds the best node for a pod. */
export function place(profile: Profile, pod: PodInfo, snapshot: Snapshot, options: PlaceOptions): Placement {
  const nodes = snapshot.nodes();
  const total = nodes.length;
  const refusals = new Map<string, PluginRefusal>();
  if (total === 0) return { total, looked: 0, refusals, feasible: [], scores: [] };
  const cycle = profile.filter(pod, snapshot);
  if (cycle.refused) {
    return { total, looked: 0, refusals, others: cycle.refused, feasible: [], scores: [], cycle };
  }
  const promised = promisedNode(cycle, pod, snapshot);
  if (promised) return { node: promised, total, looked: 0, refusals, feasible: [promised], scores: [], cycle };

  const feasible: NodeInfo[] = [];
  const consider = (node: NodeInfo) => {
    const refused = cycle.refusal(node);
    if (refused) refusals.set(node.name, refused);
    else feasible.push(node);
  };
  let looked = 0;
  let others: PluginRefusal | undefined;
  if (cycle.nodes) {
    others = {
      plugin: cycle.narrowedBy[0]!,
      reasons: [`node(s) didn't satisfy plugin(s) [${cycle.narrowedBy.join(' ')}]`],
      unresolvable: true,
    };
    for (const name of cycle.nodes) {
      const node = snapshot.get(name);
      if (node?.node) consider(node);
    }
  } else {
    const enough = enoughNodes(total, options.percentage);
    while (looked < total && feasible.length < enough) consider(nodes[(options.start + looked++) % total]!);
  }
  const scores = feasible.length > 1 ? profile.score(pod, feasible, snapshot) : [];
  return { node: best(feasible, scores, options.random), total, looked, refusals, others, feasible, scores, cycle };
}

/** The node that room was made on for the pod, if it takes it now. */
function promisedNode(cycle: FilterCycle, pod: PodInfo, snapshot: Snapshot): NodeInfo | undefined {
  const name = snapshot.nominations.nodeOf(pod.uid);
  const node = name === undefined ? undefined : snapshot.get(name);
  if (!node?.node || (cycle.nodes && !cycle.nodes.has(node.name))) return undefined;
  return cycle.refusal(node) ? undefined : node;
}

/** One of those with the highest sum. */
function best(nodes: readonly NodeInfo[], scores: readonly PluginScores[], random: () => number): NodeInfo | undefined {
  if (nodes.length <= 1) return nodes[0];
  let most = -Infinity;
  let equals: NodeInfo[] = [];
  for (let index = 0; index < nodes.length; index++) {
    let sum = 0;
    for (const part of scores) sum += part.scores[index]!;
    if (sum > most) {
      most = sum;
      equals = [nodes[index]!];
    } else if (sum === most) equals.push(nodes[index]!);
  }
  return equals[Math.floor(random() * equals.length)];
}

/** How many nodes refuse for each reason, in the words of Kubernetes: `0/3 nodes are available: 2 Too many pods, ….` */
export function refusalMessage({ total, refusals, others, cycle }: Placement): string {
  if (total === 0) return 'no nodes available to schedule pods';
  // What is wrong with the pod itself is not counted by node.
  if (cycle?.refused) return `0/${total} nodes are available: ${cycle.refused.reasons.join(', ')}.`;
  return countReasons(total, refusals.values(), others);
}

/** @param others why the nodes without a refusal of their own refuse */
export function countReasons(
  total: number,
  refusals: Iterable<{ reasons: readonly string[] }>,
  others?: { reasons: readonly string[] },
): string {
  const counts = new Map<string, number>();
  const count = (reason: string, by: number) => counts.set(reason, (counts.get(reason) ?? 0) + by);
  let own = 0;
  for (const { reasons } of refusals) {
    own += 1;
    for (const reason of reasons) count(reason, 1);
  }
  if (others && own < total) for (const reason of others.reasons) count(reason, total - own);
  const reasons = [...counts].map(([reason, number]) => `${number} ${reason}`).sort((a, b) => (a < b ? -1 : 1));
  return `0/${total} nodes are available:${reasons.length > 0 ? ` ${reasons.join(', ')}.` : ''}`;
}
