/** The rolling update of a DaemonSet. Pure: pods in, what to make and what to delete out. */
import type { DaemonSet, Pod } from '@shared/k8s';
import { scaledValue } from '../deployment/rolling';
import { availableIn } from '../pods';
import { hashLabel } from './nodes';

export interface RollingInput {
  set: DaemonSet;
  /** The nodes that should run a pod. */
  desired: ReadonlySet<string>;
  byNode: ReadonlyMap<string, Pod[]>;
  /** Of the current template. */
  hash: string;
  now: number;
}

/** How many pods may be there twice, and how many may be missing. Both zero would block the update, so one may be missing. */
export function updateLimits(set: DaemonSet, nodes: number): { maxSurge: number; maxUnavailable: number } {
  const { maxSurge, maxUnavailable } = set.spec?.updateStrategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge as number | string | undefined, nodes, 'up');
  const unavailable = scaledValue((maxUnavailable as number | string | undefined) ?? 1, nodes, 'up');
  return { maxSurge: surge, maxUnavailable: surge === 0 ? Math.max(1, unavailable) : unavailable };
}

/** Whether an updated pod may come before the old one goes. */
export function mayExceed(set: DaemonSet): boolean {
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
  return type !== 'OnDelete' && scaledValue(rollingUpdate?.maxSurge as number | string | undefined, 100, 'up') > 0;
}

/** The next step from old pods to new ones. */
export function rollingStep(input: RollingInput): { create: string[]; remove: Pod[] } {
  const limits = updateLimits(input.set, input.desired.size);
  return limits.maxSurge > 0
    ? { ...surge(input, limits.maxSurge) }
    : { create: [], remove: replace(input, limits.maxUnavailable) };
}

/** Old pods to delete: those that serve nobody, and as many others as may be missing. */
function replace({ set, desired, byNode, hash, now }: RollingInput, maxUnavailable: number): Pod[] {
  let unavailable = 0;
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  for (const node of desired) {
    const found = oldAndNew(byNode.get(node) ?? [], hash);
    // None, or too many: reconciling the node comes first.
    if (!found || Boolean(found.old) === Boolean(found.updated)) unavailable++;
    else if (found.updated) unavailable += isAvailable(set, found.updated, now) ? 0 : 1;
    else if (isAvailable(set, found.old!, now)) candidates.push(found.old!);
    else {
      unavailable++;
      broken.push(found.old!);
    }
  }
  return [...broken, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))];
}

/** Nodes that get a second, updated pod, and the old pods whose successor is available. */
function surge(
  { set, desired, byNode, hash, now }: RollingInput,
  maxSurge: number,
): { create: string[]; remove: Pod[] } {
  let surging = 0;
  const allowed: string[] = [];
  const candidates: string[] = [];
  const remove: Pod[] = [];
  for (const node of desired) {
    const found = oldAndNew(byNode.get(node) ?? [], hash);
    if (!found) surging++;
    else if (!found.old) continue;
    else if (!found.updated) (isAvailable(set, found.old, now) ? candidates : allowed).push(node);
    else if (isAvailable(set, found.updated, now)) remove.push(found.old);
    else surging++;
  }
  return { create: [...allowed, ...candidates.slice(0, Math.max(0, maxSurge - surging))], remove };
}

const isAvailable = (set: DaemonSet, pod: Pod, now: number): boolean =>
  availableIn(pod, set.spec?.minReadySeconds ?? 0, now) === 0;

/** A node's pod of the current template and the one before; undefined when there are several of either. */
function oldAndNew(pods: readonly Pod[], hash: string): { old?: Pod; updated?: Pod } | undefined {
  const living = pods.filter((pod) => !pod.metadata.deletionTimestamp);
  const updated = living.filter((pod) => pod.metadata.labels?.[hashLabel] === hash);
  const old = living.filter((pod) => pod.metadata.labels?.[hashLabel] !== hash);
  return old.length > 1 || updated.length > 1 ? undefined : { old: old[0], updated: updated[0] };
}
