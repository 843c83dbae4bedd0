import type { Freshness, RowBatch, StreamParamsOf } from '@shared/bridge/contract';
import type { BridgeError } from '@shared/bridge/protocol';
import type { Row } from '@shared/kinds/types';
import type { StreamHandle } from '@/bridge';

export type RowsParams = StreamParamsOf<'rows'>;
export type Change = { before: Row | undefined; after: Row | undefined };
/** What a batch did; `all` when every row may be another. */
export type Changed = Change[] | 'all';

/** What live rows need of the bridge. */
export interface RowsSource {
  open(
    name: 'rows',
    params: RowsParams,
    handlers: { data(batch: RowBatch): void; end(error?: BridgeError): void; reopen(): RowsParams },
  ): StreamHandle<'rows'>;
}

/**
 * The rows of one stream, keyed by uid. While the connection is away they stay
 * and are marked stale; the first batch after it came back replaces them.
 */
export class LiveRows {
  readonly rows = new Map<string, Row>();
  freshness: Freshness;
  error: BridgeError | undefined;
  private readonly listeners = new Set<(changed: Changed) => void>();
  private handle: StreamHandle<'rows'>;
  private stale = false;

  constructor(
    private readonly source: RowsSource,
    readonly params: RowsParams,
    private readonly now: () => number,
  ) {
    this.freshness = { state: 'loading', since: now() };
    this.handle = this.open();
  }

  /** Hears of every batch and every change of freshness. Answers the removal. */
  listen(listener: (changed: Changed) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The connection is away: what is shown may be old. */
  disconnected(message: string): void {
    if (this.stale) return;
    this.stale = true;
    this.setFreshness({ state: 'stale', since: this.now(), message });
  }

  /** Asks anew, keeping what is shown until the answer comes. */
  refresh(): void {
    this.handle.close();
    this.error = undefined;
    this.stale = true;
    this.setFreshness({ state: this.rows.size ? 'resyncing' : 'loading', since: this.now() });
    this.handle = this.open();
  }

  close(): void {
    this.handle.close();
    this.listeners.clear();
  }

  private open(): StreamHandle<'rows'> {
    return this.source.open('rows', this.params, {
      data: (batch) => this.apply(batch),
      end: (error) => {
        this.error = error;
        this.setFreshness({ state: 'failed', since: this.now(), message: error?.message });
      },
      reopen: () => this.params,
    });
  }

  private setFreshness(freshness: Freshness): void {
    this.freshness = freshness;
    this.emit([]);
  }

  private emit(changed: Changed): void {
    for (const listener of this.listeners) listener(changed);
  }

  private apply(batch: RowBatch): void {
    this.freshness = batch.freshness;
    this.error = undefined;
    // The first batch of a stream that was opened again starts from nothing.
    const reset = batch.reset || (this.stale && batch.freshness.state !== 'loading');
    this.stale = false;
    if (reset) {
      this.rows.clear();
      for (const row of batch.upsert) this.rows.set(row.uid, row);
      return this.emit('all');
    }
    const changes: Change[] = [];
    for (const uid of batch.remove) {
      const before = this.rows.get(uid);
      if (before && this.rows.delete(uid)) changes.push({ before, after: undefined });
    }
    for (const row of batch.upsert) {
      changes.push({ before: this.rows.get(row.uid), after: row });
      this.rows.set(row.uid, row);
    }
    this.emit(changes);
  }
}
