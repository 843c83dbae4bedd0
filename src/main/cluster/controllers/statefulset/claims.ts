import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet } from '@shared/k8s';
import { isAlreadyExists, isNotFound } from '../../client/controller';
import type { EventRecorder } from '../../client/events';
import { controllerRef } from '../../client/owners';
import { resources } from '../../client/resources';
import type { Informer, KubeClient } from '../../client/types';
import { claimName, isWanted, ordinalOf, podName } from './identity';

interface Parts {
  client: KubeClient;
  events: EventRecorder;
  claims: Informer<PersistentVolumeClaim>;
}

/** The claims of a StatefulSet's pods: made before the pod, kept or deleted as the retention policy says. */
export class StatefulClaims {
  constructor(private readonly parts: Parts) {}

  /** Makes the claims an ordinal lacks. @throws Error while one is being deleted, ApiError when one is refused */
  async ensure(set: StatefulSet, ordinal: number): Promise<void> {
    for (const template of set.spec?.volumeClaimTemplates ?? []) {
      const name = claimName(set, template.metadata!.name!, ordinal);
      const existing = this.parts.claims.get(set.metadata.namespace, name);
      if (existing?.metadata.deletionTimestamp) throw new Error(`pvc ${name} is being deleted`);
      if (!existing) await this.create(set, ordinal, name, template);
    }
  }

  /** Makes the claims anew that are gone while their pod still waits for them. */
  async restore(set: StatefulSet, pods: readonly Pod[]): Promise<void> {
    for (const pod of pods) {
      const ordinal = ordinalOf(set, pod)!;
      const waits = pod.status?.phase === 'Pending' && !pod.metadata.deletionTimestamp;
      if (waits && isWanted(set, ordinal)) await this.ensure(set, ordinal);
    }
  }

  private async create(
    set: StatefulSet,
    ordinal: number,
    name: string,
    template: NonNullable<NonNullable<StatefulSet['spec']>['volumeClaimTemplates']>[number],
  ): Promise<void> {
    const { client, events } = this.parts;
    const subject = `create Claim ${name} Pod ${podName(set, ordinal)} in StatefulSet ${set.metadata.name}`;
    const owners = this.wantedOwners(set, undefined);
    try {
      await client.create(resources.persistentVolumeClaims, {
        metadata: {
          name,
          namespace: set.metadata.namespace,
          labels: { ...template.metadata?.labels, ...set.spec?.selector.matchLabels },
          annotations: template.metadata?.annotations,
          ...(owners.length ? { ownerReferences: owners } : {}),
        },
        spec: template.spec,
      });
      events.event(set, 'Normal', 'SuccessfulCreate', `${subject} success`);
    } catch (error) {
      if (isAlreadyExists(error)) return;
      events.event(set, 'Warning', 'FailedCreate', `${subject} failed error: ${(error as Error).message}`);
      throw error;
    }
  }

  /** Gives the claims of these pods the owners with which they are to go. */
  async retain(set: StatefulSet, pods: readonly Pod[]): Promise<void> {
    const templates = set.spec?.volumeClaimTemplates ?? [];
    await Promise.all(
      pods.flatMap((pod) => {
        const ordinal = ordinalOf(set, pod)!;
        const owners = this.wantedOwners(set, isWanted(set, ordinal) ? undefined : pod);
        return templates.map(async (template) => {
          const name = claimName(set, template.metadata!.name!, ordinal);
          const claim = this.parts.claims.get(set.metadata.namespace, name);
          if (claim) await this.setOwners(claim, [set.metadata.uid, pod.metadata.uid], owners);
        });
      }),
    );
  }

  /** @param condemned the claim's pod, when scaling down takes it away */
  private wantedOwners(set: StatefulSet, condemned: Pod | undefined): OwnerReference[] {
    const { whenDeleted, whenScaled } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
    if (condemned && whenScaled === 'Delete') return [controllerRef(resources.pods, condemned)];
    return whenDeleted === 'Delete' ? [controllerRef(resources.statefulSets, set)] : [];
  }

  private async setOwners(
    claim: PersistentVolumeClaim,
    managed: readonly string[],
    wanted: readonly OwnerReference[],
  ): Promise<void> {
    const present = claim.metadata.ownerReferences ?? [];
    const missing = wanted.filter(({ uid }) => !present.some((owner) => owner.uid === uid));
    const surplus = present.filter(({ uid }) => managed.includes(uid) && !wanted.some((owner) => owner.uid === uid));
    if (missing.length === 0 && surplus.length === 0) return;
    const ownerReferences = [...present.filter((owner) => !surplus.includes(owner)), ...missing];
    try {
      await this.parts.client.update(resources.persistentVolumeClaims, {
        ...claim,
        metadata: { ...claim.metadata, ownerReferences },
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
