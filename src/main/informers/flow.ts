import type { Clock } from '../cluster/clock';

/** Wakes one waiting reader; a ring while nobody waits is remembered. */
export class Doorbell {
  private rung = false;
  private waiter: (() => void) | undefined;

  ring(): void {
    this.rung = true;
    this.waiter?.();
  }

  /** Resolves at the next ring, or at once if one was missed. Also when the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    if (!this.rung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const finish = () => {
          signal.removeEventListener('abort', finish);
          this.waiter = undefined;
          resolve();
        };
        this.waiter = finish;
        signal.addEventListener('abort', finish);
      });
    }
    this.rung = false;
  }
}

/** Resolves after `ms`, or when the signal aborts. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const finish = () => {
      timer.cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.setTimeout(finish, ms);
    signal.addEventListener('abort', finish);
  });
}

/**
 * The current value at once and again after changes, at most once per `intervalMs`;
 * a reader that is slow sees the newest value only.
 */
export async function* latest<T>(options: {
  read: () => T;
  subscribe: (changed: () => void) => () => void;
  signal: AbortSignal;
  clock: Clock;
  intervalMs?: number;
}): AsyncGenerator<T> {
  const { read, subscribe, signal, clock, intervalMs = 100 } = options;
  const bell = new Doorbell();
  const unsubscribe = subscribe(() => bell.ring());
  try {
    while (!signal.aborted) {
      yield read();
      await pause(clock, intervalMs, signal);
      await bell.wait(signal);
    }
  } finally {
    unsubscribe();
  }
}
