/** What is done to the pods of a job. */
import type { Job, Pod } from '@shared/k8s';
import { isNotFound } from '../../client/controller';
import { keyOf, resources } from '../../client/resources';
import type { KubeClient } from '../../client/types';
import { PodControl, type PodControlParts } from '../pod-control';
import { isTracked, newPod, trackingFinalizer } from './pods';

export interface PodActions {
  /** Creates a pod for every index given (undefined: one without an index). */
  create(job: Job, indexes: readonly (number | undefined)[], failures?: ReadonlyMap<number, number>): Promise<void>;
  /** Deletes pods; unless they are counted, they are let go of first and count as nothing. */
  remove(job: Job, pods: readonly Pod[], counted: boolean): Promise<void>;
  /** Takes the finalizer of pods that are counted, or need not be. */
  release(pods: readonly Pod[]): Promise<void>;
}

/** Takes the tracking finalizer off a pod, if both are still there. */
export async function releasePod(client: KubeClient, pod: Pod): Promise<void> {
  if (!isTracked(pod)) return;
  const { namespace, name, uid } = pod.metadata;
  const patch = { metadata: { uid, '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } };
  try {
    await client.patch(resources.pods, namespace, name, patch, { type: 'strategic' });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

export function createPodActions(parts: PodControlParts): PodActions {
  const control = new PodControl(parts);
  return {
    async release(pods) {
      throwFirst(await Promise.allSettled(pods.map((pod) => releasePod(parts.client, pod))));
    },
    create(job, indexes, failures) {
      const create = indexes.map((index) => newPod(job, index, index === undefined ? undefined : failures?.get(index)));
      return control.apply(keyOf(job), job, { create });
    },
    async remove(job, pods, counted) {
      if (counted) return control.apply(keyOf(job), job, { remove: pods });
      const results = await Promise.allSettled(pods.map((pod) => releasePod(parts.client, pod)));
      // Whoever was let go of must go, or it would run on and count for nothing.
      await control.apply(keyOf(job), job, {
        remove: pods.filter((_, index) => results[index]!.status === 'fulfilled'),
      });
      throwFirst(results);
    },
  };
}

function throwFirst(results: readonly PromiseSettledResult<void>[]): void {
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
