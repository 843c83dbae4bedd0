import { cpus, freemem, totalmem } from 'node:os';
import type { Pod } from '@shared/k8s';
import { parseBytes, parseQuantity } from '@shared/quantity';
import type { MetricsSource, UsageSample } from '../apiserver/node-connection';
import type { Clock, Timer } from '../clock';
import { labels, type ListedContainer, type Runtime } from '../kubelet/runtime/types';
import type { Logger } from '../log';
import { HistoryWriter, restore, type NamedSeries } from './history';
import type { HistoryFile } from './history-file';
import { fiveMinutes, minutes, TieredSeries } from './tiers';
import { sumPoints, usageBetween, type Point, type Totals } from './usage';

/** A node whose containers are sampled. */
export interface MetricsNode {
  name: string;
  runtime: Runtime;
  /** The node is this machine as a whole: its usage is the machine's. */
  wholeHost(): boolean;
  /** What it uses is part of what another node tells for the whole machine. */
  partOfHost?(): boolean;
  /** cpu in cores, memory in bytes. */
  capacity(): { cpu: number; memory: number };
  pod(namespace: string, name: string): Pod | undefined;
}

export type MetricsTarget =
  | { kind: 'cluster' }
  | { kind: 'node'; name: string }
  | { kind: 'pod'; namespace: string; name: string; container?: string };

/** Points in order of time and what to draw them against; cpu in cores, memory in bytes. */
export interface Series {
  points: Point[];
  cpuLimit?: number;
  memoryLimit?: number;
  cpuRequest?: number;
  memoryRequest?: number;
  /** Why there are no points. */
  unavailable?: string;
}

/** A container or pod with its totals, and its usage where there were two readings. */
interface Used {
  namespace: string;
  pod: string;
  totals: Totals;
  sample?: UsageSample;
}

/** What a node and what runs on it have used. */
export interface NodeUsage {
  name: string;
  /** Of the machine, where the node is that; else of its containers together. */
  node?: Totals;
  containers: (Used & { container: string; id: string })[];
  pods: (Used & { uid: string })[];
}

/** How full a claim of a pod is. */
export interface VolumeUsage {
  namespace: string;
  pod: string;
  uid: string;
  /** As the pod names it. */
  volume: string;
  claim: string;
  usedBytes: number;
  capacityBytes: number;
  timeMs: number;
}

export interface Metrics extends MetricsSource {
  /** Samples a node from now on. Returns the removal. */
  addNode(node: MetricsNode): () => void;
  series(target: MetricsTarget, fromMs: number): Series;
  /** What was read last of a node; undefined for one that is not sampled here. */
  usage(node: string): NodeUsage | undefined;
  /** Samples no more; resolves when the history is written. */
  stop(): Promise<void>;
}

export interface MetricsOptions {
  clock: Clock;
  log: Logger;
  /** Totals of this machine; default: from the operating system. */
  host?: () => Omit<Totals, 'timeMs'>;
  intervalMs?: number;
  /** How long the finest resolution of containers is kept; what is not seen for so long is forgotten. */
  keepMs?: number;
  /** Where a day of it is kept; nowhere unless told. */
  history?: HistoryFile;
}

/** A second reading soon after the first, so that charts do not begin empty. */
const firstIntervalMs = 2000;
/** The machine itself is read more often than its containers: it costs next to nothing, and a chart that moves is watched. */
const hostIntervalMs = 2000;
/** For as long the points of the machine are kept as they come. */
const hostKeepMs = 900_000;
const parallel = 4;
/** With more containers than this, those that come later have no history beyond the finest resolution. */
const longSeriesMost = 2000;

/** Samples usage of nodes, pods and containers and keeps a day of it at falling resolution. */
export function createMetrics(options: MetricsOptions): Metrics {
  return new Sampler(options);
}

function hostTotals(): Omit<Totals, 'timeMs'> {
  const busyMs = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  return { cpuTotalNanos: busyMs * 1e6, memoryBytes: totalmem() - freemem() };
}

interface Track {
  totals?: Totals;
  sample?: UsageSample;
  series: TieredSeries;
  seenMs: number;
}

interface ContainerTrack extends Track {
  node: string;
  namespace: string;
  pod: string;
  container: string;
  id: string;
}

