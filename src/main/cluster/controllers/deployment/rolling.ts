/** The arithmetic of a rolling update. Pure: numbers in, numbers out. */
import type { Deployment, ReplicaSet } from '@shared/k8s';

export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxAnnotation = 'deployment.kubernetes.io/max-replicas';

export const specReplicas = (object: ReplicaSet | Deployment): number => object.spec?.replicas ?? 1;
export const availableReplicas = (set: ReplicaSet): number => set.status?.availableReplicas ?? 0;

export const sum = (sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number): number =>
  sets.reduce((total, set) => total + of(set), 0);

export const isRolling = (deployment: Deployment): boolean =>
  (deployment.spec?.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';

/** An int or percentage of `total`. @throws Error for anything else */
export function scaledValue(value: number | string | undefined, total: number, round: 'up' | 'down'): number {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  if (percent === undefined) throw new Error(`invalid value for IntOrString: ${JSON.stringify(value)}`);
  const exact = (Number(percent) * total) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}

/**
 * Surge (rounded up) and unavailable (rounded down) in pods. Both zero would
 * block the update for ever, so one may then be unavailable.
 */
export function fenceposts(deployment: Deployment): { surge: number; unavailable: number } {
  const replicas = specReplicas(deployment);
  if (!isRolling(deployment)) return { surge: 0, unavailable: 0 };
  const rolling = deployment.spec?.strategy?.rollingUpdate;
  const surge = scaledValue(rolling?.maxSurge ?? '25%', replicas, 'up');
  const unavailable = scaledValue(rolling?.maxUnavailable ?? '25%', replicas, 'down');
  if (surge === 0 && unavailable === 0) return { surge, unavailable: 1 };
  return { surge, unavailable: Math.min(unavailable, replicas) };
}

/** How many pods may be missing: 0 for Recreate and for a Deployment of none. */
export function maxUnavailable(deployment: Deployment): number {
  return specReplicas(deployment) === 0 ? 0 : fenceposts(deployment).unavailable;
}

export const maxSurge = (deployment: Deployment): number => fenceposts(deployment).surge;

/** The size the new ReplicaSet may have now. `current` is its size, `all` counts every ReplicaSet's. */
export function newSize(deployment: Deployment, current: number, all: number): number {
  const replicas = specReplicas(deployment);
  if (!isRolling(deployment)) return replicas;
  const limit = replicas + maxSurge(deployment);
  if (all >= limit) return current;
  return current + Math.min(limit - all, replicas - current);
}

export interface Resize {
  set: ReplicaSet;
  replicas: number;
}

const byAge = (a: ReplicaSet, b: ReplicaSet): number =>
  compare(a.metadata.creationTimestamp, b.metadata.creationTimestamp) || compare(a.metadata.name, b.metadata.name);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export { byAge };

/**
 * How old ReplicaSets shrink next, keeping `replicas - maxUnavailable` pods
 * available: first pods that serve nobody anyway, then the oldest sets.
 */
export function shrinkOld(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  oldSets: readonly ReplicaSet[],
): Resize[] {
  if (sum(oldSets, specReplicas) === 0) return [];
  const least = specReplicas(deployment) - maxUnavailable(deployment);
  const all = newSet ? [...oldSets, newSet] : oldSets;
  const newUnavailable = newSet ? specReplicas(newSet) - availableReplicas(newSet) : 0;
  let unhealthyBudget = sum(all, specReplicas) - least - newUnavailable;
  if (unhealthyBudget <= 0) return [];

  const sizes = new Map(oldSets.map((set) => [set, specReplicas(set)]));
  const oldestFirst = [...oldSets].sort(byAge);
  const take = (set: ReplicaSet, most: number): number => {
    const taken = Math.max(0, Math.min(sizes.get(set)!, most));
    sizes.set(set, sizes.get(set)! - taken);
    return taken;
  };
  for (const set of oldestFirst) {
    unhealthyBudget -= take(set, Math.min(unhealthyBudget, specReplicas(set) - availableReplicas(set)));
  }
  let healthyBudget = sum(all, availableReplicas) - least;
  for (const set of oldestFirst) healthyBudget -= take(set, healthyBudget);
  return oldestFirst
    .filter((set) => sizes.get(set) !== specReplicas(set))
    .map((set) => ({ set, replicas: sizes.get(set)! }));
}

/** Go's rounding: halves away from zero. */
const round = (value: number): number => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);

/**
 * The sizes of the active ReplicaSets when a Deployment is scaled while it rolls
 * out: each gets its share of the difference, the largest what rounding leaves over.
 */
export function proportionalSizes(deployment: Deployment, active: readonly ReplicaSet[]): Resize[] {
  const replicas = specReplicas(deployment);
  const limit = replicas > 0 ? replicas + maxSurge(deployment) : 0;
  const toAdd = limit - sum(active, specReplicas);
  const sorted = [...active].sort(
    (a, b) => specReplicas(b) - specReplicas(a) || (toAdd > 0 ? byAge(b, a) : byAge(a, b)),
  );
  let added = 0;
  const sizes = sorted.map((set) => {
    const size = specReplicas(set);
    if (size === 0 || toAdd === added) return { set, replicas: size };
    const share = fraction(deployment, set);
    const left = toAdd - added;
    const part = toAdd === 0 ? 0 : toAdd > 0 ? Math.min(share, left) : Math.max(share, left);
    added += part;
    return { set, replicas: size + part };
  });
  const first = sizes[0];
  if (first && toAdd !== 0) first.replicas = Math.max(0, first.replicas + toAdd - added);
  return sizes;
}

/** How many pods a set gains (or loses) to keep its share of the Deployment. */
function fraction(deployment: Deployment, set: ReplicaSet): number {
  const size = specReplicas(set);
  const replicas = specReplicas(deployment);
  if (replicas === 0) return -size;
  const before = Number(set.metadata.annotations?.[maxAnnotation] ?? 0) || (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  return round((size * (replicas + maxSurge(deployment))) / before) - size;
}
