import type { Pod } from '@shared/k8s';
import type { Clock, Timer } from '../clock';
import { Heap } from './heap';
import { PodInfo } from './snapshot';

const firstBackoffMs = 1000;
const maxBackoffMs = 10_000;
/** However little happens, a pod that did not fit is tried again after this long. */
const leftoverMs = 300_000;
const leftoverCheckMs = 30_000;

/** A pod that waits for a node. */
export interface QueuedPod {
  info: PodInfo;
  attempts: number;
  /** When the last attempt failed, in ms. */
  failedAt: number;
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
  private readonly active = new Heap<{ pod: QueuedPod; turn: number; priority: number }>((a, b) =>
    a.priority === b.priority ? a.turn < b.turn : a.priority > b.priority,
  );
  private turns = 0;
  private leftovers: Timer | undefined;

  /** @param onReady called when a pod becomes one to try now */
  constructor(
    private readonly clock: Clock,
    private readonly onReady: () => void,
  ) {}

  /** Adds a pod, or takes note of its change. */
  put(pod: Pod): void {
    const known = this.pods.get(pod.metadata.uid);
    if (!known) {
      const queued: QueuedPod = { info: new PodInfo(pod), attempts: 0, failedAt: 0, state: 'tried', turn: 0 };
      this.pods.set(pod.metadata.uid, queued);
      this.activate(queued);
      return;
    }
    const matters = JSON.stringify(pod.spec) !== JSON.stringify(known.info.pod.spec);
    known.info = new PodInfo(pod);
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

  /** Puts a tried pod back that fits nowhere now. */
  park(pod: QueuedPod): void {
    if (!this.holds(pod)) return;
    pod.failedAt = this.clock.now();
    pod.state = 'unschedulable';
    this.unschedulable.add(pod);
    this.leftovers ??= this.clock.setTimeout(() => this.checkLeftovers(), leftoverCheckMs);
  }

  get parked(): number {
    return this.unschedulable.size;
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
    this.active.push({ pod, turn: pod.turn, priority: pod.info.pod.spec?.priority ?? 0 });
    this.onReady();
  }

  private backOff(pod: QueuedPod): void {
    const delay = Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.max(0, pod.attempts - 1));
    const left = pod.failedAt + delay - this.clock.now();
    if (left <= 0) return this.activate(pod);
    this.leave(pod);
    pod.state = 'backoff';
    pod.timer = this.clock.setTimeout(() => this.activate(pod), left);
  }

  private leave(pod: QueuedPod): void {
    this.unschedulable.delete(pod);
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
