import type { KubeObject, Pod } from '@shared/k8s';
import { isNotFound } from '../client/controller';
import type { EventRecorder } from '../client/events';
import { resources } from '../client/resources';
import type { KubeClient } from '../client/types';
import type { Expectations } from './expectations';
import { slowStart } from './replicaset/batch';
import { isNamespaceTerminating } from './terminating';

export interface PodControlParts {
  client: KubeClient;
  events: EventRecorder;
  expectations: Expectations;
}

export interface PodChanges {
  create?: readonly KubeObject[];
  remove?: readonly Pod[];
}

/** Makes and deletes the pods of an owner: what is asked for is expected, what came of it is told in events. */
export class PodControl {
  constructor(private readonly parts: PodControlParts) {}

  /**
   * Makes and deletes at the same time. Nothing is left half tried: the first failure is thrown when all
   * has ended, and that the namespace is going away is none.
   * @param key of the owner
   */
  async apply(key: string, owner: KubeObject, { create = [], remove = [] }: PodChanges): Promise<void> {
    if (create.length === 0 && remove.length === 0) return;
    this.parts.expectations.expect(
      key,
      create.length,
      remove.map((pod) => pod.metadata.uid),
    );
    const results = await Promise.allSettled([
      this.create(key, owner, create),
      ...remove.map((pod) => this.remove(key, owner, pod)),
    ]);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async create(key: string, owner: KubeObject, pods: readonly KubeObject[]): Promise<void> {
    const { client, events, expectations } = this.parts;
    const left = pods.values();
    const { done, error } = await slowStart(pods.length, async () => {
      try {
        const { metadata } = await client.create<Pod>(resources.pods, left.next().value!);
        events.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${metadata.name}`);
      } catch (error) {
        if (!isNamespaceTerminating(error)) {
          events.event(owner, 'Warning', 'FailedCreate', `Error creating: ${(error as Error).message}`);
        }
        throw error;
      }
    });
    expectations.created(key, pods.length - done);
    if (error && !isNamespaceTerminating(error)) throw error;
  }

  private async remove(key: string, owner: KubeObject, { metadata }: Pod): Promise<void> {
    const { client, events, expectations } = this.parts;
    const { namespace, name, uid } = metadata;
    try {
      await client.delete(resources.pods, namespace, name, { preconditions: { uid } });
      events.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
    } catch (error) {
      // No event of a deletion will come for what was not deleted by us.
      expectations.deleted(key, uid);
      if (isNotFound(error)) return;
      events.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${(error as Error).message}`);
      throw error;
    }
  }
}
