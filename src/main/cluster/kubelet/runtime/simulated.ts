import { PassThrough, type Readable } from 'node:stream';
import type { RunSession } from '../../apiserver/node-connection';
import type { Clock, Timer } from '../../clock';
import { behaviourOf, type Behaviour } from './simulated-behaviour';
import {
  labels,
  RuntimeError,
  type ContainerSpec,
  type ImageInfo,
  type ListedContainer,
  type Runtime,
  type RuntimeContainer,
  type RuntimeEvent,
  type RuntimeInfo,
  type RuntimeLogOptions,
  type RuntimeResources,
  type RuntimeRunOptions,
  type RuntimeStats,
  type RuntimeVolume,
  type SandboxSpec,
} from './types';

export interface SimulatedRuntimeOptions {
  clusterId: string;
  clock: Clock;
  /** 0 ≤ x < 1; moves the figures of the statistics a little. */
  random?: () => number;
  /** Of each node. */
  cpus?: number;
  memoryBytes?: number;
}

/** Nothing runs: containers are entries of a table that behave as their pod's annotation says. */
export function createSimulatedRuntime(options: SimulatedRuntimeOptions): Runtime {
  return new SimulatedRuntime(options);
}

interface Simulated {
  container: RuntimeContainer;
  behaviour: Behaviour;
  /** What the stages so far have made of it. */
  now: Pick<Behaviour, 'healthy' | 'cpu' | 'memory'>;
  lines: { timeMs: number; text: string }[];
  /** Who follows the log, and who waits for the end; as a rule nobody. */
  log: Set<PassThrough> | undefined;
  ended: Set<() => void> | undefined;
  timers: Timer[];
  cpuNanos: number;
  measuredAt: number;
}

const stopSignalExit = 143;
const killExit = 137;

class SimulatedRuntime implements Runtime {
  readonly kind = 'simulated';
  private readonly containers = new Map<string, Simulated>();
  /** By node and by pod, because hundreds of nodes share one runtime. */
  private readonly byNode = new Map<string, Set<string>>();
  private readonly byPod = new Map<string, Set<string>>();
  private readonly images = new Set<string>();
  /** How often each container of a pod was started. */
  private readonly starts = new Map<string, Map<string, number>>();
  private readonly listeners = new Map<string, Set<(event: RuntimeEvent) => void>>();
  private readonly random: () => number;
  private nextId = 1;
  private nextIp = 1;

  constructor(private readonly options: SimulatedRuntimeOptions) {
    this.random = options.random ?? Math.random;
  }

  async info(): Promise<RuntimeInfo> {
    return {
      reachable: true,
      name: 'simulated',
      version: '1.0.0',
      endpoint: 'simulated',
      local: true,
      operatingSystem: 'linux',
      osImage: 'Simulated node',
      kernelVersion: 'simulated',
      appArmor: true,
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      cpus: this.options.cpus ?? 4,
      memoryBytes: this.options.memoryBytes ?? 8 * 2 ** 30,
    };
  }

  async ensureNetwork(): Promise<{ name: string; gateway: string; subnet: string }> {
    return { name: 'simulated', gateway: '10.244.0.1', subnet: '10.244.0.0/16' };
  }

  async createSandbox(spec: SandboxSpec): Promise<string> {
    const number = this.nextIp++;
    const ip = spec.hostNetwork ? undefined : `10.${244 + ((number >> 16) & 7)}.${(number >> 8) & 255}.${number & 255}`;
    const one = this.add(spec.labels, 'simulated/pause', behaviourOf(spec.simulate), ip);
    one.container.state = 'running';
    one.container.startedAt = this.options.clock.now();
    return one.container.id;
  }

  async createContainer(spec: ContainerSpec): Promise<string> {
    const { container } = this.add(spec.labels, spec.image, behaviourOf(spec.simulate, spec.ends));
    container.resources = spec.resources;
    return container.id;
  }

  async updateResources(id: string, resources: RuntimeResources): Promise<void> {
    this.find(id).container.resources = resources;
  }

  async startContainer(id: string): Promise<void> {
    const one = this.find(id);
    const { behaviour, container } = one;
    await this.wait(behaviour.startMs);
    const now = this.options.clock.now();
    Object.assign(container, { state: 'running', startedAt: now });
    one.measuredAt = now;
    const name = container.labels[labels.containerName] ?? '';
    this.write(
      one,
      `simulated container "${name}" of image ${container.image}: nothing runs, this line is all it says`,
    );
    const pod = container.labels[labels.podUid] ?? '';
    const counts = this.starts.get(pod) ?? new Map<string, number>();
    this.starts.set(pod, counts);
    const started = (counts.get(name) ?? 0) + 1;
    counts.set(name, started);
    this.play(one, started <= (behaviour.failures ?? Infinity));
    this.tell(container, 'start');
  }

