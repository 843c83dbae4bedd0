import type { Node, Pod } from '@shared/k8s';
import { parseResources, podRequests, type Resources } from '@shared/pod-resources';

/** A host port taken by a pod. */
export interface HostPort {
  ip: string;
  protocol: string;
  port: number;
}

/** Counted in scores for containers that ask for nothing, so that they spread too. */
const assumedRequests: Resources = { cpu: 100, memory: 200 * 1024 * 1024 };

/** What is worked out of a pod once and looked at for every node. */
export class PodInfo {
  readonly uid: string;
  readonly key: string;
  readonly requests: Resources;
  /** Requests as the score counts them. */
  readonly scoredRequests: Resources;
  readonly hostPorts: HostPort[];

  constructor(readonly pod: Pod) {
    this.uid = pod.metadata.uid;
    this.key = `${pod.metadata.namespace}/${pod.metadata.name}`;
    this.requests = podRequests(pod.spec);
    this.scoredRequests = podRequests(pod.spec, assumedRequests);
    this.hostPorts = (pod.spec?.containers ?? []).flatMap(({ ports = [] }) =>
      ports.flatMap(({ hostPort, hostIP, protocol }) =>
        hostPort ? [{ ip: hostIP || '0.0.0.0', protocol: protocol ?? 'TCP', port: hostPort }] : [],
      ),
    );
  }
}

/** A node and what the pods on it take. */
export class NodeInfo {
  node: Node | undefined;
  allocatable: Resources = {};
  readonly requested: Resources = {};
  readonly scored: Resources = {};
  readonly pods = new Map<string, PodInfo>();
  readonly hostPorts: HostPort[] = [];

  setNode(node: Node | undefined): void {
    this.node = node;
    this.allocatable = parseResources(node?.status?.allocatable);
  }

  add(pod: PodInfo): void {
    this.pods.set(pod.uid, pod);
    for (const name in pod.requests) this.requested[name] = (this.requested[name] ?? 0) + pod.requests[name]!;
    for (const name in pod.scoredRequests) this.scored[name] = (this.scored[name] ?? 0) + pod.scoredRequests[name]!;
    this.hostPorts.push(...pod.hostPorts);
  }

  remove(uid: string): void {
    const pod = this.pods.get(uid);
    if (!pod) return;
    this.pods.delete(uid);
    for (const name in pod.requests) this.requested[name]! -= pod.requests[name]!;
    for (const name in pod.scoredRequests) this.scored[name]! -= pod.scoredRequests[name]!;
    for (const { ip, protocol, port } of pod.hostPorts) {
      const at = this.hostPorts.findIndex(
        (other) => other.ip === ip && other.protocol === protocol && other.port === port,
      );
      this.hostPorts.splice(at, 1);
    }
  }
}

/**
 * What the scheduler knows of the cluster: what the informers said, plus the pods
 * it has decided on itself and not yet seen assigned, so that a burst does not
 * fill a node twice.
 */
export class Snapshot {
  private readonly infos = new Map<string, NodeInfo>();
  /** Where each counted pod is. */
  private readonly places = new Map<string, { node: string; assumed: boolean }>();
  /** Nodes that are there, in the order they came; rebuilt when one comes or goes. */
  private present: NodeInfo[] | undefined;

  nodes(): readonly NodeInfo[] {
    return (this.present ??= [...this.infos.values()].filter((info) => info.node));
  }

  get(name: string): NodeInfo | undefined {
    return this.infos.get(name);
  }

  setNode(node: Node): void {
    this.info(node.metadata.name).setNode(node);
    this.present = undefined;
  }

  removeNode(name: string): void {
    const info = this.infos.get(name);
    if (!info) return;
    info.setNode(undefined);
    this.present = undefined;
    // Its pods are still counted until they are deleted; the node may come back.
    if (info.pods.size === 0) this.infos.delete(name);
  }

  /** Counts a pod on a node before the API has said so. */
  assume(pod: PodInfo, node: string): void {
    this.place(pod, node, true);
  }

  /** Counts a pod the API has assigned. */
  confirm(pod: Pod): void {
    const node = pod.spec!.nodeName!;
    const place = this.places.get(pod.metadata.uid);
    // Requests of an assigned pod do not change, so most updates end here.
    if (place?.node === node) place.assumed = false;
    else this.place(new PodInfo(pod), node, false);
  }

  /** Takes back an assumption; what was confirmed meanwhile stays. */
  forget(uid: string): void {
    if (this.places.get(uid)?.assumed) this.remove(uid);
  }

  /** @returns the node it was on */
  remove(uid: string): string | undefined {
    const place = this.places.get(uid);
    if (!place) return undefined;
    this.places.delete(uid);
    const info = this.infos.get(place.node);
    info?.remove(uid);
    if (info && !info.node && info.pods.size === 0) this.infos.delete(place.node);
    return place.node;
  }

  /** Whether the pod is counted on a node. */
  has(uid: string): boolean {
    return this.places.has(uid);
  }

  private place(pod: PodInfo, node: string, assumed: boolean): void {
    this.remove(pod.uid);
    this.info(node).add(pod);
    this.places.set(pod.uid, { node, assumed });
  }

  private info(name: string): NodeInfo {
    let info = this.infos.get(name);
    if (!info) this.infos.set(name, (info = new NodeInfo()));
    return info;
  }
}
