import type { KubeObject, Status } from '@shared/k8s';
import { expired } from '../api/errors';
import type { Timer } from '../clock';
import { StoreError, type StoreEvent, type StoreWatch } from '../store/types';
import type { Call, ServerContext } from './context';
import { flag, parseVersion, select, wholeNumber } from './reads';
import { checkListOptions } from './request-options';
import { selectionOf, type Match } from './selectors';
import type { ApiResponse, Encoded, ServedWatch, WatchSink } from './types';

const bookmarkEveryMs = 60_000;

/** An object that has not been stored, with its encoding made when it is first asked for. */
export function encoded(value: KubeObject): Encoded {
  let json: string | undefined;
  return {
    value,
    get json() {
      return (json ??= JSON.stringify(value));
    },
  };
}

/** GET of a collection with `watch`. What is wrong with it is told at once, or as an ERROR event. */
export function watch(context: ServerContext, call: Call): ApiResponse {
  const { query } = call.request;
  checkListOptions(query, true);
  const selection = selectionOf(call.resource.definition, query);
  if (call.name !== undefined) {
    const { match } = selection;
    selection.name = call.name;
    selection.match = (object) => object.metadata?.name === call.name && (!match || match(object));
  }
  const version = query.get('resourceVersion') ?? '';
  const sendInitial = query.get('sendInitialEvents');
  const from = version === '' || version === '0' ? undefined : parseVersion(version);
  const initial = sendInitial === null ? from === undefined : sendInitial !== 'false';
  const timeoutSeconds = wholeNumber(query, 'timeoutSeconds');
  const served: ServedWatch = {
    start: (sink) =>
      new Session(context, call, selection.match, sink).run({
        initial: initial ? () => select(context, call, selection) : undefined,
        from: from ?? context.store.revision,
        bookmarks: flag(query, 'allowWatchBookmarks'),
        endOfInitial: sendInitial === 'true',
        timeoutSeconds,
      }),
  };
  return { status: 200, warnings: call.warnings, payload: { type: 'watch', watch: served } };
}

/** One running watch. */
class Session {
  private source?: StoreWatch;
  private timers: Timer[] = [];
  private closed = false;

  constructor(
    private readonly context: ServerContext,
    private readonly call: Call,
    private readonly match: Match | undefined,
    private readonly sink: WatchSink,
  ) {}

  run(options: {
    initial?: () => ReturnType<typeof select>;
    from: number;
    bookmarks: boolean;
    endOfInitial: boolean;
    timeoutSeconds?: number;
  }): { close(): void } {
    let { from } = options;
    if (options.initial) {
      const { items, revision } = options.initial();
      if (from > revision) return this.fail(tooLarge(from, revision));
      for (const object of items) this.sink.event({ type: 'ADDED', object });
      if (options.endOfInitial && options.bookmarks) this.bookmark(revision, { 'k8s.io/initial-events-end': 'true' });
      from = revision;
    }
    try {
      const source = this.context.store.watch(this.call.resource.scope(this.call.namespace), from, (event) =>
        this.deliver(event),
      );
      if (this.closed) source.close();
      else this.source = source;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return this.fail(expired(`too old resource version: ${from} (${this.context.store.revision})`).status);
    }
    if (options.timeoutSeconds) {
      // A time that is over before it begins ends the watch at once.
      const milliseconds = Math.max(0, options.timeoutSeconds) * 1000;
      this.timers.push(this.context.clock.setTimeout(() => this.end(), milliseconds));
    }
    if (options.bookmarks) this.scheduleBookmark();
    return { close: () => this.close() };
  }

  private deliver(event: StoreEvent): void {
    if (this.closed) return;
    const { match } = this;
    const now = event.type === 'PUT' && (!match || match(event.object.value));
    const before = event.previous !== undefined && (!match || match(event.previous.value));
    if (event.type === 'DELETE') {
      // What counts is whether the watcher had seen it: the last stored state, not the deletion's stamp.
      if (!match || match((event.previous ?? event.object).value))
        this.sink.event({ type: 'DELETED', object: event.object });
    } else if (now) {
      this.sink.event({ type: before ? 'MODIFIED' : 'ADDED', object: event.object });
    } else if (before) {
      this.sink.event({ type: 'DELETED', object: departed(event) });
    }
  }

  private scheduleBookmark(): void {
    const timer = this.context.clock.setTimeout(() => {
      this.timers = this.timers.filter((other) => other !== timer);
      if (this.closed) return;
      this.bookmark(this.context.store.revision);
      this.scheduleBookmark();
    }, bookmarkEveryMs);
    this.timers.push(timer);
  }

  private bookmark(revision: number, annotations?: Record<string, string>): void {
    const { definition, apiVersion } = this.call.resource;
    const metadata = { resourceVersion: String(revision), annotations };
    this.sink.event({ type: 'BOOKMARK', object: encoded({ kind: definition.kind, apiVersion, metadata }) });
  }

  private fail(status: Status): { close(): void } {
    this.sink.event({ type: 'ERROR', object: encoded(status) });
    this.end();
    return { close: () => this.close() };
  }

  private end(): void {
    if (this.closed) return;
    this.close();
    this.sink.end();
  }

  private close(): void {
    this.closed = true;
    this.source?.close();
    for (const timer of this.timers) timer.cancel();
    this.timers = [];
  }
}

const departures = new WeakMap<StoreEvent, Encoded>();

/** The object as the watcher last saw it, at the revision of the change that took it out of the selection. */
function departed(event: StoreEvent): Encoded {
  let object = departures.get(event);
  if (!object) {
    const { value } = event.previous!;
    object = encoded({ ...value, metadata: { ...value.metadata, resourceVersion: String(event.revision) } });
    departures.set(event, object);
  }
  return object;
}

function tooLarge(wanted: number, current: number): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `Too large resource version: ${wanted}, current: ${current}`,
    reason: 'Timeout',
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
    code: 504,
  };
}
