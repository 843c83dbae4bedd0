import type { Pod } from '@shared/k8s';
import { qosClass } from '../qos';

/** What a pod uses of what is short. */
export interface Consumer {
  pod: Pod;
  /** Bytes; 0 when it cannot be told. */
  usage: number;
  /** Bytes asked for. */
  request: number;
  /** The same of each container, where it can be told apart. */
  containers?: { name: string; usage: number; request: number }[];
}

const qosOrder = { BestEffort: 0, Burstable: 1, Guaranteed: 2 };

/**
 * The order in which pods go: those that use more than they asked for first, then the less important,
 * then who is furthest over its request. Of equals, BestEffort goes before Burstable before Guaranteed.
 */
export function rank(consumers: readonly Consumer[]): Consumer[] {
  const over = (one: Consumer): number => one.usage - one.request;
  return consumers.toSorted(
    (a, b) =>
      Number(over(b) > 0) - Number(over(a) > 0) ||
      (a.pod.spec!.priority ?? 0) - (b.pod.spec!.priority ?? 0) ||
      over(b) - over(a) ||
      qosOrder[qosClass(a.pod)] - qosOrder[qosClass(b.pod)],
  );
}
