import type { Deployment, ReplicaSet } from '@shared/k8s';
import { timestamp } from '../../clock';
import { findCondition, removeCondition } from '../../client/conditions';
import { availableReplicas, maxUnavailable, specReplicas, sum } from './rolling';

export type DeploymentStatus = NonNullable<Deployment['status']>;
export type DeploymentCondition = NonNullable<DeploymentStatus['conditions']>[number];

/** What Kubernetes stores for "no deadline". */
const noDeadline = 2_147_483_647;

export function hasDeadline(deployment: Deployment): boolean {
  const seconds = deployment.spec?.progressDeadlineSeconds;
  return seconds !== undefined && seconds !== null && seconds !== noDeadline;
}

/**
 * Sets a condition the way Deployments do: nothing changes while status and
 * reason stay the same; lastUpdateTime is the time of the last such change.
 */
export function setDeploymentCondition(
  conditions: readonly DeploymentCondition[],
  next: Pick<DeploymentCondition, 'type' | 'status' | 'reason' | 'message'>,
  now: number,
): DeploymentCondition[] {
  const old = findCondition(conditions, next.type);
  if (old?.status === next.status && old.reason === next.reason) return [...conditions];
  const kept = old?.status === next.status ? old.lastTransitionTime : undefined;
  const condition = { ...next, lastUpdateTime: timestamp(now), lastTransitionTime: kept ?? timestamp(now) };
  return [...removeCondition(conditions, next.type), condition];
}

export function isComplete(deployment: Deployment, status: DeploymentStatus | undefined): boolean {
  const replicas = specReplicas(deployment);
  return (
    (status?.updatedReplicas ?? 0) === replicas &&
    (status?.replicas ?? 0) === replicas &&
    (status?.availableReplicas ?? 0) === replicas &&
    (status?.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function isProgressing(old: DeploymentStatus, next: DeploymentStatus): boolean {
  const oldPods = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (next.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    oldPods(next) < oldPods(old) ||
    (next.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (next.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  );
}

/** When the rollout will have made no progress for too long, in ms; undefined when it is not waited for. */
export function deadlineAt(deployment: Deployment, conditions: readonly DeploymentCondition[]): number | undefined {
  const progressing = findCondition(conditions, 'Progressing');
  if (!hasDeadline(deployment) || !progressing?.lastUpdateTime) return undefined;
  if (progressing.reason === 'NewReplicaSetAvailable' || progressing.reason === 'ProgressDeadlineExceeded')
    return undefined;
  return Date.parse(progressing.lastUpdateTime) + deployment.spec!.progressDeadlineSeconds! * 1000;
}

/** Numbers and the Available condition, from what the ReplicaSets report. */
export function countStatus(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  now: number,
): DeploymentStatus {
  const old = deployment.status ?? {};
  const available = sum(sets, availableReplicas);
  const enough = available >= specReplicas(deployment) - maxUnavailable(deployment);
  const conditions = setDeploymentCondition(
    old.conditions ?? [],
    {
      type: 'Available',
      status: enough ? 'True' : 'False',
      reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
      message: enough ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
    },
    now,
  );
  const unavailable = Math.max(0, sum(sets, specReplicas) - available);
  return {
    observedGeneration: deployment.metadata.generation,
    ...positive(
      'replicas',
      sum(sets, (set) => set.status?.replicas ?? 0),
    ),
    ...positive('updatedReplicas', newSet?.status?.replicas ?? 0),
    ...positive(
      'readyReplicas',
      sum(sets, (set) => set.status?.readyReplicas ?? 0),
    ),
    ...positive('availableReplicas', available),
    ...positive('unavailableReplicas', unavailable),
    ...terminatingIn(sets),
    conditions,
    ...(old.collisionCount ? { collisionCount: old.collisionCount } : {}),
  };
}

/** How many pods are on their way out; not told before every ReplicaSet has told. */
function terminatingIn(sets: readonly ReplicaSet[]): { terminatingReplicas?: number } {
  if (sets.some(({ status }) => status?.terminatingReplicas === undefined)) return {};
  return { terminatingReplicas: sum(sets, ({ status }) => status!.terminatingReplicas!) };
}

/** Kubernetes leaves zeros out of a Deployment's status. */
const positive = (name: string, value: number): Record<string, number> => (value ? { [name]: value } : {});

/** The status of a Deployment that rolls out: numbers, Available, Progressing, ReplicaFailure. */
export function rolloutStatus(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  now: number,
): DeploymentStatus {
  const status = countStatus(deployment, sets, newSet, now);
  const old = deployment.status ?? {};
  const current = findCondition(old.conditions, 'Progressing');
  let conditions = status.conditions!;
  const wasComplete =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable';
  if (!hasDeadline(deployment)) conditions = removeCondition(conditions, 'Progressing');
  else if (!wasComplete) {
    const subject = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
    const progress = (state: string, reason: string, words: string) => ({
      type: 'Progressing',
      status: state,
      reason,
      message: `${subject} ${words}`,
    });
    if (isComplete(deployment, status)) {
      const done = progress('True', 'NewReplicaSetAvailable', 'has successfully progressed.');
      conditions = setDeploymentCondition(conditions, done, now);
    } else if (isProgressing(old, status)) {
      // Every step forward restarts the deadline, which counts from lastUpdateTime.
      const lastTransitionTime = current?.status === 'True' ? current.lastTransitionTime : timestamp(now);
      conditions = [
        ...removeCondition(conditions, 'Progressing'),
        {
          ...progress('True', 'ReplicaSetUpdated', 'is progressing.'),
          lastUpdateTime: timestamp(now),
          lastTransitionTime,
        },
      ];
    } else if ((deadlineAt(deployment, conditions) ?? Infinity) < now) {
      const late = progress('False', 'ProgressDeadlineExceeded', 'has timed out progressing.');
      conditions = setDeploymentCondition(conditions, late, now);
    }
  }
  const failure =
    findCondition(newSet?.status?.conditions, 'ReplicaFailure') ??
    sets.map((set) => findCondition(set.status?.conditions, 'ReplicaFailure')).find(Boolean);
  conditions = failure
    ? setDeploymentCondition(conditions, pick(failure), now)
    : removeCondition(conditions, 'ReplicaFailure');
  return { ...status, conditions };
}

const pick = ({ type, status, reason, message }: DeploymentCondition) => ({ type, status, reason, message });
