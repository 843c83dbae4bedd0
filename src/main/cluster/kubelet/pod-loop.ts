import type { Clock, Timer } from '../clock';

const firstRetryMs = 1000;
const longestRetryMs = 30_000;

/** Does one thing, never twice at the same time: when it is woken, when it is time, and ever later while it fails. */
export class PodLoop {
  /** It is over: nothing is done any more. */
  closed = false;
  private running: Promise<void> | undefined;
  private again = false;
  private retryMs = firstRetryMs;
  private timer: { at: number; handle: Timer } | undefined;

  /** @param failed told of every failure; it is tried again */
  constructor(
    private readonly clock: Clock,
    private readonly work: () => Promise<void>,
    private readonly failed: (error: Error) => void,
  ) {}

  /** Does it now, or again as soon as it is done. */
  wake(): void {
    if (this.closed) return;
    this.again = true;
    this.running ??= this.run().finally(() => (this.running = undefined));
  }

  /** Does it in so many ms at the latest. */
  later(ms: number): void {
    const at = this.clock.now() + ms;
    if (this.closed || (this.timer && this.timer.at <= at)) return;
    this.timer?.handle.cancel();
    const handle = this.clock.setTimeout(() => {
      this.timer = undefined;
      this.wake();
    }, ms);
    this.timer = { at, handle };
  }

  close(): void {
    this.closed = true;
    this.timer?.handle.cancel();
  }

  /** Resolves when nothing is being done. */
  async idle(): Promise<void> {
    await this.running;
  }

  private async run(): Promise<void> {
    while (this.again && !this.closed) {
      this.again = false;
      try {
        await this.work();
        this.retryMs = firstRetryMs;
      } catch (error) {
        this.failed(error as Error);
        this.later(this.retryMs);
        this.retryMs = Math.min(this.retryMs * 2, longestRetryMs);
      }
    }
  }
}
