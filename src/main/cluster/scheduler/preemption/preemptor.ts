import type { Pod } from '@shared/k8s';
import type { Logger } from '../../log';
import type { PodInfo, Snapshot } from '../snapshot';
import type { StatusWriter } from '../status-writer';
import type { Victims } from './victims';

export interface PreemptorOptions {
  snapshot: Snapshot;
  writer: StatusWriter;
  log: Logger;
  /** Ends the wait of a pod that has its node and is not bound yet. @returns whether there was one */
  stopWaiting: (uid: string) => boolean;
}

/** Makes room: asks the victims to go and keeps it for the pod they go for. */
export class Preemptor {
  /** Pods asked to go that may not show it yet. */
  private readonly asked = new Set<string>();

  constructor(private readonly options: PreemptorOptions) {}

  /** Whether a pod goes because another needs its room. */
  readonly isLeaving = (pod: PodInfo): boolean => {
    if (this.asked.has(pod.uid)) return true;
    if (!pod.terminating) return false;
    return (pod.pod.status?.conditions ?? []).some(
      ({ type, status, reason }) =>
        type === 'DisruptionTarget' && status === 'True' && reason === 'PreemptionByScheduler',
    );
  };

  /** A pod left its node. */
  gone(uid: string): void {
    this.asked.delete(uid);
  }

  /** Keeps the room for the pod from now on, and resolves when everybody was asked to go. */
  async makeRoom(pod: PodInfo, { node, pods }: Victims): Promise<void> {
    const { snapshot, writer, stopWaiting } = this.options;
    const outranked = [...snapshot.nominations.on(node.name)].filter(({ priority }) => priority < pod.priority);
    for (const { uid } of outranked) snapshot.nominations.delete(uid);
    snapshot.nominations.set(pod, node.name);
    const leaving = pods.filter((victim) => !victim.terminating && !stopWaiting(victim.uid));
    for (const { uid } of leaving) this.asked.add(uid);
    await Promise.all([
      ...outranked.map((other) => writer.withdrawn(other.pod)),
      ...leaving.map((victim) => this.ask(victim, pod.pod, node.name)),
    ]);
  }

  private async ask(victim: PodInfo, preemptor: Pod, node: string): Promise<void> {
    try {
      await this.options.writer.preempted(victim.pod, preemptor, node);
    } catch (error) {
      // It stays; the pod looks for another way when it is tried next.
      this.asked.delete(victim.uid);
      this.options.log.warn('a pod could not be preempted', { pod: victim.key, error: error as Error });
    }
  }
}
