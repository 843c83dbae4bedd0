import type { PersistentVolume, PersistentVolumeClaim } from '@shared/k8s';
import { parseBytes } from '@shared/quantity';
import { matchesSelector } from '@shared/selectors';
import { storageClassOf } from '../../api/core/volumes';

/** Which volumes can be given to which claims. */

const sizeOf = (volume: PersistentVolume): number => parseBytes(volume.spec?.capacity?.['storage'] ?? '0');
const wantedSize = (claim: PersistentVolumeClaim): number =>
  parseBytes(claim.spec?.resources?.requests?.['storage'] ?? '0');

const hasModes = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  (claim.spec?.accessModes ?? []).every((mode) => volume.spec?.accessModes?.includes(mode));

/** Whether one is a file system and the other a block device. */
export const modesDiffer = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  (volume.spec?.volumeMode ?? 'Filesystem') !== (claim.spec?.volumeMode ?? 'Filesystem');

/** Whether a volume is meant for a claim: it names it, and no earlier one of that name. */
export function isFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const holder = spec?.claimRef;
  if (!holder || holder.namespace !== metadata.namespace || holder.name !== metadata.name) return false;
  return !holder.uid || holder.uid === metadata.uid;
}

/** Why a volume that a claim asks for by name cannot be given to it, in Kubernetes' words; undefined when it can. */
export function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (volume.metadata.deletionTimestamp) return 'the volume is marked for deletion';
  if (sizeOf(volume) < wantedSize(claim)) return 'requested PV is too small';
  if (storageClassOf(volume) !== storageClassOf(claim)) return 'storageClassName does not match';
  if (modesDiffer(volume, claim)) return 'incompatible volumeMode';
  if (!hasModes(volume, claim)) return 'incompatible accessMode';
  return undefined;
}

/**
 * The volume for a claim: one that is kept for it, else the smallest that is big enough
 * among those with the fewest access modes beyond the ones asked for.
 * @param reserved volumes that name the claim
 * @param free volumes that name no claim; none are looked at for claims whose pod decides
 */
export function bestVolume(
  claim: PersistentVolumeClaim,
  reserved: readonly PersistentVolume[],
  free: readonly PersistentVolume[],
): PersistentVolume | undefined {
  const usable = (volume: PersistentVolume): boolean =>
    !volume.metadata.deletionTimestamp &&
    hasModes(volume, claim) &&
    !modesDiffer(volume, claim) &&
    sizeOf(volume) >= wantedSize(claim);
  const kept = reserved.find((volume) => isFor(volume, claim) && usable(volume));
  if (kept) return kept;
  const selector = claim.spec?.selector;
  const candidates = free.filter(
    (volume) =>
      volume.status?.phase === 'Available' &&
      storageClassOf(volume) === storageClassOf(claim) &&
      (!selector || matchesSelector(selector, volume.metadata.labels)) &&
      usable(volume),
  );
  const modes = (volume: PersistentVolume): number => volume.spec!.accessModes?.length ?? 0;
  let best: PersistentVolume | undefined;
  for (const volume of candidates) {
    const order = best ? modes(volume) - modes(best) || sizeOf(volume) - sizeOf(best) : -1;
    if (order < 0) best = volume;
  }
  return best;
}