class Sampler implements Metrics {
  private readonly nodes = new Map<string, MetricsNode>();
  private readonly nodeTracks = new Map<string, Track>();
  /** By namespace/pod/container: a restarted container goes on in the same series. */
  private readonly containers = new Map<string, ContainerTrack>();
  private readonly pods = new Map<string, Set<string>>();
  private readonly intervalMs: number;
  private readonly keepMs: number;
  private timer: Timer | undefined;
  private hostTimer: Timer | undefined;
  private sampling = false;
  private rounds = 0;
  private stopped = false;
  private readonly writer: HistoryWriter | undefined;

  constructor(private readonly options: MetricsOptions) {
    this.intervalMs = options.intervalMs ?? 10_000;
    this.keepMs = options.keepMs ?? 3_600_000;
    const { history, clock, log } = options;
    if (!history) return;
    restore(history.records, clock.now(), (name) => this.seriesOf(name));
    this.writer = new HistoryWriter(history, () => this.named(), clock, log);
  }

  addNode(node: MetricsNode): () => void {
    this.nodes.set(node.name, node);
    this.nodeTrack(node.name);
    this.rounds = 0;
    this.sampleIn(0);
    this.sampleHosts();
    return () => {
      if (this.nodes.get(node.name) !== node) return;
      // What it used stays on record until it is too old.
      this.nodes.delete(node.name);
    };
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    this.hostTimer?.cancel();
    await this.writer?.stop();
  }

  node(name: string): UsageSample | undefined {
    return this.nodes.has(name) ? this.nodeTracks.get(name)?.sample : undefined;
  }

  pod(namespace: string, name: string): Record<string, UsageSample> | undefined {
    const found: Record<string, UsageSample> = {};
    const fresh = this.options.clock.now() - 3 * this.intervalMs;
    for (const key of this.pods.get(`${namespace}/${name}`) ?? []) {
      const track = this.containers.get(key)!;
      if (track.sample && track.seenMs >= fresh && this.nodes.has(track.node)) found[track.container] = track.sample;
    }
    return Object.keys(found).length > 0 ? found : undefined;
  }

  series(target: MetricsTarget, fromMs: number): Series {
    if (target.kind === 'pod') return this.podSeries(target, fromMs);
    const now = this.options.clock.now();
    const apart = [...this.nodes.values()].filter((node) => !node.partOfHost?.());
    const names = target.kind === 'node' ? [target.name] : apart.map(({ name }) => name);
    const points = sumPoints(names.map((name) => this.nodeTracks.get(name)?.series.since(fromMs, now) ?? []));
    const capacities = names.map((name) => this.nodes.get(name)?.capacity()).filter((one) => one !== undefined);
    if (capacities.length === 0)
      return {
        points,
        unavailable: target.kind === 'node' ? `node "${target.name}" is not sampled here` : 'no node is running',
      };
    return {
      points,
      cpuLimit: capacities.reduce((sum, one) => sum + one.cpu, 0),
      memoryLimit: capacities.reduce((sum, one) => sum + one.memory, 0),
    };
  }

  usage(name: string): NodeUsage | undefined {
    const node = this.nodes.get(name);
    if (!node) return undefined;
    const fresh = this.options.clock.now() - 3 * this.intervalMs;
    const containers = [...this.containers.values()]
      .filter((one) => one.node === name && one.totals && one.seenMs >= fresh)
      .map(({ namespace, pod, container, id, totals, sample }) => {
        return { namespace, pod, container, id, totals: totals!, sample };
      });
    const pods = new Map<string, NodeUsage['pods'][number]>();
    for (const one of containers) {
      const { namespace, pod, totals, sample } = one;
      const key = `${namespace}/${pod}`;
      const sum = pods.get(key);
      const uid = sum?.uid ?? node.pod(namespace, pod)?.metadata.uid ?? '';
      pods.set(key, {
        namespace,
        pod,
        uid,
        totals: sum ? sumTotals(sum.totals, totals) : totals,
        sample: sum?.sample && sample ? sumSamples(sum.sample, sample) : sum ? undefined : sample,
      });
    }
    const whole = node.wholeHost() ? this.nodeTracks.get(name)?.totals : undefined;
    const together = containers
      .map(({ totals }) => totals)
      .reduce<Totals | undefined>((sum, totals) => (sum ? sumTotals(sum, totals) : totals), undefined);
    return { name, node: whole ?? together, containers, pods: [...pods.values()] };
  }

