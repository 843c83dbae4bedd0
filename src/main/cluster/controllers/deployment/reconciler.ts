import type { Deployment, Pod, ReplicaSet } from '@shared/k8s';
import { isEmptySelector } from '@shared/selectors';
import { ApiError } from '../../api/errors';
import type { Clock } from '../../clock';
import { findCondition } from '../../client/conditions';
import { isConflict, isNotFound } from '../../client/controller';
import type { EventRecorder } from '../../client/events';
import { resources, splitKey } from '../../client/resources';
import type { Informer, KubeClient, Reconciler } from '../../client/types';
import { claim, controlledBy } from '../claim';
import { isNamespaceTerminating } from '../terminating';
import { revisionAnnotation, revisionOf, splitSets } from './revisions';
import {
  availableReplicas,
  desiredAnnotation,
  isRolling,
  newSize,
  proportionalSizes,
  shrinkOld,
  specReplicas,
  sum,
} from './rolling';
import { HashCollision, ReplicaSetWriter } from './sets';
import {
  countStatus,
  deadlineAt,
  hasDeadline,
  isComplete,
  rolloutStatus,
  setDeploymentCondition,
  type DeploymentStatus,
} from './status';

interface Parts {
  client: KubeClient;
  clock: Clock;
  events: EventRecorder;
  deployments: Informer<Deployment>;
  replicaSets: Informer<ReplicaSet>;
  pods: Informer<Pod>;
}

interface Rollout {
  deployment: Deployment;
  newSet: ReplicaSet | undefined;
  oldSets: ReplicaSet[];
}

const allOf = ({ newSet, oldSets }: Rollout): ReplicaSet[] => (newSet ? [...oldSets, newSet] : oldSets);
const isActive = (set: ReplicaSet): boolean => specReplicas(set) > 0;

/** Brings the ReplicaSets of one Deployment one step closer to what it asks for, and reports on them. */
export class DeploymentReconciler implements Reconciler {
  private readonly writer: ReplicaSetWriter;

  constructor(private readonly parts: Parts) {
    this.writer = new ReplicaSetWriter(parts.client, parts.events);
  }

  async reconcile(key: string): Promise<{ requeueAfterMs?: number } | void> {
    const { client, deployments, replicaSets, events } = this.parts;
    const { namespace, name } = splitKey(key);
    let deployment = deployments.get(namespace, name);
    if (!deployment) return;
    if (isEmptySelector(deployment.spec?.selector)) {
      const message = 'This deployment is selecting all pods. A non-empty selector is required.';
      events.event(deployment, 'Warning', 'SelectingAll', message);
      return;
    }
    const sets = await claim({
      client,
      owner: deployment,
      ownerRef: resources.deployments,
      selector: deployment.spec?.selector,
      informer: replicaSets,
      ref: resources.replicaSets,
    });
    const split = splitSets(deployment, sets);
    if (deployment.metadata.deletionTimestamp) {
      await this.write(deployment, countStatus(deployment, sets, split.newSet, this.parts.clock.now()));
      return;
    }
    deployment = await this.notePause(deployment);
    const rollout = await this.syncRevision({ deployment, ...split });

    if (deployment.spec?.paused || this.isScaling(deployment, sets)) return this.scaleOnly(rollout);
    try {
      const step = isRolling(deployment) ? await this.roll(rollout) : await this.recreate(rollout);
      return await this.report(step);
    } catch (error) {
      if (error instanceof HashCollision) return this.countCollision(deployment, error);
      if (isNamespaceTerminating(error)) return;
      throw error;
    }
  }

  private async roll(before: Rollout): Promise<Rollout> {
    const rollout = await this.ensureNewSet(before);
    const { deployment, oldSets } = rollout;
    const newSet = rollout.newSet!;
    const size = specReplicas(newSet);
    const wanted =
      size > specReplicas(deployment)
        ? specReplicas(deployment)
        : newSize(deployment, size, sum(allOf(rollout), specReplicas));
    if (wanted !== size) return { ...rollout, newSet: await this.writer.resize(deployment, newSet, wanted) };

    const steps = shrinkOld(deployment, newSet, oldSets);
    if (steps.length) {
      const resized = new Map<ReplicaSet, ReplicaSet>();
      for (const { set, replicas } of steps) resized.set(set, await this.writer.resize(deployment, set, replicas));
      return { ...rollout, oldSets: oldSets.map((set) => resized.get(set) ?? set) };
    }
    if (isComplete(deployment, deployment.status)) await this.writer.cleanUp(deployment, oldSets);
    return rollout;
  }

