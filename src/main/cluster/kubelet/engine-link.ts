import type { Clock, Timer } from '../clock';
import type { Logger } from '../log';
import { isUnreachable } from './runtime/docker-errors';
import { labels, RuntimeError, type Runtime, type RuntimeInfo } from './runtime/types';

const relistMs = 10_000;
/** An engine that takes longer to list containers, or to say which network it has, is taken for dead. */
const longestAnswerMs = 15_000;
const firstReconnectMs = 1000;
const longestReconnectMs = 30_000;

export interface EngineLinkOptions {
  runtime: Runtime;
  clock: Clock;
  log: Logger;
  nodeName: string;
  /** What the engine said of itself, and its address in the cluster's network where it has one. */
  described(info: RuntimeInfo, address: string | undefined): Promise<void>;
  /** Looks at all containers of the node. */
  sweep(): Promise<void>;
  /** A container of the pod ended, or is gone. */
  ended(podUid: string): void;
  /** The engine answers again. */
  back(): void;
}

/** Whether the engine answers, and what happens on it: by its events, and by listing from time to time. */
export class EngineLink {
  connected = false;
  private stopped = false;
  private reconnectMs = firstReconnectMs;
  private relistTimer: Timer | undefined;
  private reconnectTimer: Timer | undefined;
  private eventStream: AbortController | undefined;

  constructor(private readonly options: EngineLinkOptions) {}

  stop(): void {
    this.stopped = true;
    this.relistTimer?.cancel();
    this.reconnectTimer?.cancel();
    this.eventStream?.abort();
  }

  /** Asks the engine what it is; failing that, tries again later. */
  async connect(): Promise<void> {
    const { runtime, described } = this.options;
    const info = await runtime.info();
    let address: string | undefined;
    let reached = info;
    if (info.reachable) {
      try {
        address = (await this.inTime(runtime.ensureNetwork(), 'provide a network')).gateway;
      } catch (error) {
        reached = { ...info, reachable: false, reason: (error as Error).message };
      }
    }
    await described(reached, address);
    if (!reached.reachable) return this.reconnectLater();
    this.connected = true;
    this.reconnectMs = firstReconnectMs;
    void this.followEvents();
  }

  /** Looks at all containers now, and from now on every few seconds. */
  async watch(): Promise<void> {
    if (this.connected) await this.options.sweep().catch((error: Error) => this.lost(error));
    this.relistLater();
  }

  /** The engine did not answer. */
  async lost(error: Error): Promise<void> {
    if (!this.connected || this.stopped) return;
    const { log, nodeName, back } = this.options;
    this.connected = false;
    this.eventStream?.abort();
    log.warn('the container engine does not answer', { node: nodeName, error });
    await this.connect();
    if (this.connected) back();
  }

  private reconnectLater(): void {
    if (this.stopped || this.reconnectTimer) return;
    this.reconnectTimer = this.options.clock.setTimeout(() => {
      this.reconnectTimer = undefined;
      void this.reconnect();
    }, this.reconnectMs);
    this.reconnectMs = Math.min(this.reconnectMs * 2, longestReconnectMs);
  }

  private async reconnect(): Promise<void> {
    const { log, nodeName, sweep, back } = this.options;
    await this.connect();
    if (!this.connected || this.stopped) return;
    log.info('the container engine answers again', { node: nodeName });
    await sweep().catch((error: Error) => this.lost(error));
    back();
  }

  private async followEvents(): Promise<void> {
    const { runtime, nodeName, ended } = this.options;
    const stream = new AbortController();
    this.eventStream?.abort();
    this.eventStream = stream;
    try {
      await runtime.events(
        { [labels.node]: nodeName },
        (event) => {
          if (event.action === 'die' || event.action === 'destroy') ended(event.labels[labels.podUid] ?? '');
        },
        stream.signal,
      );
    } catch (error) {
      if (!stream.signal.aborted) await this.lost(error as Error);
    }
  }

  private relistLater(): void {
    if (this.stopped) return;
    this.relistTimer = this.options.clock.setTimeout(() => {
      const done = this.connected ? this.inTime(this.options.sweep(), 'list its containers') : Promise.resolve();
      done
        .catch((error: Error) => {
          if (isUnreachable(error)) return this.lost(error);
          this.options.log.warn('containers could not be listed', { error });
          return undefined;
        })
        .finally(() => this.relistLater());
    }, relistMs);
  }

  /** @throws RuntimeError unreachable when the engine says nothing at all */
  private async inTime<T>(work: Promise<T>, what: string): Promise<T> {
    const seconds = longestAnswerMs / 1000;
    let timer: Timer | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      const error = new RuntimeError(`the container engine did not ${what} in ${seconds} s`, 'unreachable');
      timer = this.options.clock.setTimeout(() => reject(error), longestAnswerMs);
    });
    try {
      return await Promise.race([work, tooLong]);
    } finally {
      timer?.cancel();
    }
  }
}
