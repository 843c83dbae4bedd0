/** Time and timers as a parameter, so that loops are tested without sleeping. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after that long, be it years. */
  setTimeout(callback: () => void, ms: number): Timer;
}

export interface Timer {
  cancel(): void;
}

/** The longest delay of the runtime's timers; a longer one fires at once. */
const longestMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout(callback, ms) {
    let handle: NodeJS.Timeout;
    const wait = (left: number) => {
      handle = left > longestMs ? setTimeout(() => wait(left - longestMs), longestMs) : setTimeout(callback, left);
    };
    wait(ms);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** RFC 3339 with whole seconds, the form of metav1.Time. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** RFC 3339 with microseconds, the form of metav1.MicroTime. */
export function microTimestamp(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

/** A clock that stands still until it is told to move. For tests. */
export class FakeClock implements Clock {
  private timers: { at: number; callback: () => void }[] = [];
  constructor(private time = Date.parse('2026-01-01T00:00:00Z')) {}

  now(): number {
    return this.time;
  }

  setTimeout(callback: () => void, ms: number): Timer {
    const timer = { at: this.time + Math.max(0, ms), callback };
    this.timers.push(timer);
    return { cancel: () => void (this.timers = this.timers.filter((other) => other !== timer)) };
  }

  /**
   * Moves time on and runs what falls due, in order, letting promises settle in between.
   * @param settled resolves when what fell due has had its effects; the next turn of the event loop unless told
   */
  async advance(ms: number, settled = () => new Promise<void>((resolve) => setImmediate(resolve))): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      await settled();
      const due = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.timers = this.timers.filter((timer) => timer !== due);
      this.time = Math.max(this.time, due.at);
      due.callback();
    }
    this.time = end;
    await settled();
  }
}
