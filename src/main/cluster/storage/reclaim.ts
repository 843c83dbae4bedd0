import type { PersistentVolume } from '@shared/k8s';
import { volumeProtection } from '../api/core/volume-annotations';
import { isNotFound } from '../client/controller';
import type { EventRecorder } from '../client/events';
import { resources } from '../client/resources';
import type { KubeClient } from '../client/types';
import { provisionerFinalizer, simulatedLabel, volumeLabel, type VolumeEngine } from './names';

/** Whether nobody has a claim on a volume any more. One that was never bound says nothing of the kind until it is deleted. */
function isAbandoned({ metadata, status }: PersistentVolume): boolean {
  if (metadata.deletionTimestamp) return !metadata.finalizers?.includes(volumeProtection);
  return status?.phase === 'Released';
}

/**
 * Removes a volume that was made here once it is given up, with what is behind it unless that is to be retained.
 * @returns false when something still uses it, and it is to be tried again
 */
export async function reclaim(
  volume: PersistentVolume,
  { client, engine, events }: { client: KubeClient; engine: VolumeEngine; events: EventRecorder },
): Promise<boolean> {
  if (!isAbandoned(volume)) return true;
  const { name, deletionTimestamp, finalizers = [] } = volume.metadata;
  const remove = volume.spec!.persistentVolumeReclaimPolicy === 'Delete';
  if (!remove && !deletionTimestamp) return true;
  if (remove && !volume.spec!.csi?.volumeAttributes?.[simulatedLabel]) {
    try {
      await engine.removeVolumes({ [volumeLabel]: name });
    } catch (error) {
      events.event(volume, 'Warning', 'VolumeFailedDelete', (error as Error).message);
      return false;
    }
  }
  try {
    let { resourceVersion } = volume.metadata;
    if (finalizers.includes(provisionerFinalizer)) {
      const left = finalizers.filter((finalizer) => finalizer !== provisionerFinalizer);
      const metadata = { ...volume.metadata, finalizers: left };
      ({ resourceVersion } = (await client.update(resources.persistentVolumes, { ...volume, metadata })).metadata);
    }
    if (!deletionTimestamp)
      await client.delete(resources.persistentVolumes, undefined, name, { preconditions: { resourceVersion } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return true;
}
