import type { Pod, PodCondition } from '@shared/k8s';
import { findCondition, setCondition } from '../client/conditions';
import { isNotFound } from '../client/controller';
import type { EventRecorder } from '../client/events';
import { resources } from '../client/resources';
import type { KubeClient } from '../client/types';
import type { Clock } from '../clock';
import type { QueuedPod } from './queue';

export interface StatusWriterOptions {
  client: KubeClient;
  clock: Clock;
  /** Who reports about a pod: its scheduler, by name. */
  recorder: (pod: Pod) => EventRecorder;
}

/** Tells the API about decisions: conditions, nominations and events. */
export class StatusWriter {
  constructor(private readonly options: StatusWriterOptions) {}

  /** Says that a pod has its node. */
  scheduled({ info: { pod, key } }: QueuedPod, node: string): void {
    this.options.recorder(pod).event(pod, 'Normal', 'Scheduled', `Successfully assigned ${key} to ${node}`);
  }

  /**
   * Tells a pod's readers why it has no node.
   * @param nominated the node where room is being made; '' to say there is none; undefined to leave it
   */
  async refused(queued: QueuedPod, reason: string, message: string, nominated?: string): Promise<void> {
    const { pod } = queued.info;
    this.options.recorder(pod).event(pod, 'Warning', 'FailedScheduling', message);
    const current = findCondition(pod.status?.conditions, 'PodScheduled');
    const known = current?.status === 'False' ? `${current.reason}: ${current.message}` : undefined;
    const nomination = nominated ?? queued.nominated ?? pod.status?.nominatedNodeName ?? '';
    const changed = nomination !== (queued.nominated ?? pod.status?.nominatedNodeName ?? '');
    if ((queued.message ?? known) === `${reason}: ${message}` && !changed) return;
    const condition: PodCondition = { type: 'PodScheduled', status: 'False', reason, message };
    // Merged by type: other conditions of the pod are not ours.
    const conditions = setCondition(current ? [current] : [], condition, this.options.clock.now());
    await this.patch(pod, { conditions, ...(changed ? { nominatedNodeName: nomination || null } : {}) });
    queued.message = `${reason}: ${message}`;
    queued.nominated = nomination;
  }

  /** Takes a nomination back. */
  async withdrawn(pod: Pod): Promise<void> {
    await this.patch(pod, { nominatedNodeName: null });
  }

  /** Asks a pod to leave its node for another. */
  async preempted(victim: Pod, preemptor: Pod, node: string): Promise<void> {
    const { namespace, name, uid } = victim.metadata;
    const scheduler = preemptor.spec?.schedulerName ?? 'default-scheduler';
    const message = `${scheduler}: preempting to accommodate a higher priority pod`;
    const condition: PodCondition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message,
    };
    await this.patch(victim, { conditions: setCondition<PodCondition>([], condition, this.options.clock.now()) });
    try {
      await this.options.client.delete(resources.pods, namespace, name, { preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    const text = `Preempted by pod ${preemptor.metadata.uid} on node ${node}`;
    this.options.recorder(preemptor).event(victim, 'Normal', 'Preempted', text);
  }

  private async patch({ metadata: { namespace, name, uid } }: Pod, status: object): Promise<void> {
    const patch = { metadata: { uid }, status };
    try {
      await this.options.client.patch(resources.pods, namespace, name, patch, {
        type: 'strategic',
        subresource: 'status',
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
