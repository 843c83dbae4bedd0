import type { LogLine, StreamParamsOf } from '@shared/bridge/contract';
import type { Pod } from '@shared/k8s';
import type { Readable } from 'node:stream';
import { ApiError } from '../cluster/api/errors';
import type { KubeTransport } from '../cluster/client/transport';
import type { Clock } from '../cluster/clock';
import { Doorbell, pause } from '../informers/flow';
import { errorText } from './errors';

type Request = StreamParamsOf<'logs'>;

/** Least time between two batches, in ms. */
const INTERVAL = 50;
/** How long the first lines of several sources are collected, so that they come in the order of time, in ms. */
const GATHER = 200;
const MAX_BATCH = 5000;
/** Lines of one source that may wait; beyond it reading stops until the page has caught up. */
const MAX_WAITING = 5000;
const FIRST_RETRY = 1000;
const LAST_RETRY = 10_000;
const stamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) ?/;

/** `2026-01-01T00:00:00.5Z` and `…00Z` compare as text when both have nine digits. */
function sortable(time: string): string {
  const match = /^(.{19})(?:\.(\d+))?(.*)$/.exec(time);
  return match ? `${match[1]}.${(match[2] ?? '').padEnd(9, '0')}${match[3]}` : time;
}

/** The lines of one container, read again from where they broke off as long as they are followed. */
class Source {
  readonly waiting: LogLine[] = [];
  ended = false;
  failure: unknown;
  private readonly room = new Doorbell();
  /** Time of the last line and how many lines carried it: what a new read repeats is dropped. */
  private lastTime = '';
  private atLastTime = 0;

  constructor(
    private readonly transport: KubeTransport,
    private readonly request: Request,
    private readonly pod: string,
    private readonly container: string,
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
    private readonly arrived: () => void,
  ) {}

  get origin() {
    return { pod: this.pod, container: this.container };
  }

  take(count: number): LogLine[] {
    const lines = this.waiting.splice(0, count);
    this.room.ring();
    return lines;
  }

  async run(): Promise<void> {
    let retry = FIRST_RETRY;
    while (!this.signal.aborted) {
      try {
        const before = this.lastTime;
        await this.read();
        if (this.lastTime !== before) retry = FIRST_RETRY;
        if (!this.request.follow || this.request.previous || !(await this.goesOn())) break;
      } catch (error) {
        if (this.signal.aborted) break;
        // Not started yet (400) or away for now: worth another try. Gone or refused: not.
        const final = error instanceof ApiError && [401, 403, 404].includes(error.code);
        if (!this.request.follow || final) {
          if (!this.request.follow || this.lastTime === '') this.failure = error;
          break;
        }
      }
      await pause(this.clock, retry, this.signal);
      retry = Math.min(retry * 2, LAST_RETRY);
    }
    this.ended = true;
    this.arrived();
  }

  /** Whether more can come: the pod is there and its container may run (again). */
  private async goesOn(): Promise<boolean> {
    const path = `/api/v1/namespaces/${this.request.namespace}/pods/${this.pod}`;
    try {
      const { body } = await this.transport.request<Pod>({ method: 'GET', path, signal: this.signal });
      return body.status?.phase !== 'Succeeded' && body.status?.phase !== 'Failed';
    } catch (error) {
      return !(error instanceof ApiError && error.code === 404);
    }
  }

  private async read(): Promise<void> {
    const { namespace, follow, previous, tailLines, sinceSeconds } = this.request;
    const resumed = this.lastTime !== '';
    const stream = await this.transport.stream({
      method: 'GET',
      path: `/api/v1/namespaces/${namespace}/pods/${this.pod}/log`,
      query: {
        container: this.container,
        timestamps: true,
        follow: follow && !previous ? true : undefined,
        previous: previous || undefined,
        tailLines: resumed ? undefined : tailLines,
        // Whole seconds only: what came in that second already is dropped again.
        sinceTime: resumed ? `${this.lastTime.slice(0, 19)}Z` : undefined,
        sinceSeconds: resumed ? undefined : sinceSeconds,
      },
      signal: this.signal,
    });
    const stop = () => stream.destroy();
    this.signal.addEventListener('abort', stop);
    try {
      await this.lines(stream, resumed);
    } finally {
      this.signal.removeEventListener('abort', stop);
      stream.destroy();
    }
  }