  private async recreate(before: Rollout): Promise<Rollout> {
    const { deployment, oldSets } = before;
    const active = oldSets.filter(isActive);
    if (active.length) {
      const resized = new Map<ReplicaSet, ReplicaSet>();
      for (const set of active) resized.set(set, await this.writer.resize(deployment, set, 0));
      return { ...before, oldSets: oldSets.map((set) => resized.get(set) ?? set) };
    }
    if (oldSets.some((set) => this.stillRuns(set))) return before;
    const rollout = await this.ensureNewSet(before);
    const newSet = await this.writer.resize(deployment, rollout.newSet!, specReplicas(deployment));
    if (isComplete(deployment, deployment.status)) await this.writer.cleanUp(deployment, oldSets);
    return { ...rollout, newSet };
  }

  private stillRuns(set: ReplicaSet): boolean {
    if ((set.status?.replicas ?? 0) > 0) return true;
    return controlledBy(this.parts.pods, set.metadata.uid).some(
      (pod) => pod.status?.phase !== 'Failed' && pod.status?.phase !== 'Succeeded',
    );
  }

  /** Scaling (and a pause) changes sizes but begins no new revision. */
  private async scaleOnly(rollout: Rollout): Promise<{ requeueAfterMs?: number } | void> {
    const { deployment, newSet, oldSets } = rollout;
    const resized = new Map<ReplicaSet, ReplicaSet>();
    for (const { set, replicas } of this.sizes(rollout)) {
      resized.set(set, await this.writer.resize(deployment, set, replicas));
    }
    const after: Rollout = {
      deployment,
      newSet: newSet && (resized.get(newSet) ?? newSet),
      oldSets: oldSets.map((set) => resized.get(set) ?? set),
    };
    if (deployment.spec?.paused) await this.writer.cleanUp(deployment, after.oldSets);
    return this.report(after);
  }

  private sizes(rollout: Rollout): { set: ReplicaSet; replicas: number }[] {
    const { deployment, newSet, oldSets } = rollout;
    const replicas = specReplicas(deployment);
    const active = allOf(rollout).filter(isActive);
    if (active.length <= 1) {
      const only = active[0] ?? newSet ?? [...oldSets].sort((a, b) => revisionOf(b) - revisionOf(a))[0];
      return only ? [{ set: only, replicas }] : [];
    }
    const saturated =
      newSet &&
      specReplicas(newSet) === replicas &&
      newSet.metadata.annotations?.[desiredAnnotation] === String(replicas) &&
      availableReplicas(newSet) === replicas;
    if (saturated) return oldSets.filter(isActive).map((set) => ({ set, replicas: 0 }));
    return isRolling(deployment) ? proportionalSizes(deployment, active) : [];
  }

  /** A Deployment whose size is not the one its ReplicaSets remember was scaled. */
  private isScaling(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
    return sets.some((set) => {
      const desired = set.metadata.annotations?.[desiredAnnotation];
      return isActive(set) && desired !== undefined && Number(desired) !== specReplicas(deployment);
    });
  }

  /** Gives the current ReplicaSet its revision and the Deployment the same. */
  private async syncRevision(rollout: Rollout): Promise<Rollout> {
    if (!rollout.newSet) return rollout;
    const newSet = await this.writer.refresh(rollout.deployment, rollout.newSet, rollout.oldSets);
    const deployment = await this.adoptRevision(rollout.deployment, newSet);
    const found = `Found new replica set "${newSet.metadata.name}"`;
    return { ...rollout, newSet, deployment: await this.noteProgress(deployment, 'FoundNewReplicaSet', found, false) };
  }

  private async ensureNewSet(rollout: Rollout): Promise<Rollout> {
    if (rollout.newSet) return rollout;
    try {
      const { set, created } = await this.writer.create(rollout.deployment, rollout.oldSets);
      let deployment = await this.adoptRevision(rollout.deployment, set);
      if (created) {
        const message = `Created new replica set "${set.metadata.name}"`;
        deployment = await this.noteProgress(deployment, 'NewReplicaSetCreated', message, true);
      }
      return { ...rollout, deployment, newSet: set };
    } catch (error) {
      if (error instanceof ApiError && !isConflict(error) && !isNamespaceTerminating(error)) {
        await this.noteCreateError(rollout.deployment, error);
      }
      throw error;
    }
  }

