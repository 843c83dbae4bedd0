import type { KubeObject } from '@shared/k8s';
import type { Logger } from '../log';
import { writeBackup } from './backup';
import { EventLog } from './event-log';
import type { Journal } from './journal';
import { KeySpace } from './key-space';
import { StoredRevision } from './objects';
import { type ListResult, type Store, StoreError, type StoredObject, type StoreEvent, type StoreWatch } from './types';
import { Watchers } from './watchers';

/** A write that has its revision and waits to be durable. */
interface Write {
  type: StoreEvent['type'];
  object: StoredRevision;
  previous: StoredObject | undefined;
  /** Resolves when it was made visible, rejects when it was lost. */
  done: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

export interface RevisionedStoreOptions {
  journal: Journal;
  log: Logger;
  /** Events kept for watches. */
  logSize: number;
  /** Bytes of JSON the kept events may hold (16 MiB). */
  logBytes?: number;
  /** What the journal held, and the last revision it saw. */
  objects: Iterable<StoredObject>;
  revision: number;
  /** Milliseconds since the epoch, for the header of a backup. */
  now(): number;
  /** Called when the store has closed its journal. */
  onClose?(): Promise<void>;
}

/**
 * The store: the current objects in memory, a log of the last changes, and a
 * journal. A write is checked against what is durable plus what is on its way,
 * gets its revision, and joins the next batch of the journal; when the batch is
 * kept, its writes become visible one by one in revision order.
 */
export class RevisionedStore implements Store {
  private readonly objects = new KeySpace();
  private readonly events: EventLog;
  private readonly watchers: Watchers;
  /** The last write to each key that is not durable yet. */
  private readonly pending = new Map<string, Write>();
  private queue: Write[] = [];
  private flushing: Promise<void> | undefined;
  private durable: number;
  private assigned: number;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: RevisionedStoreOptions) {
    this.durable = this.assigned = options.revision;
    this.objects.load(options.objects);
    this.events = new EventLog(options.logSize, options.logBytes ?? 16 * 1024 * 1024, options.revision);
    this.watchers = new Watchers((error) => options.log.error('a watcher failed', { error: String(error) }));
  }

  get revision(): number {
    return this.durable;
  }

  get(key: string): StoredObject | undefined {
    return this.objects.get(key);
  }

  list(prefix: string): ListResult {
    return { items: this.objects.list(prefix), revision: this.durable };
  }

  count(prefix: string): number {
    return this.objects.count(prefix);
  }

  create(key: string, value: KubeObject): Promise<StoredObject> {
    return this.accept(
      key,
      (current) => current && new StoreError('exists', `${key} exists`, current),
      () => {
        const revision = this.next();
        return { type: 'PUT', object: StoredRevision.write(key, revision, revision, value) };
      },
    );
  }

  update(key: string, value: KubeObject, expectedRevision: number): Promise<StoredObject> {
    return this.accept(
      key,
      (current) => refusal(key, current, expectedRevision),
      (current) => ({ type: 'PUT', object: StoredRevision.write(key, this.next(), current!.createRevision, value) }),
    );
  }

  delete(key: string, expectedRevision?: number): Promise<StoredObject> {
    return this.accept(
      key,
      (current) => refusal(key, current, expectedRevision),
      (current) => {
        const object = StoredRevision.write(key, this.next(), current!.createRevision, current!.value);
        return { type: 'DELETE', object };
      },
    );
  }

  watch(prefix: string, fromRevision: number, onEvent: (event: StoreEvent) => void): StoreWatch {
    if (this.closing) throw new StoreError('closed', 'the store is closed');
    if (fromRevision > this.durable) {
      throw new StoreError('future', `too large resource version: ${fromRevision}, current: ${this.durable}`);
    }
    return this.watchers.add(prefix, fromRevision, this.events.after(fromRevision), onEvent);
  }

  backup(file: string): Promise<void> {
    return writeBackup(file, this.objects.list('/registry/'), this.durable, this.options.now());
  }

