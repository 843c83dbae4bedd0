import type { Clock, Timer } from '../clock';
import { Histogram } from '../histogram';

export interface WorkQueueMetrics {
  /** Keys waiting to be processed. */
  depth: number;
  processing: number;
  /** Keys that wait for their time. */
  delayed: number;
  /** Keys accepted since the start, without those that were already waiting. */
  adds: number;
  retries: number;
  /** How long keys waited until they were taken, and how long they then took, in seconds. */
  waited: Histogram;
  worked: Histogram;
  /** For how long the keys that are being processed have been, in seconds altogether. */
  unfinishedSeconds: number;
}

const baseDelayMs = 5;
const maxDelayMs = 30_000;
const seconds = [0.001, 0.01, 0.1, 1, 10, 100];

/**
 * Identities to reconcile. A key waits at most once; a key added while it is
 * being processed is processed again afterwards, never twice at a time.
 */
export class WorkQueue {
  /** With when they were added. A map keeps insertion order and is the dedupe at once. */
  private readonly ready = new Map<string, number>();
  /** With when they were taken. */
  private readonly active = new Map<string, number>();
  private readonly again = new Set<string>();
  private readonly timers = new Map<string, { at: number; timer: Timer }>();
  private readonly failures = new Map<string, number>();
  private readonly takers: ((key: string | undefined) => void)[] = [];
  private adds = 0;
  private retries = 0;
  private closed = false;
  private readonly waited = new Histogram(seconds);
  private readonly worked = new Histogram(seconds);

  constructor(private readonly clock: Clock) {}

  add(key: string): void {
    if (this.closed || this.ready.has(key) || this.again.has(key)) return;
    this.adds++;
    if (this.active.has(key)) {
      this.again.add(key);
      return;
    }
    const taker = this.takers.shift();
    if (taker) {
      this.active.set(key, this.clock.now());
      this.waited.observe(0);
      taker(key);
    } else this.ready.set(key, this.clock.now());
  }

  /** Adds later; of several delays for one key the earliest counts. */
  addAfter(key: string, ms: number): void {
    if (this.closed) return;
    if (ms <= 0) return this.add(key);
    const at = this.clock.now() + ms;
    const waiting = this.timers.get(key);
    if (waiting && waiting.at <= at) return;
    waiting?.timer.cancel();
    const timer = this.clock.setTimeout(() => {
      this.timers.delete(key);
      this.add(key);
    }, ms);
    this.timers.set(key, { at, timer });
  }

  /** Adds after the key's own back-off: 5 ms, doubled with every failure until `forget`, at most 30 s. */
  addRateLimited(key: string): void {
    const failures = this.failures.get(key) ?? 0;
    this.failures.set(key, failures + 1);
    this.retries++;
    this.addAfter(key, Math.min(baseDelayMs * 2 ** Math.min(failures, 30), maxDelayMs));
  }

  /** The key succeeded: its next failure starts with the shortest delay. */
  forget(key: string): void {
    this.failures.delete(key);
  }

  /** The next key, or undefined once the queue is closed. Every key taken must be given to `done`. */
  take(): Promise<string | undefined> {
    if (this.closed) return Promise.resolve(undefined);
    for (const [key, added] of this.ready) {
      const now = this.clock.now();
      this.ready.delete(key);
      this.active.set(key, now);
      this.waited.observe((now - added) / 1000);
      return Promise.resolve(key);
    }
    return new Promise((resolve) => this.takers.push(resolve));
  }

  done(key: string): void {
    const taken = this.active.get(key);
    if (taken !== undefined) this.worked.observe((this.clock.now() - taken) / 1000);
    this.active.delete(key);
    if (this.again.delete(key)) {
      this.adds--;
      this.add(key);
    }
  }

  metrics(): WorkQueueMetrics {
    return {
      depth: this.ready.size + this.again.size,
      processing: this.active.size,
      delayed: this.timers.size,
      adds: this.adds,
      retries: this.retries,
      waited: this.waited,
      worked: this.worked,
      unfinishedSeconds: [...this.active.values()].reduce((sum, at) => sum + (this.clock.now() - at) / 1000, 0),
    };
  }

  close(): void {
    this.closed = true;
    for (const { timer } of this.timers.values()) timer.cancel();
    this.timers.clear();
    this.ready.clear();
    this.again.clear();
    for (const taker of this.takers.splice(0)) taker(undefined);
  }
}
