import type { PersistentVolume, PersistentVolumeClaim } from '@shared/k8s';
import { parseBytes } from '@shared/quantity';
import type { EventRecorder } from '../client/events';
import { resources } from '../client/resources';
import type { KubeClient } from '../client/types';

/**
 * Gives a bound claim the room it asks for. Volumes of a container engine have no size of their own and
 * may grow as far as the disk goes, so that only what is written about them changes.
 */
export async function expand(
  claim: PersistentVolumeClaim,
  volume: PersistentVolume,
  { client, events }: { client: KubeClient; events: EventRecorder },
): Promise<void> {
  const storage = claim.spec!.resources!.requests!['storage']!;
  const wanted = parseBytes(storage);
  if (wanted <= parseBytes(claim.status?.capacity?.['storage'])) return;
  const { name } = volume.metadata;
  if (wanted > parseBytes(volume.spec!.capacity?.['storage'])) {
    events.event(claim, 'Normal', 'Resizing', `External resizer is resizing volume ${name}`);
    await client.patch(resources.persistentVolumes, undefined, name, { spec: { capacity: { storage } } });
  }
  await client.updateStatus(resources.persistentVolumeClaims, {
    ...claim,
    status: { ...claim.status, capacity: { ...claim.status?.capacity, storage } },
  });
  events.event(claim, 'Normal', 'VolumeResizeSuccessful', 'Resize volume succeeded');
}
