import type { LabelSelector } from '@shared/k8s';
import type { PodInfo } from './pod-info';

/** What a counter counts. */
export interface Counted {
  matches(pod: PodInfo): boolean;
  /** A namespace and label every counted pod has (see `anchorOf`): others are not even asked. */
  anchor?: string;
}

interface Counter extends Counted {
  nodes: Map<string, number>;
}

/** So many different selections are kept up to date; the longest unused goes first. */
const most = 1000;

/**
 * How many pods of a selection run on each node. A selection is counted once over
 * all pods and from then on kept up to date, so that spreading a thousand pods of
 * one Deployment does not count them a thousand times.
 */
export class PodCounters {
  private readonly counters = new Map<string, Counter>();
  private readonly anchored = new Map<string, Set<Counter>>();
  private readonly others = new Set<Counter>();

  /** @param pods all pods that have a node, with its name */
  constructor(private readonly pods: () => Iterable<readonly [PodInfo, string]>) {}

  /** Pods by node name; nodes without any are missing. */
  get(id: string, describe: () => Counted): ReadonlyMap<string, number> {
    let counter = this.counters.get(id);
    if (counter) this.counters.delete(id);
    else counter = this.count(describe());
    this.counters.set(id, counter);
    if (this.counters.size > most) {
      const [oldest, dropped] = this.counters.entries().next().value!;
      this.counters.delete(oldest);
      this.bucket(dropped.anchor).delete(dropped);
      if (dropped.anchor && this.bucket(dropped.anchor).size === 0) this.anchored.delete(dropped.anchor);
    }
    return counter.nodes;
  }

  /** @param change 1 for a pod that came to the node, -1 for one that left it */
  changed(pod: PodInfo, node: string, change: 1 | -1): void {
    for (const counter of this.others) apply(counter, pod, node, change);
    if (this.anchored.size === 0) return;
    for (const key in pod.labels) {
      const counters = this.anchored.get(anchor(pod.namespace, key, pod.labels[key]!));
      if (counters) for (const counter of counters) apply(counter, pod, node, change);
    }
  }

  /** Forgets all counts: what the selections depend on has changed. */
  reset(): void {
    this.counters.clear();
    this.anchored.clear();
    this.others.clear();
  }

  private count(counted: Counted): Counter {
    const counter: Counter = { ...counted, nodes: new Map() };
    for (const [pod, node] of this.pods()) apply(counter, pod, node, 1);
    this.bucket(counter.anchor).add(counter);
    return counter;
  }

  private bucket(key: string | undefined): Set<Counter> {
    if (key === undefined) return this.others;
    let found = this.anchored.get(key);
    if (!found) this.anchored.set(key, (found = new Set()));
    return found;
  }
}

function apply(counter: Counter, pod: PodInfo, node: string, change: number): void {
  if (!counter.matches(pod)) return;
  const count = (counter.nodes.get(node) ?? 0) + change;
  if (count > 0) counter.nodes.set(node, count);
  else counter.nodes.delete(node);
}

const anchor = (namespace: string, key: string, value: string) => `${namespace}\0${key}=${value}`;

/** One label that everything a selector matches has; undefined when there is none. */
export function anchorOf(namespace: string, selector: LabelSelector | undefined): string | undefined {
  for (const key in selector?.matchLabels) return anchor(namespace, key, selector.matchLabels[key]!);
  return undefined;
}