  private async adoptRevision(deployment: Deployment, newSet: ReplicaSet): Promise<Deployment> {
    const revision = newSet.metadata.annotations?.[revisionAnnotation];
    if (!revision || deployment.metadata.annotations?.[revisionAnnotation] === revision) return deployment;
    const { namespace, name } = deployment.metadata;
    const patch = { metadata: { annotations: { [revisionAnnotation]: revision } } };
    return this.parts.client.patch(resources.deployments, namespace, name, patch);
  }

  /** @param always false: only when there is no Progressing condition yet */
  private async noteProgress(
    deployment: Deployment,
    reason: string,
    message: string,
    always: boolean,
  ): Promise<Deployment> {
    const conditions = deployment.status?.conditions ?? [];
    if (!hasDeadline(deployment) || (!always && findCondition(conditions, 'Progressing'))) return deployment;
    const condition = { type: 'Progressing', status: 'True', reason, message };
    const next = setDeploymentCondition(conditions, condition, this.parts.clock.now());
    return this.write(deployment, { ...deployment.status, conditions: next });
  }

  private async noteCreateError(deployment: Deployment, error: Error): Promise<void> {
    const message = `Failed to create new replica set: ${error.message}`;
    this.parts.events.event(deployment, 'Warning', 'ReplicaSetCreateError', message);
    if (!hasDeadline(deployment)) return;
    const condition = { type: 'Progressing', status: 'False', reason: 'ReplicaSetCreateError', message: error.message };
    const conditions = setDeploymentCondition(deployment.status?.conditions ?? [], condition, this.parts.clock.now());
    await this.write(deployment, { ...deployment.status, conditions });
  }

  /** A pause stops the deadline: the condition tells so, and again when it is over. */
  private async notePause(deployment: Deployment): Promise<Deployment> {
    const conditions = deployment.status?.conditions ?? [];
    const progressing = findCondition(conditions, 'Progressing');
    if (!hasDeadline(deployment) || progressing?.reason === 'ProgressDeadlineExceeded') return deployment;
    const paused = deployment.spec?.paused ?? false;
    if (paused === (progressing?.reason === 'DeploymentPaused')) return deployment;
    const condition = paused
      ? { type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' }
      : { type: 'Progressing', status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' };
    const next = setDeploymentCondition(conditions, condition, this.parts.clock.now());
    return this.write(deployment, { ...deployment.status, conditions: next });
  }

  private async countCollision(deployment: Deployment, error: Error): Promise<void> {
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    await this.write(deployment, { ...deployment.status, collisionCount });
    throw error;
  }

  private async report(rollout: Rollout): Promise<{ requeueAfterMs?: number } | void> {
    const { deployment } = rollout;
    const now = this.parts.clock.now();
    const status = deployment.spec?.paused
      ? countStatus(deployment, allOf(rollout), rollout.newSet, now)
      : rolloutStatus(deployment, allOf(rollout), rollout.newSet, now);
    await this.write(deployment, status);
    const deadline = deployment.spec?.paused ? undefined : deadlineAt(deployment, status.conditions ?? []);
    if (deadline !== undefined) return { requeueAfterMs: Math.max(0, deadline - now) + 1000 };
  }

  /** Writes the status when it differs. */
  private async write(deployment: Deployment, status: DeploymentStatus): Promise<Deployment> {
    if (JSON.stringify(normal(status)) === JSON.stringify(normal(deployment.status ?? {}))) return deployment;
    try {
      return await this.parts.client.updateStatus(resources.deployments, { ...deployment, status });
    } catch (error) {
      if (isNotFound(error)) return deployment;
      throw error;
    }
  }
}

/** A status in one order of fields, for comparing. */
function normal(status: DeploymentStatus): unknown[] {
  const { conditions = [], ...numbers } = status;
  const texts = conditions.map((condition) => JSON.stringify(Object.entries(condition).sort()));
  return [Object.entries(numbers).sort(), texts.sort()];
}