  async stopContainer(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void> {
    const one = this.containers.get(id);
    if (one?.container.state !== 'running') return;
    if (graceSeconds > 0 && !signal?.aborted && one.behaviour.stopMs <= graceSeconds * 1000) {
      const stopped = await this.wait(one.behaviour.stopMs, signal);
      if (one.container.state === 'running') this.end(one, stopped ? stopSignalExit : killExit);
      return;
    }
    if (graceSeconds > 0) await this.wait(graceSeconds * 1000, signal);
    this.end(one, killExit);
  }

  async removeContainer(id: string): Promise<void> {
    const one = this.containers.get(id);
    if (!one) return;
    if (one.container.state === 'running') this.end(one, killExit);
    this.containers.delete(id);
    const { [labels.node]: node = '', [labels.podUid]: pod = '' } = one.container.labels;
    for (const [index, key] of [
      [this.byNode, node],
      [this.byPod, pod],
    ] as const) {
      index.get(key)?.delete(id);
      if (index.get(key)?.size === 0) index.delete(key);
    }
    if (!this.byPod.has(pod)) this.starts.delete(pod);
    this.tell(one.container, 'destroy');
  }

  async list(wanted: Record<string, string> = {}): Promise<ListedContainer[]> {
    const { [labels.podUid]: pod, [labels.node]: node } = wanted;
    const ids = pod ? this.byPod.get(pod) : node ? this.byNode.get(node) : this.containers.keys();
    const found: ListedContainer[] = [];
    for (const id of ids ?? []) {
      const { container } = this.containers.get(id)!;
      if (Object.entries(wanted).some(([key, value]) => container.labels[key] !== value)) continue;
      found.push({ id, labels: container.labels, state: container.state });
    }
    return found;
  }

  async inspect(id: string): Promise<RuntimeContainer | undefined> {
    const one = this.containers.get(id);
    return one && { ...one.container };
  }

  async run(id: string, options: RuntimeRunOptions): Promise<RunSession> {
    const one = this.find(id);
    const stdout = new PassThrough();
    let finish: (result: { exitCode: number }) => void = () => {};
    const done = new Promise<{ exitCode: number }>((resolve) => (finish = resolve));
    const exitCode = options.command && !one.now.healthy ? 1 : 0;
    if (options.command) {
      stdout.end(`simulated container: "${options.command.join(' ')}" was not run${options.tty ? '\r' : ''}\n`);
      finish({ exitCode });
    } else {
      const end = (): void => {
        stdout.end();
        finish({ exitCode: one.container.exitCode ?? 0 });
      };
      if (one.container.state === 'running') (one.ended ??= new Set()).add(end);
      else end();
    }
    const stdin = options.stdin ? new PassThrough().resume() : null;
    if (!options.stdout) stdout.resume();
    return {
      stdin,
      stdout: options.stdout ? stdout : null,
      stderr: options.stderr && !options.tty ? new PassThrough().end() : null,
      resize() {},
      done,
      close() {
        stdout.end();
        finish({ exitCode: killExit });
      },
    };
  }

  async probe(id: string): Promise<boolean> {
    return this.find(id).now.healthy;
  }

  async logs(id: string, options: RuntimeLogOptions): Promise<Readable> {
    const one = this.find(id);
    const since = options.since ? Number(options.since) * 1000 : 0;
    const lines = one.lines.filter((line) => line.timeMs >= since);
    const stream = new PassThrough();
    for (const line of options.tail === undefined ? lines : lines.slice(Math.max(0, lines.length - options.tail))) {
      stream.write(options.timestamps ? `${new Date(line.timeMs).toISOString()} ${line.text}\n` : `${line.text}\n`);
    }
    if (!options.follow || one.container.state !== 'running') return stream.end();
    (one.log ??= new Set()).add(stream);
    stream.once('close', () => one.log?.delete(stream));
    return stream;
  }

  async createVolume(): Promise<void> {}

  async volume(name: string): Promise<RuntimeVolume> {
    return { name, labels: {}, path: '' };
  }

  async volumes(): Promise<RuntimeVolume[]> {
    return [];
  }

  async removeVolumes(): Promise<void> {}

  async stats(id: string): Promise<RuntimeStats | undefined> {
    const one = this.containers.get(id);
    if (one?.container.state !== 'running') return undefined;
    const now = this.measure(one);
    return {
      timeMs: now,
      cpuTotalNanos: one.cpuNanos,
      memoryBytes: Math.round(this.moved(one.now.memory)),
      networkRxBytes: 0,
      networkTxBytes: 0,
    };
  }

  async image(reference: string): Promise<ImageInfo | undefined> {
    if (!this.images.has(reference)) return undefined;
    return { id: `simulated:${reference}`, reference: `simulated:${reference}`, sizeBytes: 0, user: '' };
  }

  async pullImage(reference: string, options: Parameters<Runtime['pullImage']>[1] = {}): Promise<void> {
    const { pullMs, pullError } = behaviourOf(options.simulate);
    options.onProgress?.({ status: 'Simulated pull' });
    if (!(await this.wait(pullMs, options.signal))) throw new RuntimeError('the call was cancelled', 'aborted');
    if (pullError) throw new RuntimeError(pullError, 'failed');
    this.images.add(reference);
  }

  events(wanted: Record<string, string>, listener: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> {
    const node = wanted[labels.node] ?? '';
    const group = this.listeners.get(node) ?? new Set();
    this.listeners.set(node, group.add(listener));
    return new Promise((resolve) => {
      const end = (): void => {
        group.delete(listener);
        resolve();
      };
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  }

  dispose(): void {
    for (const { timers } of this.containers.values()) for (const timer of timers.splice(0)) timer.cancel();
  }

  private moved(figure: number): number {
    return figure * (0.75 + this.random() / 2);
  }

  /** Counts the processor time since it was last counted. @returns now, in ms */
  private measure(one: Simulated): number {
    const now = this.options.clock.now();
    one.cpuNanos += this.moved(one.now.cpu) * (now - one.measuredAt) * 1e6;
    one.measuredAt = now;
    return now;
  }

  /** Sets off what happens to a container that was started. @param ends whether it ends by itself this time */
  private play(one: Simulated, ends: boolean): void {
    const { clock } = this.options;
    const { behaviour } = one;
    const at = (ms: number, action: () => void) => void one.timers.push(clock.setTimeout(action, ms));
    one.now = behaviour;
    for (const { afterMs, exitCode, oomKilled, ...change } of behaviour.stages) {
      at(afterMs, () => {
        this.measure(one);
        one.now = { ...one.now, ...change };
        if (exitCode !== undefined && ends) this.end(one, exitCode, oomKilled);
      });
    }
    if (behaviour.runMs === undefined || !ends) return;
    const fails = behaviour.failureRate >= 1 || this.random() < behaviour.failureRate;
    at(behaviour.runMs, () => this.end(one, fails ? behaviour.exitCode : 0, fails && behaviour.oomKilled));
  }

  private add(own: Record<string, string>, image: string, behaviour: Behaviour, ip?: string): Simulated {
    const id = (this.nextId++).toString(16).padStart(64, '0');
    const all = { ...own, [labels.cluster]: this.options.clusterId };
    const now = this.options.clock.now();
    const container: RuntimeContainer = {
      id,
      labels: all,
      state: 'created',
      image,
      imageId: `simulated:${image}`,
      tty: false,
      createdAt: now,
      ip,
    };
    const one: Simulated = {
      container,
      behaviour,
      now: behaviour,
      timers: [],
      lines: [],
      log: undefined,
      ended: undefined,
      cpuNanos: 0,
      measuredAt: now,
    };
    this.containers.set(id, one);
    for (const [index, key] of [
      [this.byNode, own[labels.node] ?? ''],
      [this.byPod, own[labels.podUid] ?? ''],
    ] as const) {
      const group = index.get(key);
      if (group) group.add(id);
      else index.set(key, new Set([id]));
    }
    this.tell(container, 'create');
    return one;
  }

  private find(id: string): Simulated {
    const one = this.containers.get(id);
    if (!one) throw new RuntimeError(`No such container: ${id}`, 'not-found');
    return one;
  }

  private end(one: Simulated, exitCode: number, oomKilled = false): void {
    if (one.container.state !== 'running') return;
    for (const timer of one.timers.splice(0)) timer.cancel();
    this.write(one, `simulated container ended with exit code ${exitCode}`);
    Object.assign(one.container, { state: 'exited', exitCode, oomKilled, finishedAt: this.options.clock.now() });
    for (const stream of one.log ?? []) stream.end();
    for (const ended of one.ended ?? []) ended();
    this.tell(one.container, 'die');
  }

  private write(one: Simulated, text: string): void {
    const timeMs = this.options.clock.now();
    one.lines.push({ timeMs, text });
    for (const stream of one.log ?? []) stream.write(`${text}\n`);
  }

  private tell(container: RuntimeContainer, action: RuntimeEvent['action']): void {
    const event = { id: container.id, labels: container.labels, action, timeMs: this.options.clock.now() };
    for (const listener of this.listeners.get(container.labels[labels.node] ?? '') ?? []) listener(event);
  }

  /** @returns whether the time ran out, as against being aborted */
  private wait(ms: number, signal?: AbortSignal): Promise<boolean> {
    if (signal?.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (over: boolean): void => {
        timer.cancel();
        signal?.removeEventListener('abort', abort);
        resolve(over);
      };
      const abort = (): void => settle(false);
      const timer = this.options.clock.setTimeout(() => settle(true), ms);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }
}
