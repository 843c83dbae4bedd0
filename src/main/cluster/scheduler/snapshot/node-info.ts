import type { Node } from '@shared/k8s';
import { parseResources, type Resources } from '@shared/pod-resources';
import type { HostPort, PodInfo } from './pod-info';

/** A node and what the pods on it take. */
export class NodeInfo {
  node: Node | undefined;
  allocatable: Resources = {};
  readonly requested: Resources = {};
  readonly scored: Resources = {};
  readonly pods = new Map<string, PodInfo>();
  readonly hostPorts: HostPort[] = [];

  constructor(readonly name: string) {}

  get labels(): Readonly<Record<string, string>> | undefined {
    return this.node?.metadata.labels;
  }

  setNode(node: Node | undefined): void {
    this.node = node;
    this.allocatable = parseResources(node?.status?.allocatable);
  }

  add(pod: PodInfo): void {
    this.pods.set(pod.uid, pod);
    for (const name in pod.requests) this.requested[name] = (this.requested[name] ?? 0) + pod.requests[name]!;
    for (const name in pod.scoredRequests) this.scored[name] = (this.scored[name] ?? 0) + pod.scoredRequests[name]!;
    for (const port of pod.hostPorts) this.hostPorts.push(port);
  }

  /** @returns the pod, if it was counted here */
  remove(uid: string): PodInfo | undefined {
    const pod = this.pods.get(uid);
    if (!pod) return undefined;
    this.pods.delete(uid);
    for (const name in pod.requests) this.requested[name]! -= pod.requests[name]!;
    for (const name in pod.scoredRequests) this.scored[name]! -= pod.scoredRequests[name]!;
    for (const { ip, protocol, port } of pod.hostPorts) {
      const at = this.hostPorts.findIndex(
        (other) => other.ip === ip && other.protocol === protocol && other.port === port,
      );
      this.hostPorts.splice(at, 1);
    }
    return pod;
  }
}
