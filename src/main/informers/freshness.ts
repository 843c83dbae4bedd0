import type { Freshness } from '@shared/bridge/contract';
import { ApiError } from '../cluster/api/errors';
import type { KubeRequest, KubeTransport, KubeWatch } from '../cluster/client/transport';
import type { Clock } from '../cluster/clock';

/** How current a cache is, told by how its lists and watches fare. */
export class FreshnessTracker {
  private current: Freshness;
  private synced = false;
  private readonly listeners = new Set<() => void>();

  /** @param explain the failure in the user's words */
  constructor(
    private readonly clock: Clock,
    private readonly explain: (error: unknown) => string,
  ) {
    this.current = { state: 'loading', since: clock.now() };
  }

  get value(): Freshness {
    return this.current;
  }

  on(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** The transport whose lists and watches are observed. */
  observe(transport: KubeTransport): KubeTransport {
    return {
      request: async <T>(request: KubeRequest) => {
        // A cache that is known to be behind stays so until a list has come.
        if (this.current.state === 'live') this.set('resyncing');
        try {
          const response = await transport.request<T>(request);
          this.synced = true;
          this.set('live');
          return response;
        } catch (error) {
          this.fail(error);
          throw error;
        }
      },
      watch: async <T>(request: KubeRequest) => {
        try {
          const watch = await transport.watch<T>(request);
          this.set('live');
          return this.follow(watch);
        } catch (error) {
          this.fail(error);
          throw error;
        }
      },
      stream: (request) => transport.stream(request),
      exec: (options) => transport.exec(options),
      portForward: (namespace, pod, port) => transport.portForward(namespace, pod, port),
      close: () => {},
    };
  }

  private follow<T>(watch: KubeWatch<T>): KubeWatch<T> {
    const failed = (error: unknown) => this.fail(error);
    return {
      close: () => watch.close(),
      async *[Symbol.asyncIterator]() {
        try {
          yield* watch;
        } catch (error) {
          failed(error);
          throw error;
        }
      },
    };
  }

  private fail(error: unknown): void {
    // Too old a revision is the list's matter, which comes next.
    if (error instanceof ApiError && error.code === 410) this.set('resyncing');
    else this.set(this.synced ? 'stale' : 'failed', this.explain(error));
  }

  private set(state: Freshness['state'], message?: string): void {
    if (this.current.state === state && this.current.message === message) return;
    const since = this.current.state === state ? this.current.since : this.clock.now();
    this.current = { state, since, ...(message ? { message } : {}) };
    for (const listener of this.listeners) listener();
  }
}

const severity: Freshness['state'][] = ['live', 'resyncing', 'loading', 'stale', 'failed'];

/** The least current of several. */
export function worst(all: Freshness[]): Freshness {
  return all.reduce((a, b) => (severity.indexOf(b.state) > severity.indexOf(a.state) ? b : a));
}
