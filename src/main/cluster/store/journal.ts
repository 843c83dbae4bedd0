/** One write as it is kept. A record without JSON is a deletion. */
export interface JournalRecord {
  readonly revision: number;
  readonly createRevision: number;
  readonly key: string;
  readonly json?: string;
}

/** Where writes are kept. Behind this are NeDB on disk, or nothing. */
export interface Journal {
  /**
   * Keeps the records, in revision order. Resolves once all of them survive the death of
   * the process; when it rejects, none of them will be there after a restart.
   * Never called again before the last call settled.
   */
  append(records: readonly JournalRecord[]): Promise<void>;
  /**
   * Says that records which were kept have been replaced.
   * @param live what is current, read only if the journal takes the occasion to rewrite itself
   */
  superseded(live: () => readonly JournalRecord[]): void;
  close(): Promise<void>;
}

/** Keeps nothing. */
export const memoryJournal: Journal = {
  append: async () => {},
  superseded: () => {},
  close: async () => {},
};
