import type { ClusterSummary } from '@shared/bridge/contract';
import { ApiError } from '../cluster/api/errors';
import type { KubeTransport } from '../cluster/client/transport';
import type { Clock, Timer } from '../cluster/clock';

const FIRST_RETRY = 2000;
const LAST_RETRY = 60_000;
/** A cluster that nobody used for so long is not asked any more, in ms. */
const IDLE = 5 * 60_000;

export interface Health {
  status: ClusterSummary['status'];
  message?: string;
  version?: string;
}

/** How a cluster fares: `unknown` until it is used, then what its answers show; asked again with back-off while it is away. */
export class HealthMonitor {
  current: Health = { status: 'unknown' };
  private timer: Timer | undefined;
  private retry = FIRST_RETRY;
  private lastUse = 0;
  private probing = false;
  private closed = false;

  constructor(
    private readonly options: {
      clock: Clock;
      transport: () => KubeTransport;
      explain: (error: unknown) => string;
      changed: () => void;
    },
  ) {}

  /** Someone looks at the cluster. */
  used(): void {
    this.lastUse = this.options.clock.now();
    if (this.current.status === 'unknown') void this.probe();
  }

  /** A request or watch began well, or failed. */
  observe(failure?: unknown): void {
    if (this.closed) return;
    if (failure === undefined || (failure instanceof ApiError && failure.code !== 401)) {
      const recovered = this.current.status !== 'ready';
      this.set({ status: 'ready', ...(this.current.version ? { version: this.current.version } : {}) });
      if (recovered && !this.current.version) void this.probe();
      return;
    }
    const status = failure instanceof ApiError ? 'unauthorized' : 'unreachable';
    this.set({ ...this.current, status, message: this.options.explain(failure) });
    this.schedule();
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
  }

  private async probe(): Promise<void> {
    if (this.probing || this.closed) return;
    this.probing = true;
    try {
      const { body } = await this.options.transport().request({ method: 'GET', path: '/version' });
      this.retry = FIRST_RETRY;
      this.timer?.cancel();
      this.timer = undefined;
      if (typeof body?.gitVersion === 'string') this.set({ status: 'ready', version: body.gitVersion });
    } catch {
      // The transport has reported it to `observe`.
    } finally {
      this.probing = false;
    }
  }

  private schedule(): void {
    if (this.timer || this.options.clock.now() - this.lastUse > IDLE) return;
    this.timer = this.options.clock.setTimeout(() => {
      this.timer = undefined;
      this.retry = Math.min(this.retry * 2, LAST_RETRY);
      void this.probe();
    }, this.retry);
  }

  private set(next: Health): void {
    const before = JSON.stringify(this.current);
    this.current = next;
    if (JSON.stringify(next) !== before) this.options.changed();
  }
}