  /** Waits for writes on their way, then closes the journal. Later writes fail with `closed`. */
  close(): Promise<void> {
    return (this.closing ??= (async () => {
      while (this.flushing) await this.flushing;
      this.watchers.closeAll();
      await this.options.journal.close();
      await this.options.onClose?.();
    })());
  }

  /** What the key will hold once all accepted writes are durable. */
  private current(key: string): StoredObject | undefined {
    const write = this.pending.get(key);
    if (!write) return this.objects.get(key);
    return write.type === 'PUT' ? write.object : undefined;
  }

  /**
   * Checks a write and queues it in the same turn, so that nothing comes in between.
   * A refusal that rests on a write still on its way waits for that one and looks
   * again: otherwise a caller that reads and retries would not see what it lost
   * against, and would spin.
   */
  private async accept(
    key: string,
    refuse: (current: StoredObject | undefined) => StoreError | undefined,
    build: (current: StoredObject | undefined) => Pick<Write, 'type' | 'object'>,
  ): Promise<StoredObject> {
    for (;;) {
      const current = this.current(key);
      const error = refuse(current);
      if (!error) return this.write(build(current), current);
      const write = this.pending.get(key);
      if (!write) throw error;
      await write.done.catch(() => {});
    }
  }

  private next(): number {
    if (this.closing) throw new StoreError('closed', 'the store is closed');
    return ++this.assigned;
  }

  private async write(
    { type, object }: Pick<Write, 'type' | 'object'>,
    previous: StoredObject | undefined,
  ): Promise<StoredObject> {
    let resolve!: () => void;
    let reject!: (error: unknown) => void;
    const done = new Promise<void>((onResolve, onReject) => {
      resolve = onResolve;
      reject = onReject;
    });
    const write: Write = { type, object, previous, done, resolve, reject };
    this.pending.set(object.key, write);
    this.queue.push(write);
    this.flushing ??= this.flush();
    await done;
    return object;
  }

  /** Takes what is queued as one batch, again and again until nothing is left. */
  private async flush(): Promise<void> {
    // Writes of the same turn go together.
    await Promise.resolve();
    while (this.queue.length > 0) {
      const batch = this.queue;
      this.queue = [];
      try {
        await this.options.journal.append(
          batch.map(({ type, object }) => ({
            revision: object.revision,
            createRevision: object.createRevision,
            key: object.key,
            ...(type === 'PUT' ? { json: object.json } : {}),
          })),
        );
      } catch (error) {
        this.lose(batch, error);
        continue;
      }
      for (const write of batch) this.apply(write);
      if (batch.some(({ previous }) => previous)) {
        this.options.journal.superseded(() => this.objects.list('/registry/'));
      }
    }
    this.flushing = undefined;
  }

  private apply(write: Write): void {
    const { type, object, previous } = write;
    if (type === 'PUT') this.objects.put(object);
    else this.objects.delete(object.key);
    this.durable = object.revision;
    if (this.pending.get(object.key) === write) this.pending.delete(object.key);
    const event: StoreEvent = { type, revision: object.revision, key: object.key, object, previous };
    this.events.push(event);
    this.watchers.dispatch(event);
    object.settle();
    write.resolve();
  }

  /** A batch could not be kept: it fails, and so does all that was queued behind and may build on it. */
  private lose(batch: Write[], cause: unknown): void {
    const lost = [...batch, ...this.queue];
    this.queue = [];
    this.pending.clear();
    this.options.log.error('writes could not be kept', { count: lost.length, error: String(cause) });
    const error = new StoreError(
      'io',
      `the write could not be kept: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
    for (const write of lost) write.reject(error);
  }
}

function refusal(key: string, current: StoredObject | undefined, expected: number | undefined): StoreError | undefined {
  if (!current) return new StoreError('notFound', `${key} not found`);
  if (expected === undefined || current.revision === expected) return undefined;
  return new StoreError('conflict', `${key} is at revision ${current.revision}, not ${expected}`, current);
}
