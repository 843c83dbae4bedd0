import type { PodInfo } from './pod-info';

/** Pods for which room is being made on a node: others of their importance must leave it to them. */
export class Nominations {
  private readonly byNode = new Map<string, Map<string, PodInfo>>();
  private readonly byPod = new Map<string, string>();

  set(pod: PodInfo, node: string): void {
    this.delete(pod.uid);
    this.byPod.set(pod.uid, node);
    let pods = this.byNode.get(node);
    if (!pods) this.byNode.set(node, (pods = new Map()));
    pods.set(pod.uid, pod);
  }

  delete(uid: string): void {
    const node = this.byPod.get(uid);
    if (node === undefined) return;
    this.byPod.delete(uid);
    const pods = this.byNode.get(node)!;
    pods.delete(uid);
    if (pods.size === 0) this.byNode.delete(node);
  }

  /** The node a pod is to get. */
  nodeOf(uid: string): string | undefined {
    return this.byPod.get(uid);
  }

  on(node: string): Iterable<PodInfo> {
    return this.byNode.get(node)?.values() ?? [];
  }

  /** The pods that come before one on a node: nominated there and at least as important. */
  before(pod: PodInfo, node: string): PodInfo[] {
    const pods = this.byNode.get(node);
    if (!pods) return [];
    return [...pods.values()].filter((other) => other.uid !== pod.uid && other.priority >= pod.priority);
  }
}
