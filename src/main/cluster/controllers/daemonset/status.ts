import type { DaemonSet, Node, Pod } from '@shared/k8s';
import { availableIn, isReady } from '../pods';
import { eligibility, hashLabel } from './nodes';

type Status = NonNullable<DaemonSet['status']>;

/**
 * The status of a DaemonSet: every figure counts nodes by the oldest pod on each.
 * @param nextMs in how many ms a ready pod becomes available; Infinity when none will
 */
export function daemonStatus(
  set: DaemonSet,
  nodes: readonly Node[],
  byNode: ReadonlyMap<string, Pod[]>,
  hash: string,
  collisionCount: number | undefined,
  now: number,
): { status: Status; nextMs: number } {
  const status = {
    currentNumberScheduled: 0,
    numberMisscheduled: 0,
    desiredNumberScheduled: 0,
    numberReady: 0,
    updatedNumberScheduled: 0,
    numberAvailable: 0,
  };
  let nextMs = Infinity;
  for (const node of nodes) {
    const pod = byNode.get(node.metadata.name)?.[0];
    if (!eligibility(set, node).shouldRun) {
      if (pod) status.numberMisscheduled++;
      continue;
    }
    status.desiredNumberScheduled++;
    if (!pod) continue;
    status.currentNumberScheduled++;
    if (pod.metadata.labels?.[hashLabel] === hash) status.updatedNumberScheduled++;
    if (!isReady(pod)) continue;
    status.numberReady++;
    const wait = availableIn(pod, set.spec?.minReadySeconds ?? 0, now);
    if (wait === 0) status.numberAvailable++;
    else nextMs = Math.min(nextMs, wait);
  }
  const { updatedNumberScheduled, numberAvailable, ...always } = status;
  const numberUnavailable = status.desiredNumberScheduled - numberAvailable;
  const { conditions } = set.status ?? {};
  return {
    nextMs,
    status: {
      ...always,
      // Kubernetes leaves these out while they are zero.
      ...(updatedNumberScheduled ? { updatedNumberScheduled } : {}),
      ...(numberAvailable ? { numberAvailable } : {}),
      ...(numberUnavailable ? { numberUnavailable } : {}),
      observedGeneration: set.metadata.generation,
      ...(collisionCount ? { collisionCount } : {}),
      ...(conditions ? { conditions } : {}),
    },
  };
}
