import type { PersistentVolume, PersistentVolumeClaim } from '@shared/k8s';
import { bindCompleted, boundByController } from '../../api/core/volume-annotations';
import { resources } from '../../client/resources';
import type { KubeClient } from '../../client/types';

/**
 * The writes that bind a volume and a claim. Each does nothing where it was done before, so that
 * binding goes on where it was interrupted. A lost race throws a conflict and is looked at again.
 */
export class Binding {
  constructor(private readonly client: KubeClient) {}

  /** Binds both to each other and says so in their status. */
  async bind(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    const given = await this.setPhase(await this.give(volume, claim), 'Bound');
    await this.complete(await this.take(claim, given), given);
  }

  /** Writes the phase of a volume. @param message what went wrong, for Failed */
  async setPhase(
    volume: PersistentVolume,
    phase: 'Available' | 'Bound' | 'Released' | 'Failed',
    message?: string,
  ): Promise<PersistentVolume> {
    const { status } = volume;
    if (status?.phase === phase && status.message === message) return volume;
    const { lastPhaseTransitionTime } = status ?? {};
    return this.client.updateStatus(resources.persistentVolumes, {
      ...volume,
      status: {
        phase,
        ...(lastPhaseTransitionTime ? { lastPhaseTransitionTime } : {}),
        ...(message ? { message } : {}),
      },
    });
  }

  /** Writes the phase of a claim that is not bound. */
  async setClaimPhase(claim: PersistentVolumeClaim, phase: 'Pending' | 'Lost'): Promise<void> {
    if (claim.status?.phase === phase) return;
    const status = phase === 'Pending' ? { phase } : { ...claim.status, phase };
    await this.client.updateStatus(resources.persistentVolumeClaims, { ...claim, status });
  }

  /** Takes the claim off a volume that was given to it but is not its own; what a user wrote stays. */
  async unbind(volume: PersistentVolume): Promise<void> {
    const { claimRef, ...spec } = volume.spec!;
    const { [boundByController]: byController, ...annotations } = volume.metadata.annotations ?? {};
    const { uid: _, resourceVersion: __, ...reserved } = claimRef!;
    const written: PersistentVolume = await this.client.update(resources.persistentVolumes, {
      ...volume,
      metadata: { ...volume.metadata, annotations },
      spec: byController ? spec : { ...spec, claimRef: reserved },
    });
    await this.setPhase(written, 'Available');
  }

  private async give(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<PersistentVolume> {
    const holder = volume.spec!.claimRef;
    if (holder?.uid === claim.metadata.uid) return volume;
    const { namespace, name, uid, resourceVersion } = claim.metadata;
    const annotations = { ...volume.metadata.annotations, ...(holder ? {} : { [boundByController]: 'yes' }) };
    return this.client.update(resources.persistentVolumes, {
      ...volume,
      metadata: { ...volume.metadata, annotations },
      spec: {
        ...volume.spec,
        claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion },
      },
    });
  }

  private async take(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<PersistentVolumeClaim> {
    const annotations = { ...claim.metadata.annotations };
    const { name } = volume.metadata;
    const chosen = claim.spec!.volumeName !== name;
    if (!chosen && annotations[bindCompleted]) return claim;
    if (chosen) annotations[boundByController] = 'yes';
    annotations[bindCompleted] = 'yes';
    return this.client.update(resources.persistentVolumeClaims, {
      ...claim,
      metadata: { ...claim.metadata, annotations },
      spec: { ...claim.spec, volumeName: name },
    });
  }

  /** The claim shows all that its volume holds, however little was asked for. Growing is not decided here. */
  private async complete(claim: PersistentVolumeClaim, { spec }: PersistentVolume): Promise<void> {
    const { status } = claim;
    const modes = spec!.accessModes ?? [];
    const bound = status?.phase === 'Bound' && status.capacity !== undefined;
    if (bound && status.accessModes?.join() === modes.join()) return;
    await this.client.updateStatus(resources.persistentVolumeClaims, {
      ...claim,
      status: {
        ...status,
        phase: 'Bound',
        accessModes: modes,
        capacity: bound ? status.capacity : { ...spec!.capacity },
      },
    });
  }
}
