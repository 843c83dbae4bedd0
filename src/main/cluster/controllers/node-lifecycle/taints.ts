/** Taints that follow from a node's state, and what they mean for pods. Pure. */
import type { Node, Taint, Toleration } from '@shared/k8s';
import { tolerates } from '@shared/taints';
import { timestamp } from '../../clock';
import { findCondition } from '../../client/conditions';

export const notReady = 'node.kubernetes.io/not-ready';
export const unreachable = 'node.kubernetes.io/unreachable';
const unschedulable = 'node.kubernetes.io/unschedulable';

const pressure: Record<string, string> = {
  MemoryPressure: 'node.kubernetes.io/memory-pressure',
  DiskPressure: 'node.kubernetes.io/disk-pressure',
  PIDPressure: 'node.kubernetes.io/pid-pressure',
  NetworkUnavailable: 'node.kubernetes.io/network-unavailable',
};

const owned = new Set([notReady, unreachable, unschedulable, ...Object.values(pressure)]);

/** The taints of this controller that a node should have. */
function wantedTaints(node: Node, evicts: boolean): Taint[] {
  const conditions = node.status?.conditions;
  const wanted: Taint[] = [];
  const ready = findCondition(conditions, 'Ready')?.status;
  if (ready === 'False' || ready === 'Unknown') {
    const key = ready === 'False' ? notReady : unreachable;
    wanted.push({ key, effect: 'NoSchedule' });
    if (evicts) wanted.push({ key, effect: 'NoExecute' });
  }
  for (const [type, key] of Object.entries(pressure)) {
    if (findCondition(conditions, type)?.status === 'True') wanted.push({ key, effect: 'NoSchedule' });
  }
  if (node.spec?.unschedulable) wanted.push({ key: unschedulable, effect: 'NoSchedule' });
  return wanted;
}

/**
 * The taints a node should have: those of others as they are, the controller's
 * own by the node's state. Undefined when nothing changes.
 * @param evicts whether pods are to leave the node when it is not ready
 */
export function reconcileTaints(node: Node, now: number, evicts: boolean): Taint[] | undefined {
  const current = node.spec?.taints ?? [];
  const wanted = wantedTaints(node, evicts);
  const same = (a: Taint) => (b: Taint) => a.key === b.key && a.effect === b.effect;
  const kept = current.filter((taint) => !owned.has(taint.key) || wanted.some(same(taint)));
  const added = wanted.filter((taint) => !current.some(same(taint)));
  if (kept.length === current.length && added.length === 0) return undefined;
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded: timestamp(now) }))];
}

/**
 * When a pod has to leave a node with these taints, in ms since the epoch: `now`
 * for one it does not tolerate, Infinity when it may stay. Of several tolerations
 * that cover a taint the first counts.
 */
export function evictionTime(tolerations: readonly Toleration[], taints: readonly Taint[], now: number): number {
  let time = Infinity;
  for (const taint of taints) {
    if (taint.effect !== 'NoExecute') continue;
    const first = tolerations.find((toleration) => tolerates(toleration, taint));
    if (!first) return now;
    const { tolerationSeconds } = first;
    if (tolerationSeconds === undefined || tolerationSeconds === null) continue;
    const since = taint.timeAdded ? Date.parse(taint.timeAdded) : now;
    time = Math.min(time, since + Math.max(0, tolerationSeconds) * 1000);
  }
  return time;
}
