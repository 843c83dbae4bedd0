/** What is done to the pods of a job. */
import type { Job, Pod } from '@shared/k8s';
import { isNotFound } from '../../client/controller';
import type { EventRecorder } from '../../client/events';
import { keyOf, resources } from '../../client/resources';
import type { KubeClient } from '../../client/types';
import type { Expectations } from '../expectations';
import { slowStart } from '../replicaset/batch';
import { isNamespaceTerminating } from '../terminating';
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

export function createPodActions(parts: {
  client: KubeClient;
  events: EventRecorder;
  expectations: Expectations;
}): PodActions {
  const { client, events, expectations } = parts;

  const release = async (pods: readonly Pod[]) => throwFirst(pods.map((pod) => releasePod(client, pod)));

  return {
    release,
    async create(job, indexes, failures) {
      const key = keyOf(job);
      const left = [...indexes];
      expectations.expectCreations(key, indexes.length);
      const { done, error } = await slowStart(indexes.length, async () => {
        const index = left.shift();
        try {
          const pod = newPod(job, index, index === undefined ? undefined : failures?.get(index));
          const created = await client.create<Pod>(resources.pods, pod);
          events.event(job, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
        } catch (error) {
          if (!isNamespaceTerminating(error)) {
            events.event(job, 'Warning', 'FailedCreate', `Error creating: ${(error as Error).message}`);
          }
          throw error;
        }
      });
      expectations.created(key, indexes.length - done);
      if (error && !isNamespaceTerminating(error)) throw error;
    },
    async remove(job, pods, counted) {
      const key = keyOf(job);
      if (!counted) await release(pods);
      const uids = pods.map((pod) => pod.metadata.uid);
      expectations.expectDeletions(key, uids);
      await throwFirst(
        pods.map(async ({ metadata: { namespace, name, uid } }) => {
          try {
            await client.delete(resources.pods, namespace, name, { preconditions: { uid } });
            events.event(job, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
          } catch (error) {
            // No event of a deletion will come for what was not deleted by us.
            expectations.deleted(key, uid);
            if (isNotFound(error)) return;
            events.event(job, 'Warning', 'FailedDelete', `Error deleting: ${(error as Error).message}`);
            throw error;
          }
        }),
      );
    },
  };
}

/** Waits for all before the first failure is thrown. */
async function throwFirst(work: Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
