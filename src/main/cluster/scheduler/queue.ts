import type { Clock, Timer } from '../clock';
import { Heap } from './heap';
import type { PodInfo } from './snapshot';

export interface QueueOptions {
  /** How long a pod waits after its first failure; doubles with each. */
  firstBackoffMs: number;
  maxBackoffMs: number;
  /** Whether a pod comes before another; undefined when neither does: then the one that is queued longer. */
  before: (a: PodInfo, b: PodInfo) => boolean | undefined;
}

const nobody: ReadonlySet<string> = new Set();

/** However little happens, a pod that did not fit is tried again after this long. */
const leftoverMs = 300_000;
const leftoverCheckMs = 30_000;

/** A pod that waits for a node. */
export interface QueuedPod {
  info: PodInfo;
  attempts: number;
  /** When the last attempt began, in ms. */
  triedAt?: number;
  /** When the last attempt failed, in ms. */
  failedAt: number;
  /** The plugins that refused it last: only what concerns them may help. */
  refusedBy: ReadonlySet<string>;
  /** The node last told to be kept for it; undefined before that. */
  nominated?: string;
  /** What it was told last: not said again to the API. */
  message?: string;
  state: 'active' | 'tried' | 'backoff' | 'unschedulable';
  /** Its place among those of the same priority. */
  turn: number;
  timer?: Timer;
}

/**
 * Pods that wait for a node: those to try now (by priority, then as they came),
 * those that failed a moment ago and back off, and those that fit nowhere until
 * something changes.
 */
export class SchedulingQueue {
  private readonly pods = new Map<string, QueuedPod>();
  private readonly unschedulable = new Set<QueuedPod>();
  /** How many parked pods each plugin refused. */
  private readonly refusals = new Map<string, number>();
  private readonly active = new Heap<{ pod: QueuedPod; turn: number; info: PodInfo }>(
    (a, b) => this.options.before(a.info, b.info) ?? a.turn < b.turn,
  );
  private turns = 0;
  private leftovers: Timer | undefined;

  /** @param onReady called when a pod becomes one to try now */
  constructor(
    private readonly clock: Clock,
    private readonly options: QueueOptions,
    private readonly onReady: () => void,
  ) {}

  /** Adds a pod, or takes note of its change. */
  put(info: PodInfo): void {
    const known = this.pods.get(info.uid);
    if (!known) {
      const queued: QueuedPod = {
        info,
        attempts: 0,
        failedAt: 0,
        refusedBy: nobody,
        state: 'tried',
        turn: 0,
      };
      this.pods.set(info.uid, queued);
      this.activate(queued);
      return;
    }
    const matters =
      info.pod !== known.info.pod &&
      (JSON.stringify(info.pod.spec) !== JSON.stringify(known.info.pod.spec) ||
        JSON.stringify(info.labels) !== JSON.stringify(known.info.labels));
    known.info = info;
    // A changed pod may fit now; how often it failed before says nothing about that.
    if (matters && known.state === 'unschedulable') this.activate(known);
  }

  remove(uid: string): void {
    const known = this.pods.get(uid);
    if (!known) return;
    this.leave(known);
    this.pods.delete(uid);
  }

  /** Whether the entry still waits: not when its pod is gone or was assigned meanwhile. */
  holds(pod: QueuedPod): boolean {
    return this.pods.get(pod.info.uid) === pod;
  }

  /** The next to try. It is not given out again until it is put back. */
  pop(): QueuedPod | undefined {
    for (let top = this.active.pop(); top; top = this.active.pop()) {
      const { pod, turn } = top;
      // What left the queue or was queued anew is skipped here instead of searched for.
      if (!this.holds(pod) || pod.state !== 'active' || pod.turn !== turn) continue;
      pod.state = 'tried';
      pod.attempts += 1;
      pod.triedAt = this.clock.now();
      return pod;
    }
    return undefined;
  }

  /** Puts a tried pod back to be tried again after its back-off. */
  retry(pod: QueuedPod): void {
    if (!this.holds(pod)) return;
    pod.failedAt = this.clock.now();
    this.backOff(pod);
  }

  /** Puts a tried pod back that fits nowhere now. @param refusedBy the plugins that said so; empty when there were no nodes */
  park(pod: QueuedPod, refusedBy: ReadonlySet<string> = nobody): void {
    if (!this.holds(pod)) return;
    pod.failedAt = this.clock.now();
    pod.state = 'unschedulable';
    pod.refusedBy = refusedBy;
    this.unschedulable.add(pod);
    for (const plugin of refusedBy) this.refusals.set(plugin, (this.refusals.get(plugin) ?? 0) + 1);
    this.leftovers ??= this.clock.setTimeout(() => this.checkLeftovers(), leftoverCheckMs);
  }

  /** How many pods wait, by what for. */
  pending(): { active: number; backoff: number; unschedulable: number } {
    const pending = { active: 0, backoff: 0, unschedulable: 0 };
    for (const { state } of this.pods.values()) pending[state === 'tried' ? 'active' : state]++;
    return pending;
  }

  get parked(): number {
    return this.unschedulable.size;
  }

  /** How many parked pods a plugin refused. */
  refusedBy(plugin: string): number {
    return this.refusals.get(plugin) ?? 0;
  }

  /** Tries parked pods again, those still backing off when that is over. */
  wake(which: (pod: QueuedPod) => boolean): void {
    for (const pod of this.unschedulable) if (which(pod)) this.backOff(pod);
  }

  stop(): void {
    this.leftovers?.cancel();
    for (const pod of this.pods.values()) pod.timer?.cancel();
    this.pods.clear();
    this.unschedulable.clear();
  }

  private activate(pod: QueuedPod): void {
    this.leave(pod);
    pod.state = 'active';
    pod.turn = ++this.turns;
    this.active.push({ pod, turn: pod.turn, info: pod.info });
    this.onReady();
  }

  private backOff(pod: QueuedPod): void {
    const { firstBackoffMs, maxBackoffMs } = this.options;
    const delay = Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.max(0, pod.attempts - 1));
    const left = pod.failedAt + delay - this.clock.now();
    if (left <= 0) return this.activate(pod);
    this.leave(pod);
    pod.state = 'backoff';
    pod.timer = this.clock.setTimeout(() => this.activate(pod), left);
  }

  private leave(pod: QueuedPod): void {
    if (this.unschedulable.delete(pod)) {
      for (const plugin of pod.refusedBy) this.refusals.set(plugin, this.refusals.get(plugin)! - 1);
    }
    pod.timer?.cancel();
    pod.timer = undefined;
  }

  private checkLeftovers(): void {
    this.leftovers = undefined;
    const now = this.clock.now();
    this.wake((pod) => now - pod.failedAt >= leftoverMs);
    if (this.unschedulable.size > 0) {
      this.leftovers = this.clock.setTimeout(() => this.checkLeftovers(), leftoverCheckMs);
    }
  }
}
