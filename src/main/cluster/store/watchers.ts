import type { StoreEvent, StoreWatch } from './types';
import { bucketOf, bucketOfPrefix } from './key-space';

class Watcher implements StoreWatch {
  closed = false;
  constructor(
    readonly prefix: string,
    /** The last revision it was told of, or has no wish to be told of. */
    public seen: number,
    private readonly onEvent: (event: StoreEvent) => void,
    private readonly onClose: (watcher: Watcher) => void,
    private readonly onFault: (error: unknown) => void,
  ) {}

  deliver(event: StoreEvent): void {
    if (this.closed || event.revision <= this.seen) return;
    this.seen = event.revision;
    if (!event.key.startsWith(this.prefix)) return;
    try {
      this.onEvent(event);
    } catch (error) {
      // One watcher's fault must not keep an event from the others.
      this.onFault(error);
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.onClose(this);
  }
}

/** Who is to be told of changes, found by resource. */
export class Watchers {
  private readonly byBucket = new Map<string, Set<Watcher>>();
  /** Watches that span resources. */
  private readonly wide = new Set<Watcher>();

  constructor(private readonly onFault: (error: unknown) => void) {}

  /** Registers a watch and replays `missed` to it. */
  add(
    prefix: string,
    fromRevision: number,
    missed: readonly StoreEvent[],
    onEvent: (event: StoreEvent) => void,
  ): StoreWatch {
    const group = this.groupOf(prefix);
    const watcher = new Watcher(prefix, fromRevision, onEvent, (closed) => group.delete(closed), this.onFault);
    group.add(watcher);
    for (const event of missed) watcher.deliver(event);
    return watcher;
  }

  dispatch(event: StoreEvent): void {
    // A watcher added meanwhile has replayed this event and skips it by its revision.
    for (const watcher of this.byBucket.get(bucketOf(event.key)) ?? []) watcher.deliver(event);
    for (const watcher of this.wide) watcher.deliver(event);
  }

  closeAll(): void {
    for (const group of [...this.byBucket.values(), this.wide]) for (const watcher of group) watcher.close();
  }

  private groupOf(prefix: string): Set<Watcher> {
    const bucket = bucketOfPrefix(prefix);
    if (bucket === undefined) return this.wide;
    let group = this.byBucket.get(bucket);
    if (!group) this.byBucket.set(bucket, (group = new Set()));
    return group;
  }
}