  private podSeries({ namespace, name, container }: Extract<MetricsTarget, { kind: 'pod' }>, fromMs: number): Series {
    const tracks = [...(this.pods.get(`${namespace}/${name}`) ?? [])]
      .map((key) => this.containers.get(key)!)
      .filter((track) => !container || track.container === container);
    const now = this.options.clock.now();
    const points = sumPoints(tracks.map((track) => track.series.since(fromMs, now)));
    const pod = [...this.nodes.values()].map((node) => node.pod(namespace, name)).find((one) => one !== undefined);
    return {
      points,
      ...(pod ? limitsOf(pod, container) : {}),
      ...(points.length === 0 ? { unavailable: 'no container of the pod has been sampled yet' } : {}),
    };
  }

  private nodeTrack(name: string): Track {
    let track = this.nodeTracks.get(name);
    if (!track) {
      const finest = { everyMs: Math.min(hostIntervalMs, this.intervalMs), keepMs: hostKeepMs };
      const hour = { everyMs: this.intervalMs, keepMs: this.keepMs };
      const series = new TieredSeries([finest, hour, minutes, fiveMinutes]);
      this.nodeTracks.set(name, (track = { series, seenMs: this.options.clock.now() }));
    }
    return track;
  }

  private containerTrack(place: Pick<ContainerTrack, 'namespace' | 'pod' | 'container'>): ContainerTrack {
    const podKey = `${place.namespace}/${place.pod}`;
    const key = `${podKey}/${place.container}`;
    let track = this.containers.get(key);
    if (!track) {
      const long = this.containers.size < longSeriesMost ? [minutes, fiveMinutes] : [];
      const series = new TieredSeries([{ everyMs: this.intervalMs, keepMs: this.keepMs }, ...long]);
      track = { ...place, series, seenMs: this.options.clock.now(), node: '', id: '' };
      this.containers.set(key, track);
      const group = this.pods.get(podKey);
      if (group) group.add(key);
      else this.pods.set(podKey, new Set([key]));
    }
    return track;
  }

  /** Every series by the name it has in the history: `node/NAME`, `pod/NAMESPACE/POD/CONTAINER`. */
  private *named(): NamedSeries & Generator<readonly [string, TieredSeries]> {
    for (const [name, { series }] of this.nodeTracks) yield [`node/${name}`, series];
    for (const [key, { series }] of this.containers) yield [`pod/${key}`, series];
  }

  private seriesOf(name: string): TieredSeries | undefined {
    const [kind, first, pod, container] = name.split('/');
    if (kind === 'node' && first) return this.nodeTrack(first).series;
    if (kind !== 'pod' || !first || !pod || !container) return undefined;
    return this.containerTrack({ namespace: first, pod, container }).series;
  }

  /** Nodes that are this machine as a whole. */
  private sampleHosts(): void {
    this.hostTimer?.cancel();
    if (this.stopped || this.nodes.size === 0) return;
    const now = this.options.clock.now();
    for (const node of this.nodes.values()) {
      const track = this.nodeTracks.get(node.name);
      if (track && node.wholeHost()) this.take(track, { ...(this.options.host ?? hostTotals)(), timeMs: now }, now);
    }
    this.hostTimer = this.options.clock.setTimeout(() => this.sampleHosts(), Math.min(hostIntervalMs, this.intervalMs));
  }

  private sampleIn(ms: number): void {
    if (this.stopped) return;
    this.timer?.cancel();
    this.timer = this.options.clock.setTimeout(() => void this.round(), ms);
  }

  private async round(): Promise<void> {
    if (this.sampling || this.stopped) return;
    this.sampling = true;
    const now = this.options.clock.now();
    for (const node of this.nodes.values()) {
      try {
        await this.sampleNode(node, now);
      } catch (error) {
        this.options.log.debug('usage could not be sampled', { node: node.name, error: error as Error });
      }
    }
    for (const [key, track] of this.containers) if (now - track.seenMs > this.keepMs) this.forget(key);
    for (const [name, track] of this.nodeTracks) {
      if (!this.nodes.has(name) && now - track.seenMs > this.keepMs) this.nodeTracks.delete(name);
    }
    this.sampling = false;
    this.rounds++;
    if (this.nodes.size > 0) this.sampleIn(this.rounds === 1 ? firstIntervalMs : this.intervalMs);
  }

