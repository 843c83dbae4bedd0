import type { KubeObject, Status, WatchEvent } from '@shared/k8s';
import { ApiError } from '../api/errors';
import type { Clock, Timer } from '../clock';
import type { Logger } from '../log';
import { ObjectCache } from './cache';
import { keyOf, refApiVersion, resourcePath } from './resources';
import type { KubeWatch } from './transport';
import type { Informer, InformerFactory, InformerHandler, KubeClient, ResourceRef } from './types';

export interface InformerFactoryOptions {
  client: KubeClient;
  clock: Clock;
  log: Logger;
  /** 0 ≤ x < 1, for the jitter of back-offs. */
  random?: () => number;
}

interface Selection {
  namespace?: string;
  fieldSelector?: string;
  labelSelector?: string;
}

const firstBackoffMs = 200;
const maxBackoffMs = 30_000;
/** A watch that lived this long was healthy: the next failure starts the back-off anew. */
const healthyMs = 10_000;

/**
 * Shared informers over one client. `start()` may be called again for those
 * asked for later; after `stop()` the factory stays stopped.
 */
export function createInformerFactory(options: InformerFactoryOptions): InformerFactory {
  const informers = new Map<string, SharedInformer<any>>();
  let stopped = false;
  const idOf = (ref: ResourceRef, { namespace, fieldSelector, labelSelector }: Selection) =>
    JSON.stringify([ref.group, ref.version, ref.plural, namespace, fieldSelector, labelSelector]);
  return {
    informer<T extends KubeObject>(ref: ResourceRef<T>, selection: Selection = {}): Informer<T> {
      const id = idOf(ref, selection);
      let informer = informers.get(id);
      if (!informer) informers.set(id, (informer = new SharedInformer<T>(ref, selection, options)));
      return informer;
    },
    forget(ref) {
      const id = idOf(ref, {});
      informers.get(id)?.stop();
      informers.delete(id);
    },
    async start() {
      if (stopped) throw new Error('the informers were stopped');
      for (const informer of informers.values()) informer.start();
      await Promise.all([...informers.values()].map((informer) => informer.synced));
    },
    stop() {
      stopped = true;
      for (const informer of informers.values()) informer.stop();
    },
  };
}

/** Lists, then watches from the list's revision, and keeps a cache that tells its handlers every difference. */
class SharedInformer<T extends KubeObject> implements Informer<T> {
  hasSynced = false;
  readonly synced: Promise<void>;
  private readonly cache = new ObjectCache<T>();
  private readonly handlers = new Set<InformerHandler<T>>();
  private readonly log: Logger;
  private readonly random: () => number;
  private resolveSynced!: () => void;
  private started = false;
  private stopped = false;
  private watch: KubeWatch<T> | undefined;
  private pause: { timer: Timer; end: () => void } | undefined;
  /** Where the next watch begins; empty when a list is needed first. */
  private resourceVersion = '';

  constructor(
    private readonly ref: ResourceRef<T>,
    private readonly selection: Selection,
    private readonly options: InformerFactoryOptions,
  ) {
    this.log = options.log.child(`informer/${ref.plural}`);
    this.random = options.random ?? Math.random;
    this.synced = new Promise((resolve) => (this.resolveSynced = resolve));
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.cache.get(namespace ? `${namespace}/${name}` : name);
  }

  list(namespace?: string): T[] {
    return this.cache.list(namespace);
  }

  byIndex(index: string, key: string): T[] {
    return this.cache.byIndex(index, key);
  }

  addIndex(index: string, keys: (object: T) => string[]): void {
    this.cache.addIndex(index, keys);
  }

  on(handler: InformerHandler<T>): () => void {
    this.handlers.add(handler);
    for (const object of this.cache.list()) this.guard(() => handler.add?.(object));
    return () => void this.handlers.delete(handler);
  }

  start(): void {
    if (this.started) return;
    this.started = true;
    void this.run();
  }

  stop(): void {
    this.stopped = true;
    this.watch?.close();
    this.pause?.timer.cancel();
    this.pause?.end();
    this.resolveSynced();
  }

