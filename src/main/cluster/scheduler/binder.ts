import { resources } from '../client/resources';
import type { KubeClient } from '../client/types';
import type { Profile } from './framework/profile';
import type { NodeInfo, PodInfo } from './snapshot';

/** Brings decisions to the API: whatever must be awaited first, then the Binding. */
export class PodBinder {
  private readonly waiting = new Map<string, AbortController>();

  constructor(private readonly client: KubeClient) {}

  /**
   * What must be done before the pod can be bound: undefined for most pods.
   * It may take minutes, and ends early when the pod goes.
   */
  prepare(profile: Profile, pod: PodInfo, node: NodeInfo): Promise<void> | undefined {
    const controller = new AbortController();
    const work = profile.prepares(pod, node, controller.signal);
    if (!work) return undefined;
    this.waiting.set(pod.uid, controller);
    return work.finally(() => this.waiting.delete(pod.uid));
  }

  /** Ends the wait of a pod. @returns whether it was waiting */
  stopWaiting(uid: string): boolean {
    const controller = this.waiting.get(uid);
    controller?.abort();
    return controller !== undefined;
  }

  /** Ends all waits. */
  stop(): void {
    for (const controller of this.waiting.values()) controller.abort();
  }

  /** @throws Error with what to tell */
  async bind({ pod }: PodInfo, node: NodeInfo): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    await this.client.createSubresource(resources.pods, namespace, name, 'binding', {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: node.name },
    });
  }
}
