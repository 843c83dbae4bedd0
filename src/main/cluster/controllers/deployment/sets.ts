import type { Deployment, ReplicaSet } from '@shared/k8s';
import { isAlreadyExists, isNotFound } from '../../client/controller';
import type { EventRecorder } from '../../client/events';
import { controllerRef, isControlledBy } from '../../client/owners';
import { resources } from '../../client/resources';
import type { KubeClient } from '../../client/types';
import { byAge, newSize, specReplicas, sum } from './rolling';
import { revisionAnnotations, revisionOf, sameAnnotations, sizeAnnotations } from './revisions';
import { hashLabel, sameTemplate, templateHash } from './template';

/** A ReplicaSet of the same name but another template: the next try takes another hash. */
export class HashCollision extends Error {}

/** Writes a Deployment's ReplicaSets. Sets that were read may be frozen; what is returned is what the API stored. */
export class ReplicaSetWriter {
  constructor(
    private readonly client: KubeClient,
    private readonly events: EventRecorder,
  ) {}

  /** Gives the current set its revision, annotations and minReadySeconds. */
  async refresh(deployment: Deployment, set: ReplicaSet, oldSets: readonly ReplicaSet[]): Promise<ReplicaSet> {
    const annotations = revisionAnnotations(deployment, set.metadata.annotations ?? {}, nextRevision(oldSets));
    const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
    if (
      sameAnnotations(set.metadata.annotations, annotations) &&
      (set.spec?.minReadySeconds ?? 0) === minReadySeconds
    ) {
      return set;
    }
    return this.client.update(resources.replicaSets, {
      ...set,
      metadata: { ...set.metadata, annotations },
      spec: { ...set.spec, minReadySeconds },
    });
  }

  /**
   * Creates the ReplicaSet of the Deployment's template, already at the size it may have.
   * @throws HashCollision when the name belongs to something else
   */
  async create(deployment: Deployment, oldSets: readonly ReplicaSet[]): Promise<{ set: ReplicaSet; created: boolean }> {
    const { name, namespace } = deployment.metadata;
    const template = deployment.spec!.template;
    const hash = templateHash(template, deployment.status?.collisionCount);
    const replicas = newSize(deployment, 0, sum(oldSets, specReplicas));
    const labels = { ...template.metadata?.labels, [hashLabel]: hash };
    const selector = deployment.spec!.selector;
    const set = {
      metadata: {
        name: `${name}-${hash}`,
        namespace,
        labels,
        annotations: revisionAnnotations(deployment, undefined, nextRevision(oldSets)),
        ownerReferences: [controllerRef(resources.deployments, deployment)],
      },
      spec: {
        replicas,
        ...(deployment.spec!.minReadySeconds ? { minReadySeconds: deployment.spec!.minReadySeconds } : {}),
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    };
    try {
      const created = await this.client.create(resources.replicaSets, set);
      if (replicas > 0) this.scaled(deployment, created, 0, replicas);
      return { set: created, created: true };
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const existing = await this.client.get(resources.replicaSets, namespace, set.metadata.name);
      if (
        isControlledBy(existing, deployment) &&
        existing.spec?.template &&
        sameTemplate(existing.spec.template, template)
      ) {
        return { set: existing, created: false };
      }
      throw new HashCollision(`ReplicaSet "${set.metadata.name}" has another template`, { cause: error });
    }
  }

  /** Sets the size and, when the Deployment's size changed, the annotations that remember it. */
  async resize(deployment: Deployment, set: ReplicaSet, replicas: number): Promise<ReplicaSet> {
    const annotations = { ...set.metadata.annotations, ...sizeAnnotations(deployment) };
    const before = specReplicas(set);
    if (before === replicas && sameAnnotations(set.metadata.annotations, annotations)) return set;
    const updated = await this.client.update(resources.replicaSets, {
      ...set,
      metadata: { ...set.metadata, annotations },
      spec: { ...set.spec, replicas },
    });
    if (before !== replicas) this.scaled(deployment, set, before, replicas);
    return updated;
  }

  /** Deletes the oldest sets beyond revisionHistoryLimit that have no pods left. */
  async cleanUp(deployment: Deployment, oldSets: readonly ReplicaSet[]): Promise<void> {
    const limit = deployment.spec?.revisionHistoryLimit ?? 10;
    const cleanable = oldSets.filter((set) => !set.metadata.deletionTimestamp);
    const surplus = cleanable
      .sort((a, b) => revisionOf(a) - revisionOf(b) || byAge(a, b))
      .slice(0, Math.max(0, cleanable.length - limit));
    for (const set of surplus) {
      const empty = specReplicas(set) === 0 && (set.status?.replicas ?? 0) === 0;
      if (!empty || (set.metadata.generation ?? 0) > (set.status?.observedGeneration ?? 0)) continue;
      const { namespace, name, uid } = set.metadata;
      try {
        await this.client.delete(resources.replicaSets, namespace, name, { preconditions: { uid } });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  private scaled(deployment: Deployment, set: ReplicaSet, from: number, to: number): void {
    const direction = to > from ? 'up' : 'down';
    const message = `Scaled ${direction} replica set ${set.metadata.name} from ${from} to ${to}`;
    this.events.event(deployment, 'Normal', 'ScalingReplicaSet', message);
  }
}

function nextRevision(oldSets: readonly ReplicaSet[]): number {
  return oldSets.reduce((highest, set) => Math.max(highest, revisionOf(set)), 0) + 1;
}