  private async sampleNode(node: MetricsNode, now: number): Promise<void> {
    const listed = await node.runtime.list({ [labels.node]: node.name });
    const running = listed.filter((one) => one.state === 'running' && one.labels[labels.kind] !== 'sandbox');
    const sample: UsageSample = { time: now, windowMs: this.intervalMs, cpuNanocores: 0, memoryBytes: 0 };
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < running.length) {
        const own = await this.sampleContainer(node, running[next++]!, now);
        sample.cpuNanocores += own?.cpuNanocores ?? 0;
        sample.memoryBytes += own?.memoryBytes ?? 0;
      }
    };
    await Promise.all(Array.from({ length: parallel }, work));
    const track = this.nodeTracks.get(node.name);
    if (!track || node.wholeHost()) return;
    if (this.rounds === 0) return;
    track.sample = sample;
    track.seenMs = now;
    track.series.add({ t: now, cpu: sample.cpuNanocores / 1e9, memory: sample.memoryBytes });
  }

  /** @returns what it used lately, as far as that is known */
  private async sampleContainer(
    node: MetricsNode,
    { id, labels: of }: ListedContainer,
    now: number,
  ): Promise<UsageSample | undefined> {
    const stats = await node.runtime.stats(id);
    if (!stats) return undefined;
    const track = this.containerTrack({
      namespace: of[labels.podNamespace] ?? '',
      pod: of[labels.podName] ?? '',
      container: of[labels.containerName] ?? '',
    });
    // Another container of the same name counts from zero.
    if (track.id !== id) Object.assign(track, { id, totals: undefined, node: node.name });
    this.take(track, stats, now);
    return track.sample;
  }

  private take(track: Track, totals: Totals, now: number): void {
    const sample = track.totals && usageBetween(track.totals, totals);
    track.totals = { timeMs: totals.timeMs, cpuTotalNanos: totals.cpuTotalNanos, memoryBytes: totals.memoryBytes };
    track.seenMs = now;
    if (!sample) return;
    track.sample = sample;
    track.series.add({ t: now, cpu: sample.cpuNanocores / 1e9, memory: sample.memoryBytes });
  }

  private forget(key: string): void {
    const track = this.containers.get(key);
    if (!track) return;
    this.containers.delete(key);
    const podKey = `${track.namespace}/${track.pod}`;
    const group = this.pods.get(podKey);
    group?.delete(key);
    if (group?.size === 0) this.pods.delete(podKey);
  }
}

const sumTotals = (a: Totals, b: Totals): Totals => ({
  timeMs: Math.min(a.timeMs, b.timeMs),
  cpuTotalNanos: a.cpuTotalNanos + b.cpuTotalNanos,
  memoryBytes: a.memoryBytes + b.memoryBytes,
});

const sumSamples = (a: UsageSample, b: UsageSample): UsageSample => ({
  ...a,
  cpuNanocores: a.cpuNanocores + b.cpuNanocores,
  memoryBytes: a.memoryBytes + b.memoryBytes,
});

/** What a pod or one of its containers may use; a limit only where every container has one. */
function limitsOf(pod: Pod, container: string | undefined): Partial<Series> {
  const containers = pod.spec!.containers.filter((one) => !container || one.name === container);
  const sum = (kind: 'limits' | 'requests', name: 'cpu' | 'memory'): number | undefined => {
    const values = containers.map((one) => one.resources?.[kind]?.[name]);
    if (values.length === 0 || (kind === 'limits' && values.includes(undefined))) return undefined;
    const total = values.reduce<number>(
      (all, value) => all + (name === 'cpu' ? parseQuantity(value) : parseBytes(value)),
      0,
    );
    return total || undefined;
  };
  const found: Partial<Series> = {
    cpuLimit: sum('limits', 'cpu'),
    memoryLimit: sum('limits', 'memory'),
    cpuRequest: sum('requests', 'cpu'),
    memoryRequest: sum('requests', 'memory'),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
