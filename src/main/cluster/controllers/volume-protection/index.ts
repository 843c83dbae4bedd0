import type { KubeObject, PersistentVolume, PersistentVolumeClaim, Pod } from '@shared/k8s';
import { claimNamesOf } from '@shared/pod-claims';
import { claimProtection, volumeProtection } from '../../api/core/volume-annotations';
import { isNotFound } from '../../client/controller';
import { keyOf, resources, splitKey } from '../../client/resources';
import type { KubeClient, ResourceRef } from '../../client/types';
import { WorkQueue } from '../../client/workqueue';
import type { ControllerContext, ControlLoop } from '../framework';

/** Claims that pods use, and volumes that are bound, are kept until that ends. Admission adds what is taken off here. */
export function createVolumeProtectionControllers(context: ControllerContext): ControlLoop[] {
  return [claimProtectionLoop(context), volumeProtectionLoop(context)];
}

/** Only pods that have a node use a claim: a node agent starts none whose claim is being deleted. */
const uses = (pod: Pod, claim: string): boolean => Boolean(pod.spec?.nodeName) && claimNamesOf(pod).includes(claim);

function claimProtectionLoop({ client, clock, informers }: ControllerContext): ControlLoop {
  const queue = new WorkQueue(clock);
  const claims = informers.informer<PersistentVolumeClaim>(resources.persistentVolumeClaims);
  const pods = informers.informer<Pod>(resources.pods);
  const check = (claim: PersistentVolumeClaim | undefined): void => {
    if (claim && isHeld(claim, claimProtection)) queue.add(keyOf(claim));
  };
  const released = (pod: Pod): void => {
    for (const name of claimNamesOf(pod)) check(claims.get(pod.metadata.namespace, name));
  };
  claims.on({ add: check, update: check });
  pods.on({ update: (pod, old) => pod.metadata.uid !== old.metadata.uid && released(old), delete: released });
  return {
    name: 'pvc-protection',
    queue,
    reconciler: {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const claim = claims.get(namespace, name);
        if (!claim || !isHeld(claim, claimProtection)) return;
        if (pods.list(namespace).some((pod) => uses(pod, name))) return;
        // The cache may be behind, and data would be lost.
        const { items } = await client.list<Pod>(resources.pods, namespace);
        if (!items.some((pod) => uses(pod, name))) await letGo(client, resources.persistentVolumeClaims, claim);
      },
    },
  };
}

function volumeProtectionLoop({ client, clock, informers }: ControllerContext): ControlLoop {
  const queue = new WorkQueue(clock);
  const volumes = informers.informer<PersistentVolume>(resources.persistentVolumes);
  const check = (volume: PersistentVolume): void => {
    if (isHeld(volume, volumeProtection) && volume.status?.phase !== 'Bound') queue.add(keyOf(volume));
  };
  volumes.on({ add: check, update: check });
  return {
    name: 'pv-protection',
    queue,
    reconciler: {
      async reconcile(key) {
        const volume = volumes.get(undefined, key);
        if (volume && isHeld(volume, volumeProtection) && volume.status?.phase !== 'Bound')
          await letGo(client, resources.persistentVolumes, volume);
      },
    },
  };
}

/** Whether a deleted object is kept by a finalizer. */
const isHeld = ({ metadata }: KubeObject, finalizer: string): boolean =>
  Boolean(metadata?.deletionTimestamp) && (metadata?.finalizers?.includes(finalizer) ?? false);

async function letGo(client: KubeClient, ref: ResourceRef, object: KubeObject): Promise<void> {
  const ours = [claimProtection, volumeProtection];
  const finalizers = object.metadata!.finalizers!.filter((finalizer: string) => !ours.includes(finalizer));
  try {
    await client.update(ref, { ...object, metadata: { ...object.metadata!, finalizers } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
