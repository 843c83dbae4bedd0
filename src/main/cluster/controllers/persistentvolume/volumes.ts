import type { PersistentVolume, PersistentVolumeClaim } from '@shared/k8s';
import { provisionedBy } from '../../api/core/volume-annotations';
import type { Parts } from './claims';
import { modesDiffer } from './match';

/**
 * Brings the phase of a volume in line with its claim, and deals with one whose claim is gone.
 * @returns the claim that is to bind it, if it is that claim's turn
 */
export async function syncVolume(volume: PersistentVolume, parts: Parts): Promise<PersistentVolumeClaim | undefined> {
  const { binding, view } = parts;
  const holder = volume.spec?.claimRef;
  if (!holder) {
    await binding.setPhase(volume, 'Available');
    return undefined;
  }
  const claim = await view.claim(holder.namespace!, holder.name!);
  if (!holder.uid) {
    // Kept for a claim; that one's turn comes when it is there.
    await binding.setPhase(volume, 'Available');
    return claim;
  }
  if (!claim || claim.metadata.uid !== holder.uid) {
    await release(volume, parts);
    return undefined;
  }
  const named = claim.spec?.volumeName;
  if (!named) {
    if (!modesDiffer(volume, claim)) return claim;
    const message = 'Cannot bind PersistentVolume to requested PersistentVolumeClaim due to incompatible volumeMode.';
    parts.events.event(volume, 'Warning', 'VolumeMismatch', message);
    parts.events.event(claim, 'Warning', 'VolumeMismatch', message);
    return undefined;
  }
  if (named === volume.metadata.name) {
    await binding.setPhase(volume, 'Bound');
    return claim;
  }
  // The claim has another volume. One that was made for it is of no use to anybody.
  const { annotations } = volume.metadata;
  if (annotations?.[provisionedBy] && volume.spec!.persistentVolumeReclaimPolicy === 'Delete')
    await release(volume, parts);
  else await binding.unbind(volume);
  return undefined;
}

/** The claim is gone: what the reclaim policy says is to be done. Those that a provisioner made are its business. */
async function release(volume: PersistentVolume, { binding, events }: Parts): Promise<void> {
  const { phase } = volume.status ?? {};
  if (phase === 'Failed') return;
  const released = phase === 'Released' ? volume : await binding.setPhase(volume, 'Released');
  const fail = async (reason: string, message: string): Promise<void> => {
    await binding.setPhase(released, 'Failed', message);
    events.event(volume, 'Warning', reason, message);
  };
  const { persistentVolumeReclaimPolicy: policy, csi } = volume.spec!;
  if (policy === 'Recycle') return fail('VolumeFailedRecycle', 'No recycler plugin found for the volume!');
  const byProvisioner = volume.metadata.annotations?.[provisionedBy] !== undefined || csi !== undefined;
  if (policy !== 'Delete' || byProvisioner) return;
  const { name } = volume.metadata;
  const why = `error getting deleter volume plugin for volume "${name}": no deletable volume plugin matched`;
  return fail('VolumeFailedDelete', why);
}