  private async run(): Promise<void> {
    const { clock } = this.options;
    let backoff = firstBackoffMs;
    while (!this.stopped) {
      const began = clock.now();
      try {
        if (!this.resourceVersion) await this.relist();
        const events = await this.follow();
        // A server may end a watch at any time; only one that brings nothing again and again is slowed down.
        if (events > 0) {
          backoff = firstBackoffMs;
          continue;
        }
      } catch (error) {
        if (this.stopped) return;
        if (isGone(error)) {
          this.resourceVersion = '';
          this.log.info('the watch is too old, listing again');
        } else {
          this.log.warn('list or watch failed, trying again', { error: error as Error, afterMs: backoff });
        }
      }
      if (this.stopped) return;
      if (clock.now() - began > healthyMs) backoff = firstBackoffMs;
      await this.sleep(backoff * (0.5 + this.random()));
      backoff = Math.min(backoff * 2, maxBackoffMs);
    }
  }

  private async relist(): Promise<void> {
    const { namespace, fieldSelector, labelSelector } = this.selection;
    const list = await this.options.client.list(this.ref, namespace, { fieldSelector, labelSelector });
    if (this.stopped) return;
    const gone = new Set(this.cache.keys());
    for (const item of list.items) {
      gone.delete(keyOf(item));
      this.put(item);
    }
    for (const key of gone) this.drop(key);
    this.resourceVersion = list.metadata.resourceVersion;
    if (!this.hasSynced) {
      this.hasSynced = true;
      this.resolveSynced();
    }
  }

  /** Follows one watch to its end. @returns how many events it brought */
  private async follow(): Promise<number> {
    const { namespace, fieldSelector, labelSelector } = this.selection;
    const watch = await this.options.client.transport.watch<T>({
      method: 'GET',
      path: resourcePath(this.ref, namespace),
      query: {
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion: this.resourceVersion,
        fieldSelector,
        labelSelector,
      },
    });
    this.watch = watch;
    let events = 0;
    try {
      if (this.stopped) return 0;
      for await (const event of watch) {
        if (this.stopped) break;
        events++;
        this.apply(event);
      }
    } finally {
      watch.close();
      this.watch = undefined;
    }
    return events;
  }

  private apply(event: WatchEvent<T>): void {
    if (event.type === 'ERROR') throw new ApiError(event.object as unknown as Status);
    if (event.type === 'DELETED') this.drop(keyOf(event.object), event.object);
    else if (event.type !== 'BOOKMARK') this.put(event.object);
    this.resourceVersion = event.object.metadata?.resourceVersion ?? this.resourceVersion;
  }

  private put(found: T): void {
    // Items of a list may come without their type; handlers and event recorders rely on it.
    const object =
      found.kind && found.apiVersion ? found : { ...found, apiVersion: refApiVersion(this.ref), kind: this.ref.kind };
    const old = this.cache.set(object);
    if (!old) this.deliver((handler) => handler.add?.(object));
    else if (old.metadata?.uid !== object.metadata?.uid) {
      this.deliver((handler) => handler.delete?.(old));
      this.deliver((handler) => handler.add?.(object));
    } else if (old.metadata?.resourceVersion !== object.metadata?.resourceVersion) {
      this.deliver((handler) => handler.update?.(object, old));
    }
  }

  private drop(key: string, last?: T): void {
    const old = this.cache.remove(key);
    if (old) this.deliver((handler) => handler.delete?.(last ?? old));
  }

  private deliver(call: (handler: InformerHandler<T>) => void): void {
    for (const handler of this.handlers) this.guard(() => call(handler));
  }

  /** One handler's fault must not stop the others or the watch. */
  private guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.log.error('a handler failed', { error: error as Error });
    }
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.pause = undefined;
        resolve();
      };
      this.pause = { timer: this.options.clock.setTimeout(end, ms), end };
    });
  }
}

const isGone = (error: unknown): boolean =>
  error instanceof ApiError && (error.code === 410 || error.reason === 'Expired' || error.reason === 'Gone');
