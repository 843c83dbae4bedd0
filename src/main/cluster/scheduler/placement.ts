import { filters, scores } from './plugins';
import type { NodeInfo, PodInfo } from './snapshot';

/** Below this many, every node is looked at. */
const leastFeasible = 100;

/** How many possible nodes are enough: of many nodes a share is compared, as Kubernetes does. */
export function enoughNodes(nodes: number): number {
  if (nodes < leastFeasible) return nodes;
  const percent = Math.max(5, 50 - Math.floor(nodes / 125));
  return Math.max(leastFeasible, Math.floor((nodes * percent) / 100));
}

/** Why a pod cannot run on a node; undefined when it can. */
export function refusal(pod: PodInfo, node: NodeInfo): string[] | undefined {
  for (const plugin of filters) {
    const reasons = plugin.filter(pod, node);
    if (reasons) return reasons;
  }
  return undefined;
}

export type Placement = { node: NodeInfo; looked: number } | { node?: undefined; looked: number; message: string };

/**
 * Finds the best node for a pod, or says why there is none, in Kubernetes' words.
 * @param start where in `nodes` to begin, so that with many nodes all get their turn
 * @param random 0 ≤ x < 1, decides between equals
 */
export function place(pod: PodInfo, nodes: readonly NodeInfo[], start: number, random: () => number): Placement {
  if (nodes.length === 0) return { looked: 0, message: 'no nodes available to schedule pods' };
  const enough = enoughNodes(nodes.length);
  const feasible: NodeInfo[] = [];
  const counts = new Map<string, number>();
  let looked = 0;
  while (looked < nodes.length && feasible.length < enough) {
    const node = nodes[(start + looked++) % nodes.length]!;
    const reasons = refusal(pod, node);
    if (!reasons) feasible.push(node);
    else for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  if (feasible.length === 0) {
    const reasons = [...counts].map(([reason, count]) => `${count} ${reason}`).sort((a, b) => (a < b ? -1 : 1));
    return { looked, message: `0/${nodes.length} nodes are available: ${reasons.join(', ')}.` };
  }
  return { node: best(pod, feasible, random), looked };
}

function best(pod: PodInfo, nodes: readonly NodeInfo[], random: () => number): NodeInfo {
  if (nodes.length === 1) return nodes[0]!;
  const totals = nodes.map(() => 0);
  for (const plugin of scores) {
    if (plugin.applies && !plugin.applies(pod)) continue;
    const part = nodes.map((node) => plugin.score(pod, node));
    plugin.normalize?.(part);
    for (let index = 0; index < part.length; index++) totals[index]! += part[index]! * plugin.weight;
  }
  const most = Math.max(...totals);
  const equals = nodes.filter((_, index) => totals[index] === most);
  return equals[Math.floor(random() * equals.length)]!;
}
