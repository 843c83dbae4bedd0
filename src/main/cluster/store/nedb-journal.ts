import { type FileHandle, open, rename, rm, stat, truncate } from 'node:fs/promises';
import Datastore from 'nedb-promises';
import type { Clock, Timer } from '../clock';
import type { Logger } from '../log';
import { openLine, sealLine } from './datafile';
import { isSecret, type Sealer } from './encryption';
import type { Journal, JournalRecord } from './journal';
import { StoreError } from './types';

export type FsyncPolicy = 'always' | 'interval' | 'never';

/**
 * One write. Every write is an insert under its own revision, so that creates,
 * updates and deletes travel in one batch; what it replaces is removed later, and
 * on load the highest revision of a key wins.
 */
interface Doc {
  _id: string;
  /** Key. */
  k: string;
  /** Create revision. */
  c: number;
  /** JSON of the object. */
  j?: string;
  /** The same, encrypted. Without j and e the record is a deletion. */
  e?: string;
}

const idOf = (revision: number): string => String(revision).padStart(16, '0');

/** Small, because NeDB matches every candidate of `$in` against the whole list. */
const removalBatch = 64;
const fsyncIntervalMs = 1000;
const compactAfterBytes = 32 * 1024 * 1024;
const linesPerTurn = 100;
const rewriteSuffix = '.next';

export interface NedbJournalOptions {
  file: string;
  clock: Clock;
  log: Logger;
  fsync: FsyncPolicy;
  sealer?: Sealer;
  /** Bytes of replaced records from which the file is rewritten (32 MiB), if they are also twice what is current. */
  compactAfterBytes?: number;
}

/** What a journal held when it was opened: the last record of each key that is not deleted. */
export interface LoadedJournal {
  journal: NedbJournal;
  records: (JournalRecord & { json: string })[];
  /** The highest revision seen, also when it was a deletion. */
  revision: number;
}

/** The journal on disk: NeDB's append-only data file. */
export class NedbJournal implements Journal {
  private readonly db: Datastore<Doc>;
  /** Operations on the file, one after the other. */
  private tail: Promise<unknown> = Promise.resolve();
  /** Bytes of the file that are known to be good. */
  private size = 0;
  private compactedSize = 0;
  private appending = 0;
  /** An append failed and may have left half a line and documents in NeDB's memory. */
  private failed: { ids: string[] } | undefined;
  private garbage: string[] = [];
  private newest: Doc | undefined;
  private compacting: Promise<void> | undefined;
  private syncTimer: Timer | undefined;
  private syncing: Promise<void> | undefined;

  private constructor(private readonly options: NedbJournalOptions) {
    this.db = Datastore.create({
      filename: options.file,
      // Damage was found, reported and copied before NeDB reads the file.
      corruptAlertThreshold: 1,
      modes: { fileMode: 0o600, dirMode: 0o700 },
      afterSerialization: (json: string) => {
        const line = sealLine(json);
        this.appending += Buffer.byteLength(line) + 1;
        return line;
      },
      beforeDeserialization: openLine,
    } as Parameters<typeof Datastore.create>[0]) as unknown as Datastore<Doc>;
  }

  /** Opens or creates the file. @throws StoreError io when secrets cannot be decrypted */
  static async open(options: NedbJournalOptions): Promise<LoadedJournal> {
    const journal = new NedbJournal(options);
    // A rewrite that was interrupted: the file it was to replace is whole.
    await rm(`${options.file}${rewriteSuffix}`, { force: true });
    await journal.db.load();
    const docs = (await journal.db.find({})) as Doc[];
    const loaded = await journal.read(docs.sort((a, b) => (a._id < b._id ? -1 : 1)));
    journal.size = journal.compactedSize = (await stat(options.file)).size;
    return { journal, ...loaded };
  }

  async append(records: readonly JournalRecord[]): Promise<void> {
    const docs = records.map((record) => this.encode(record));
    await this.exclusively(async () => {
      await this.repair();
      this.appending = 0;
      try {
        await this.db.insertMany(docs);
        if (this.options.fsync === 'always') await this.sync();
      } catch (error) {
        this.failed = { ids: docs.map((doc) => doc._id) };
        await this.repair().catch(() => {});
        throw error;
      }
      this.size += this.appending;
      this.newest = docs.at(-1)!;
    });
    if (this.options.fsync === 'interval') this.syncSoon();
  }

  superseded(revisions: readonly number[], live: () => readonly JournalRecord[]): void {
    for (const revision of revisions) this.garbage.push(idOf(revision));
    const least = this.options.compactAfterBytes ?? compactAfterBytes;
    if (!this.compacting && this.size - this.compactedSize > Math.max(least, 2 * this.compactedSize)) {
      this.compacting = this.compact(live())
        .catch((error) => this.options.log.warn('the journal could not be rewritten', { error: String(error) }))
        .finally(() => (this.compacting = undefined));
    }
    if (this.garbage.length < removalBatch) return;
    this.exclusively(() => this.tidy()).catch((error) => {
      this.options.log.warn('the journal could not be tidied', { error: String(error) });
    });
  }

  async close(): Promise<void> {
    this.syncTimer?.cancel();
    this.syncTimer = undefined;
    await this.compacting;
    await this.syncing;
    await this.exclusively(async () => {
      if (this.options.fsync !== 'never') await this.sync();
    });
  }

