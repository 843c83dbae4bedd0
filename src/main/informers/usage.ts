import type { MetricSeries, Point } from '@shared/bridge/contract';
import type { KubeList, KubeObject } from '@shared/k8s';
import { parseQuantity } from '@shared/quantity';
import { ApiError } from '../cluster/api/errors';
import type { KubeTransport } from '../cluster/client/transport';
import type { Clock, Timer } from '../cluster/clock';

/** How often the metrics API is asked while someone looks, in ms, and how often where it does not exist. */
const INTERVAL = 10_000;
const ABSENT_INTERVAL = 60_000;
/** How long sampling goes on after the last look at a chart, in ms. */
const LINGER = 60_000;
/** Samples kept per object: an hour. */
const MAX_POINTS = 360;

export type Sampled = 'pods' | 'nodes';
export interface Usage {
  /** Cores. */
  cpu: number;
  /** Bytes. */
  memory: number;
}

/** What pods and nodes use, sampled from metrics.k8s.io while someone looks. */
export interface UsageSource {
  /** The newest sample. @param key `NAMESPACE/NAME` of a pod, NAME of a node */
  current(cluster: string, what: Sampled, key: string): Usage | undefined;
  /** Samples until the returned function is called; tells which keys changed. */
  watch(cluster: string, what: Sampled, listener: (changed: Set<string>) => void): () => void;
  /**
   * Samples of the last `seconds`; asking keeps the sampling going for a while.
   * @param key as above, for one container `NAMESPACE/NAME/CONTAINER`
   */
  series(cluster: string, what: Sampled, key: string, seconds: number): MetricSeries;
  /** The sum over all nodes. */
  total(cluster: string, seconds: number): MetricSeries;
  forget(cluster: string): void;
  close(): void;
}

const paths: Record<Sampled, string> = {
  pods: '/apis/metrics.k8s.io/v1beta1/pods',
  nodes: '/apis/metrics.k8s.io/v1beta1/nodes',
};

const TOTAL = '';

const add = (a: Usage, b: Usage): Usage => ({ cpu: a.cpu + b.cpu, memory: a.memory + b.memory });
const used = (usage: { cpu?: string; memory?: string } = {}): Usage => ({
  cpu: parseQuantity(usage.cpu ?? 0),
  memory: parseQuantity(usage.memory ?? 0),
});

/** Usage by key; for pods also that of each container. */
function readUsage(what: Sampled, list: KubeList): Map<string, Usage> {
  const found = new Map<string, Usage>();
  if (what === 'nodes') {
    for (const item of list.items) found.set(item.metadata?.name ?? '', used(item.usage));
    found.set(TOTAL, [...found.values()].reduce(add, { cpu: 0, memory: 0 }));
    return found;
  }
  for (const item of list.items) {
    const key = `${item.metadata?.namespace}/${item.metadata?.name}`;
    let sum: Usage = { cpu: 0, memory: 0 };
    for (const container of (item as KubeObject).containers ?? []) {
      const usage = used(container.usage);
      found.set(`${key}/${container.name}`, usage);
      sum = add(sum, usage);
    }
    found.set(key, sum);
  }
  return found;
}

class Sampler {
  readonly newest = new Map<string, Usage>();
  private readonly rings = new Map<string, Point[]>();
  private readonly listeners = new Set<(changed: Set<string>) => void>();
  private timer: Timer | undefined;
  private running = false;
  private closed = false;
  private wantedUntil = 0;
  problem: string | undefined;

  constructor(
    private readonly what: Sampled,
    private readonly transport: () => KubeTransport,
    private readonly clock: Clock,
    private readonly explain: (error: unknown) => string,
  ) {}

  watch(listener: (changed: Set<string>) => void): () => void {
    this.listeners.add(listener);
    this.run();
    return () => void this.listeners.delete(listener);
  }

  series(key: string, seconds: number): MetricSeries {
    this.wantedUntil = this.clock.now() + LINGER;
    this.run();
    const from = this.clock.now() - seconds * 1000;
    const points = (this.rings.get(key) ?? []).filter((point) => point.t >= from);
    return { points, ...(this.problem && points.length === 0 ? { unavailable: this.problem } : {}) };
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
  }

  private run(): void {
    if (!this.running && !this.closed) void this.sample();
  }

  private async sample(): Promise<void> {
    this.running = true;
    let wait = INTERVAL;
    try {
      const { body } = await this.transport().request<KubeList>({ method: 'GET', path: paths[this.what] });
      this.problem = undefined;
      this.take(readUsage(this.what, body));
    } catch (error) {
      const absent = error instanceof ApiError && [403, 404].includes(error.code);
      if (absent) wait = ABSENT_INTERVAL;
      this.problem =
        error instanceof ApiError && error.code === 404
          ? 'This cluster has no metrics API. Install metrics-server to see usage.'
          : this.explain(error);
    }
    const wanted = this.listeners.size > 0 || this.clock.now() < this.wantedUntil;
    if (this.closed || !wanted) {
      this.running = false;
      return;
    }
    this.timer = this.clock.setTimeout(() => void this.sample(), wait);
  }

  private take(found: Map<string, Usage>): void {
    const t = this.clock.now();
    const changed = new Set<string>();
    for (const [key, usage] of found) {
      const old = this.newest.get(key);
      if (old?.cpu !== usage.cpu || old.memory !== usage.memory) changed.add(key);
      this.newest.set(key, usage);
      const ring = this.rings.get(key) ?? [];
      ring.push({ t, ...usage });
      if (ring.length > MAX_POINTS) ring.shift();
      this.rings.set(key, ring);
    }
    for (const key of this.newest.keys()) {
      if (found.has(key)) continue;
      this.newest.delete(key);
      changed.add(key);
    }
    // The chart of an object that has gone may still be looked at for a while.
    for (const [key, ring] of this.rings) if (ring.at(-1)!.t < t - LINGER) this.rings.delete(key);
    if (changed.size) for (const listener of this.listeners) listener(changed);
  }
}

/** Samples each cluster's metrics API while tables or charts of it are open. */
export function createUsageSource(options: {
  clock: Clock;
  transportFor: (cluster: string) => KubeTransport;
  explain: (error: unknown) => string;
}): UsageSource {
  const { clock, transportFor, explain } = options;
  const samplers = new Map<string, Map<Sampled, Sampler>>();
  const sampler = (cluster: string, what: Sampled): Sampler => {
    const ofCluster = samplers.get(cluster) ?? new Map<Sampled, Sampler>();
    samplers.set(cluster, ofCluster);
    const found = ofCluster.get(what) ?? new Sampler(what, () => transportFor(cluster), clock, explain);
    ofCluster.set(what, found);
    return found;
  };
  return {
    current: (cluster, what, key) => samplers.get(cluster)?.get(what)?.newest.get(key),
    watch: (cluster, what, listener) => sampler(cluster, what).watch(listener),
    series: (cluster, what, key, seconds) => sampler(cluster, what).series(key, seconds),
    total: (cluster, seconds) => sampler(cluster, 'nodes').series(TOTAL, seconds),
    forget(cluster) {
      for (const each of samplers.get(cluster)?.values() ?? []) each.close();
      samplers.delete(cluster);
    },
    close() {
      for (const cluster of samplers.keys()) this.forget(cluster);
    },
  };
}
