import type { Node, Pod } from '@shared/k8s';
import { podRequests } from '@shared/pod-resources';
import { formatBytes, parseBytes } from '@shared/quantity';
import type { EventRecorder } from '../../client/events';
import type { Clock, Timer } from '../../clock';
import type { Logger } from '../../log';
import { isCritical, type NodePressure } from '../admission';
import type { PodFailure } from '../pod-status';
import { latest, observePod, specContainers, type PodView } from '../pod-view';
import type { Runtime } from '../runtime/types';
import { hasStorageLimits, passedLimit, podDiskUsage } from './local-storage';
import { rank, type Consumer } from './ranking';
import { thresholdOf, type Reading, type Readings, type Signal, type Thresholds } from './signals';

const periodMs = 10_000;
const storagePeriodMs = 30_000;
/** How long a node says it is under pressure after it was, so that it does not swing to and fro. */
const transitionMs = 300_000;

type Pressure = keyof NodePressure;

/** What is short for a signal: the condition it leads to and the resource as messages name it. */
const meaning: Record<Signal, { pressure: Pressure; resource: string }> = {
  'memory.available': { pressure: 'memory', resource: 'memory' },
  'nodefs.available': { pressure: 'disk', resource: 'ephemeral-storage' },
  'nodefs.inodesFree': { pressure: 'disk', resource: 'inodes' },
  'imagefs.available': { pressure: 'disk', resource: 'ephemeral-storage' },
  'pid.available': { pressure: 'pid', resource: 'pids' },
};

export interface EvictionOptions {
  runtime: Runtime;
  clock: Clock;
  log: Logger;
  recorder: EventRecorder;
  node(): Node;
  volumesDirectory: string;
  machine(): Promise<Readings>;
  thresholds: Thresholds;
  /** The pods that are not over yet. */
  pods(): Pod[];
  /** False while another node of the same machine has just ended a pod. Asked when one would be ended. */
  mayEvict?(): boolean;
  evict(uid: string, failure: PodFailure): void;
  /** Frees disk space that belongs to nobody (unused images). */
  reclaim(): Promise<void>;
  /** The node came under pressure, or is no longer. */
  changed(): void;
}

interface Met {
  signal: Signal;
  reading: Reading;
  threshold: string;
}

/** Ends pods before the machine runs out of memory, disk or processes, and those that pass their own disk limits. */
export class EvictionManager {
  private readonly lastMet = new Map<Pressure, number>();
  private readonly seen = new Set<Signal>();
  private timer: Timer | undefined;
  private stopped = false;
  private storageAt = 0;
  private current: NodePressure = { memory: false, disk: false, pid: false };

  constructor(private readonly options: EvictionOptions) {}

  /** Looks for the first time, without ending anything, and from then on. */
  async start(): Promise<void> {
    this.note(await this.met().catch(() => []));
    this.options.changed();
    this.later();
  }