  /** Puts documents into records, and encrypts secrets from a time without a key. */
  private async read(docs: Doc[]): Promise<Omit<LoadedJournal, 'journal'>> {
    const last = new Map<string, Doc>();
    for (const doc of docs) {
      const replaced = last.get(doc.k);
      if (replaced) this.garbage.push(replaced._id);
      last.set(doc.k, doc);
    }
    this.newest = docs.at(-1);
    const records: LoadedJournal['records'] = [];
    let readable = 0;
    for (const doc of last.values()) {
      const json = this.decode(doc);
      if (json === undefined) {
        this.garbage.push(doc._id);
        continue;
      }
      const record = { revision: Number(doc._id), createRevision: doc.c, key: doc.k, json };
      records.push(record);
      if (doc.j !== undefined && this.options.sealer && isSecret(doc.k)) {
        await this.db.update({ _id: doc._id }, this.encode(record));
        readable += 1;
      }
    }
    if (readable > 0) await (this.db as unknown as { compactDatafileAsync(): Promise<void> }).compactDatafileAsync();
    return { records, revision: Number(this.newest?._id ?? 0) };
  }

  private encode({ revision, createRevision, key, json }: JournalRecord): Doc {
    const { sealer } = this.options;
    const doc: Doc = { _id: idOf(revision), k: key, c: createRevision };
    if (json === undefined) return doc;
    if (sealer && isSecret(key)) return { ...doc, e: sealer.seal(key, revision, json) };
    return { ...doc, j: json };
  }

  private decode(doc: Doc): string | undefined {
    if (doc.e === undefined) return doc.j;
    if (!this.options.sealer) throw new StoreError('io', `${doc.k} is encrypted and no encryption key was given`);
    return this.options.sealer.open(doc.k, Number(doc._id), doc.e);
  }

  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.tail.then(work);
    this.tail = result.catch(() => {});
    return result;
  }

  /** Undoes a failed append. Until that works, nothing is appended: the next line would join the half one. */
  private async repair(): Promise<void> {
    if (!this.failed) return;
    const { ids } = this.failed;
    await truncate(this.options.file, this.size);
    if (ids.length > 0) {
      // Takes them from NeDB's memory first; if the lines that say so cannot be written, they are cut off again.
      await this.removeAll(ids).catch(() => {});
      this.failed = { ids: [] };
      await truncate(this.options.file, this.size);
    }
    this.failed = undefined;
  }

  /** Removes replaced records. The newest stays even if it is a deletion: it carries the revision of the store. */
  private async tidy(): Promise<void> {
    await this.repair();
    const newest = this.newest?._id;
    const ids = this.garbage.filter((id) => id !== newest);
    this.garbage = this.garbage.filter((id) => id === newest);
    this.appending = 0;
    try {
      await this.removeAll(ids);
    } catch (error) {
      this.failed = { ids: [] };
      throw error;
    }
    this.size += this.appending;
  }

  private async removeAll(ids: string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += removalBatch) {
      await this.db.remove({ _id: { $in: ids.slice(at, at + removalBatch) } }, { multi: true });
    }
  }

  /**
   * Rewrites the file with what is current, while writes go on: current records go
   * to a second file a few at a time, then, with writes held, what was appended
   * meanwhile, and the second file takes the name of the first. (NeDB's own
   * compaction holds writes for all of it; it opens the file by name for every
   * append, so it follows.)
   */
  private async compact(live: readonly JournalRecord[]): Promise<void> {
    const { file } = this.options;
    const from = this.size;
    // Before it is set, a failed rewrite would be tried again with every batch.
    this.compactedSize = this.size;
    const next = `${file}${rewriteSuffix}`;
    const newest = this.newest;
    const out = await open(next, 'w', 0o600);
    try {
      // A deletion that is the last write carries the revision of the store.
      if (newest && !newest.j && !newest.e) await out.appendFile(`${sealLine(JSON.stringify(newest))}\n`);
      for (let at = 0; at < live.length; at += linesPerTurn) {
        const lines = live.slice(at, at + linesPerTurn).map((record) => sealLine(JSON.stringify(this.encode(record))));
        await out.appendFile(`${lines.join('\n')}\n`);
      }
      await out.datasync();
      await this.exclusively(async () => {
        await this.repair();
        await appendRange(file, from, this.size, out);
        await out.datasync();
        const { size } = await out.stat();
        await out.close();
        await rename(next, file);
        this.compactedSize = size - (this.size - from);
        this.size = size;
      });
    } catch (error) {
      await out.close();
      await rm(next, { force: true });
      throw error;
    }
  }

  private async sync(): Promise<void> {
    const handle = await open(this.options.file, 'r+');
    try {
      await handle.datasync();
    } finally {
      await handle.close();
    }
  }

  private syncSoon(): void {
    this.syncTimer ??= this.options.clock.setTimeout(() => {
      this.syncTimer = undefined;
      // Beside the appends: what they add meanwhile is flushed the next time, and none waits for the disk.
      this.syncing = this.sync().catch((error) => {
        this.options.log.error('the journal could not be flushed to the disk', { error: String(error) });
      });
    }, fsyncIntervalMs);
  }
}

/** Appends the bytes of a file between two places to another. */
async function appendRange(file: string, start: number, end: number, out: FileHandle): Promise<void> {
  if (start >= end) return;
  const source = await open(file, 'r');
  try {
    for await (const chunk of source.createReadStream({ start, end: end - 1, autoClose: false })) {
      await out.appendFile(chunk as Buffer);
    }
  } finally {
    await source.close();
  }
}
