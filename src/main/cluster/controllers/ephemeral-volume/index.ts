import type { PersistentVolumeClaim, Pod } from '@shared/k8s';
import { claimNameOf } from '@shared/pod-claims';
import { isAlreadyExists } from '../../client/controller';
import { controllerRef, isControlledBy } from '../../client/owners';
import { keyOf, resources, splitKey } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import { recorderFor, type ControllerContext, type ControlLoop } from '../framework';

/** Makes the claims of pods' ephemeral volumes; the garbage collector removes them with their pods. */
export function createEphemeralVolumeController(context: ControllerContext): ControlLoop {
  const { client, clock, informers } = context;
  const queue = new WorkQueue(clock);
  const pods = informers.informer<Pod>(resources.pods);
  const claims = informers.informer<PersistentVolumeClaim>(resources.persistentVolumeClaims);
  const events = recorderFor(context, 'ephemeral_volume');
  const check = (pod: Pod): void => {
    const wanted = pod.spec?.volumes?.some(({ ephemeral }) => ephemeral);
    if (wanted && !pod.metadata.deletionTimestamp) queue.add(keyOf(pod));
  };
  pods.on({ add: check });
  claims.on({
    delete({ metadata }) {
      const owner = metadata.ownerReferences?.find(({ controller, kind }) => controller && kind === 'Pod');
      const pod = owner && pods.get(metadata.namespace, owner.name);
      if (pod) check(pod);
    },
  });
  return {
    name: 'ephemeral-volume',
    queue,
    reconciler: {
      async reconcile(key) {
        const { namespace, name: podName } = splitKey(key);
        const pod = pods.get(namespace, podName);
        if (!pod || pod.metadata.deletionTimestamp) return;
        for (const volume of pod.spec?.volumes ?? []) {
          const template = volume.ephemeral?.volumeClaimTemplate;
          if (!template) continue;
          const name = claimNameOf(pod, volume)!;
          const existing = claims.get(namespace, name);
          if (existing && !isControlledBy(existing, pod)) {
            const why = `PVC ${namespace}/${name} was not created for pod ${key} (pod is not owner)`;
            events.event(pod, 'Warning', 'FailedBinding', `ephemeral volume: ${why}`);
          }
          if (existing) continue;
          const { labels, annotations } = template.metadata ?? {};
          try {
            await client.create(resources.persistentVolumeClaims, {
              metadata: { name, namespace, labels, annotations, ownerReferences: [controllerRef(resources.pods, pod)] },
              spec: template.spec,
            });
          } catch (error) {
            // The cache is behind, or somebody made one of that name: its event or the next look tells.
            if (!isAlreadyExists(error)) throw error;
          }
        }
      },
    },
  };
}