  private later(): void {
    if (this.stopped) return;
    this.timer = this.options.clock.setTimeout(() => {
      this.look()
        .catch((error: Error) => this.options.log.warn('pressure on the node could not be looked at', { error }))
        .finally(() => this.later());
    }, periodMs);
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  pressure(): NodePressure {
    return this.current;
  }

  /** Whether a kind of pressure would be noticed at all. */
  watches(pressure: Pressure): boolean {
    return [...this.seen].some((signal) => meaning[signal].pressure === pressure);
  }

  private async look(): Promise<void> {
    await this.checkStorage();
    let met = await this.met();
    this.note(met);
    if (met.length === 0 || this.stopped) return;
    if (met.some(({ signal }) => meaning[signal].pressure === 'disk')) {
      await this.options.reclaim();
      met = await this.met();
    }
    // One at a time: what it leaves behind may be enough.
    if (met[0] && (this.options.mayEvict?.() ?? true)) await this.evictFor(met[0]);
  }

  /** The thresholds that are met, memory first. */
  private async met(): Promise<Met[]> {
    const readings = await this.options.machine();
    const found: Met[] = [];
    this.seen.clear();
    for (const signal of Object.keys(meaning) as Signal[]) {
      const reading = readings[signal];
      const threshold = this.options.thresholds[signal];
      if (!reading) continue;
      this.seen.add(signal);
      if (threshold === undefined) continue;
      if (reading.available < thresholdOf(threshold, reading.capacity)) found.push({ signal, reading, threshold });
    }
    return found;
  }

  private note(met: Met[]): void {
    const now = this.options.clock.now();
    for (const { signal } of met) this.lastMet.set(meaning[signal].pressure, now);
    const under = (pressure: Pressure): boolean => now - (this.lastMet.get(pressure) ?? -Infinity) < transitionMs;
    const before = this.current;
    this.current = { memory: under('memory'), disk: under('disk'), pid: under('pid') };
    if ((Object.keys(before) as Pressure[]).some((name) => before[name] !== this.current[name])) this.options.changed();
  }

  private async evictFor({ signal, reading, threshold }: Met): Promise<void> {
    const { resource, pressure } = meaning[signal];
    const { recorder, log, node } = this.options;
    recorder.event(node(), 'Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`);
    const candidates = this.options.pods().filter((pod) => !isCritical(pod));
    const consumers = await Promise.all(candidates.map((pod) => this.consumer(pod, pressure)));
    const [first] = rank(consumers);
    if (!first) return log.warn('the node is under pressure and no pod may be evicted', { resource });
    const { pod, containers = [] } = first;
    const amount = (value: number): string => (pressure === 'pid' ? String(value) : formatBytes(Math.round(value)));
    const using = containers
      .filter((one) => one.usage > one.request)
      .map(
        ({ name, usage, request }) =>
          `Container ${name} was using ${amount(usage)}, request is ${amount(request)}, has larger consumption of ${resource}. `,
      );
    const message = `The node was low on resource: ${resource}. Threshold quantity: ${threshold}, available: ${amount(reading.available)}. ${using.join('')}`;
    this.evict(pod, message);
  }

  private async consumer(pod: Pod, pressure: Pressure): Promise<Consumer> {
    const { runtime, volumesDirectory } = this.options;
    if (pressure === 'pid') return { pod, usage: 0, request: 0 };
    const view = await observePod(runtime, pod.metadata.uid);
    if (pressure === 'disk') {
      const request = podRequests(pod.spec)['ephemeral-storage'] ?? 0;
      return { pod, usage: await podDiskUsage(runtime, volumesDirectory, pod, view), request };
    }
    const containers = await Promise.all(
      specContainers(pod).map(async ({ name, resources }) => {
        const one = latest(view, name);
        const stats = one?.state === 'running' ? await runtime.stats(one.id) : undefined;
        return { name, usage: stats?.memoryBytes ?? 0, request: parseBytes(resources?.requests?.memory) };
      }),
    );
    const usage = containers.reduce((sum, one) => sum + one.usage, 0);
    return { pod, usage, request: podRequests(pod.spec).memory ?? 0, containers };
  }

  private evict(pod: Pod, message: string): void {
    const { recorder, log, evict } = this.options;
    log.info('evicting a pod', { pod: `${pod.metadata.namespace}/${pod.metadata.name}`, message });
    recorder.event(pod, 'Warning', 'Evicted', message);
    const disruption = { reason: 'TerminationByKubelet', message };
    evict(pod.metadata.uid, { reason: 'Evicted', message, graceSeconds: 0, disruption });
  }

  private async checkStorage(): Promise<void> {
    const { clock, runtime, volumesDirectory, pods } = this.options;
    if (clock.now() - this.storageAt < storagePeriodMs) return;
    this.storageAt = clock.now();
    for (const pod of pods().filter(hasStorageLimits)) {
      const view: PodView = await observePod(runtime, pod.metadata.uid);
      const message = await passedLimit(runtime, volumesDirectory, pod, view);
      if (message) this.evict(pod, message);
    }
  }
}

/** Checks thresholds as a user may give them. @throws Error that names the first that is wrong */
export function checkThresholds(thresholds: Thresholds): Thresholds {
  for (const [signal, threshold] of Object.entries(thresholds)) {
    if (!(signal in meaning)) throw new Error(`unknown eviction signal "${signal}"`);
    if (!/^\d+(\.\d+)?%$/.test(threshold)) parseBytes(threshold);
  }
  return thresholds;
}
