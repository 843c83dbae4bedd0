import type { Namespace, Node, Pod } from '@shared/k8s';
import type { NamespaceLabels } from './affinity-terms';
import { ImageIndex } from './image-index';
import { NodeInfo } from './node-info';
import { Nominations } from './nominations';
import { PodCounters } from './pod-counters';
import { PodInfo } from './pod-info';
import { TermIndex } from './term-index';

interface Place {
  info: PodInfo;
  node: string;
  /** Decided here and not yet seen assigned. */
  assumed: boolean;
}

/**
 * What the scheduler knows of the cluster: what the informers said, plus the pods
 * it has decided on itself and not yet seen assigned, so that a burst does not
 * fill a node twice.
 */
export class Snapshot {
  readonly counters = new PodCounters(() => this.counted());
  readonly terms = new TermIndex();
  readonly images = new ImageIndex();
  readonly nominations = new Nominations();
  private readonly infos = new Map<string, NodeInfo>();
  private readonly places = new Map<string, Place>();
  private readonly namespaces = new Map<string, Namespace>();
  /** Assigned pods by priority. */
  private readonly priorities = new Map<number, number>();
  /** How many assigned pods use a claim. */
  private readonly claims = new Map<string, number>();
  /** Nodes that are there, in the order they came; rebuilt when one comes or goes. */
  private present: NodeInfo[] | undefined;

  nodes(): readonly NodeInfo[] {
    return (this.present ??= [...this.infos.values()].filter((info) => info.node));
  }

  get(name: string): NodeInfo | undefined {
    return this.infos.get(name);
  }

  setNode(node: Node): void {
    const info = this.info(node.metadata.name);
    if (!info.node) this.present = undefined;
    info.setNode(node);
    this.images.set(node.metadata.name, node);
  }

  removeNode(name: string): void {
    const info = this.infos.get(name);
    if (!info) return;
    info.setNode(undefined);
    this.images.set(name, undefined);
    this.present = undefined;
    // Its pods are still counted until they are deleted; the node may come back.
    if (info.pods.size === 0) this.infos.delete(name);
  }

  /** @param namespace undefined when it is gone */
  setNamespace(name: string, namespace: Namespace | undefined): void {
    const before = this.namespaces.get(name)?.metadata.labels;
    if (namespace) this.namespaces.set(name, namespace);
    else this.namespaces.delete(name);
    // Selectors over namespaces may match others now.
    if (JSON.stringify(before) !== JSON.stringify(namespace?.metadata.labels)) this.counters.reset();
  }

  readonly namespaceLabels: NamespaceLabels = (name) => this.namespaces.get(name)?.metadata.labels;

  /** Counts a pod on a node before the API has said so. */
  assume(pod: PodInfo, node: string): void {
    this.place(pod, node, true);
  }

  /** Counts a pod the API has assigned. @returns whether that, or something that decides about others, is news */
  confirm(pod: Pod): boolean {
    const node = pod.spec!.nodeName!;
    const place = this.places.get(pod.metadata.uid);
    // Most updates of an assigned pod change nothing that is counted.
    if (place?.node === node && sameForOthers(place.info.pod, pod)) {
      const news = place.assumed;
      place.assumed = false;
      place.info.pod = pod;
      return news;
    }
    this.place(new PodInfo(pod), node, false);
    return true;
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
    this.count(place.info, place.node, -1);
    if (info && !info.node && info.pods.size === 0) this.infos.delete(place.node);
    return place.node;
  }

  /** Whether the pod is counted on a node. */
  has(uid: string): boolean {
    return this.places.has(uid);
  }

  /** What is counted for a pod that has a node. */
  assigned(uid: string): PodInfo | undefined {
    return this.places.get(uid)?.info;
  }

  /** How many assigned pods use a claim (`namespace/name`). */
  claimUsers(claim: string): number {
    return this.claims.get(claim) ?? 0;
  }

  /** Whether an assigned pod matters less than that. */
  hasBelow(priority: number): boolean {
    for (const known of this.priorities.keys()) if (known < priority) return true;
    return false;
  }

  private place(pod: PodInfo, node: string, assumed: boolean): void {
    this.remove(pod.uid);
    this.info(node).add(pod);
    this.places.set(pod.uid, { info: pod, node, assumed });
    this.count(pod, node, 1);
  }

  private count(pod: PodInfo, node: string, change: 1 | -1): void {
    this.counters.changed(pod, node, change);
    this.terms.changed(pod, node, change);
    bump(this.priorities, pod.priority, change);
    for (const claim of pod.claims) bump(this.claims, claim, change);
  }

  private *counted(): Iterable<readonly [PodInfo, string]> {
    for (const { info, node } of this.places.values()) yield [info, node];
  }

  private info(name: string): NodeInfo {
    let info = this.infos.get(name);
    if (!info) this.infos.set(name, (info = new NodeInfo(name)));
    return info;
  }
}

function bump<K>(counts: Map<K, number>, key: K, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

/** Whether two revisions of an assigned pod count the same: labels, requests and whether it is going. */
function sameForOthers(a: Pod, b: Pod): boolean {
  return (
    a.metadata.generation === b.metadata.generation &&
    a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
    sameLabels(a.metadata.labels, b.metadata.labels)
  );
}

function sameLabels(a: Record<string, string> = {}, b: Record<string, string> = {}): boolean {
  if (a === b) return true;
  for (const key in a) if (a[key] !== b[key]) return false;
  for (const key in b) if (!(key in a)) return false;
  return true;
}
