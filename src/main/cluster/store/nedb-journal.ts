import { open, stat, truncate } from 'node:fs/promises';
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

export interface NedbJournalOptions {
  file: string;
  clock: Clock;
  log: Logger;
  fsync: FsyncPolicy;
  sealer?: Sealer;
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
  private newest = '';
  private syncTimer: Timer | undefined;

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
      this.newest = docs.at(-1)!._id;
    });
    if (this.options.fsync === 'interval') this.syncSoon();
  }

  superseded(revisions: readonly number[]): void {
    for (const revision of revisions) this.garbage.push(idOf(revision));
    if (this.garbage.length < removalBatch) return;
    this.exclusively(() => this.tidy()).catch((error) => {
      this.options.log.warn('the journal could not be tidied', { error: String(error) });
    });
  }

  async close(): Promise<void> {
    this.syncTimer?.cancel();
    this.syncTimer = undefined;
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
    this.newest = docs.at(-1)?._id ?? '';
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
    if (readable > 0) await this.compact();
    return { records, revision: Number(this.newest) };
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
    const ids = this.garbage.filter((id) => id !== this.newest);
    this.garbage = this.garbage.filter((id) => id === this.newest);
    this.appending = 0;
    try {
      await this.removeAll(ids);
    } catch (error) {
      this.failed = { ids: [] };
      throw error;
    }
    this.size += this.appending;
    if (this.size - this.compactedSize > Math.max(compactAfterBytes, 2 * this.compactedSize)) await this.compact();
  }

  private async removeAll(ids: string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += removalBatch) {
      await this.db.remove({ _id: { $in: ids.slice(at, at + removalBatch) } }, { multi: true });
    }
  }

  /** Rewrites the file with what is current: into a second file that then takes its name. */
  private async compact(): Promise<void> {
    await (this.db as unknown as { compactDatafileAsync(): Promise<void> }).compactDatafileAsync();
    this.size = this.compactedSize = (await stat(this.options.file)).size;
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
      this.exclusively(() => this.sync()).catch((error) => {
        this.options.log.error('the journal could not be flushed to the disk', { error: String(error) });
      });
    }, fsyncIntervalMs);
  }
}