  private async lines(stream: Readable, resumed: boolean): Promise<void> {
    const edge = this.lastTime;
    let skip = resumed ? this.atLastTime : 0;
    let rest = '';
    const take = (line: string) => {
      const text = line.endsWith('\r') ? line.slice(0, -1) : line;
      const match = stamp.exec(text);
      const time = match?.[1];
      const body = match ? text.slice(match[0].length) : text;
      if (time) {
        const at = sortable(time);
        if (resumed && at < sortable(edge)) return;
        if (resumed && time === edge && skip > 0) {
          skip -= 1;
          return;
        }
        this.atLastTime = time === this.lastTime ? this.atLastTime + 1 : 1;
        this.lastTime = time;
      }
      this.waiting.push({ ...(time ? { time } : {}), text: body, pod: this.pod, container: this.container });
    };
    stream.setEncoding('utf8');
    for await (const chunk of stream) {
      const parts = (rest + (chunk as string)).split('\n');
      rest = parts.pop()!;
      parts.forEach(take);
      if (parts.length) this.arrived();
      while (this.waiting.length >= MAX_WAITING && !this.signal.aborted) await this.room.wait(this.signal);
    }
    if (rest) {
      take(rest);
      this.arrived();
    }
  }
}

async function containersOf(
  transport: KubeTransport,
  request: Request,
  pod: string,
  signal: AbortSignal,
): Promise<string[]> {
  if (request.container && request.container !== '*') return [request.container];
  const path = `/api/v1/namespaces/${request.namespace}/pods/${pod}`;
  const { body } = await transport.request<Pod>({ method: 'GET', path, signal });
  const named = (list: { name: string }[] | undefined) => (list ?? []).map((container) => container.name);
  const containers = named(body.spec?.containers);
  if (request.container === '*') {
    return [...named(body.spec?.initContainers), ...containers, ...named(body.spec?.ephemeralContainers)];
  }
  const preferred = body.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  const chosen = preferred && containers.includes(preferred) ? preferred : containers[0];
  return chosen ? [chosen] : [];
}

/** Takes what waits in all sources in the order of time; each source's own order is kept. */
function merge(sources: Source[]): LogLine[] {
  const busy = sources.filter((source) => source.waiting.length > 0);
  if (busy.length === 1) return busy[0]!.take(MAX_BATCH);
  const lines = busy.flatMap((source) => {
    let last = '';
    // A line without a time stays with the one before it.
    return source.take(Math.ceil(MAX_BATCH / busy.length)).map((line) => {
      if (line.time) last = sortable(line.time);
      return { line, at: last };
    });
  });
  return lines.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).map(({ line }) => line);
}

/** The logs of several pods and containers as one stream of batches. Ends when no source can bring more. */
export async function* streamLogs(
  transport: KubeTransport,
  request: Request,
  options: { clock: Clock; signal: AbortSignal },
): AsyncGenerator<{ lines: LogLine[] }> {
  const { clock, signal } = options;
  const bell = new Doorbell();
  // Ends the reading also when the reader leaves without closing the stream.
  const abort = new AbortController();
  const stop = () => abort.abort();
  signal.addEventListener('abort', stop);
  try {
    const found = await Promise.allSettled(
      request.pods.map(async (pod) =>
        (await containersOf(transport, request, pod, signal)).map(
          (container) => new Source(transport, request, pod, container, clock, abort.signal, () => bell.ring()),
        ),
      ),
    );
    const sources = found.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    const missing = found.find((result) => result.status === 'rejected');
    if (sources.length === 0 && missing) throw missing.reason;
    for (const source of sources) void source.run();

    if (sources.length > 1) await pause(clock, GATHER, signal);
    while (!signal.aborted) {
      const lines = merge(sources);
      if (lines.length) yield { lines };
      if (sources.some((source) => source.waiting.length > 0)) continue;
      if (sources.every((source) => source.ended)) break;
      await pause(clock, INTERVAL, signal);
      await bell.wait(signal);
    }
    const failed = sources.filter((source) => source.failure);
    if (failed.length === 1 && sources.length === 1) throw failed[0]!.failure;
    if (failed.length) {
      yield {
        lines: failed.map((source) => ({ ...source.origin, text: errorText(source.failure) })),
      };
    }
  } finally {
    signal.removeEventListener('abort', stop);
    abort.abort();
  }
}
