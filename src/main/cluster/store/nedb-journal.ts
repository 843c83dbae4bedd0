import { type FileHandle, open, rename, rm, stat, truncate } from 'node:fs/promises';
import Datastore from 'nedb-promises';
import type { Clock, Timer } from '../clock';
import type { Logger } from '../log';
import { AppendFile } from './append-file';
import { openLine, sealLine } from './datafile';
import { isSecret, type Sealer } from './encryption';
import type { Journal, JournalRecord } from './journal';
import { StoreError } from './types';

export type FsyncPolicy = 'always' | 'interval' | 'never';

/**
 * One write. Every write is a document under its own revision, so that creates,
 * updates and deletes travel in one batch; on load the highest revision of a key
 * wins, and rewriting the file leaves the others out.
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

const fsyncIntervalMs = 1000;
const compactAfterBytes = 32 * 1024 * 1024;
const linesPerTurn = 100;
const rewriteSuffix = '.next';
/** Replaced records from which a file is rewritten when it is opened, if they are also more than what is current. */
const rewriteAfterReplaced = 64;

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

/**
 * The journal on disk: NeDB's data file. NeDB reads it when the store is opened;
 * writes are appended to it as NeDB would, without its second copy of everything
 * in memory, for the store has the first.
 */
export class NedbJournal implements Journal {
  private readonly file: AppendFile;
  /** Operations on the file, one after the other. */
  private tail: Promise<unknown> = Promise.resolve();
  /** Bytes of the file that are known to be good. */
  private size = 0;
  private compactedSize = 0;
  /** An append failed and may have left half a line. */
  private failed = false;
  private newest: Doc | undefined;
  private compacting: Promise<void> | undefined;
  private syncTimer: Timer | undefined;
  private syncing: Promise<void> | undefined;

  private constructor(private readonly options: NedbJournalOptions) {
    this.file = new AppendFile(options.file);
  }

  /** Opens or creates the file. @throws StoreError io when secrets cannot be decrypted */
  static async open(options: NedbJournalOptions): Promise<LoadedJournal> {
    const journal = new NedbJournal(options);
    // A rewrite that was interrupted: the file it was to replace is whole.
    await rm(`${options.file}${rewriteSuffix}`, { force: true });
    const docs = await loadDocuments(options.file);
    const { records, readable } = journal.read(docs);
    journal.size = journal.compactedSize = (await stat(options.file)).size;
    const replaced = docs.length - records.length;
    // Secrets from a time without a key do not wait for the next rewrite.
    if (readable || replaced > Math.max(records.length, rewriteAfterReplaced)) await journal.compact(records);
    return { journal, records, revision: Number(journal.newest?._id ?? 0) };
  }

  async append(records: readonly JournalRecord[]): Promise<void> {
    const docs = records.map((record) => this.encode(record));
    const bytes = Buffer.from(docs.map(toLine).join(''));
    await this.exclusively(async () => {
      await this.repair();
      try {
        await this.file.append(bytes);
        if (this.options.fsync === 'always') await this.sync();
      } catch (error) {
        this.failed = true;
        await this.repair().catch(() => {});
        throw error;
      }
      this.size += bytes.length;
      this.newest = docs.at(-1)!;
    });
    if (this.options.fsync === 'interval') this.syncSoon();
  }

  superseded(live: () => readonly JournalRecord[]): void {
    const least = this.options.compactAfterBytes ?? compactAfterBytes;
    if (this.compacting || this.size - this.compactedSize <= Math.max(least, 2 * this.compactedSize)) return;
    this.compacting = this.compact(live())
      .catch((error) => this.options.log.warn('the journal could not be rewritten', { error: String(error) }))
      .finally(() => (this.compacting = undefined));
  }

  async close(): Promise<void> {
    this.syncTimer?.cancel();
    this.syncTimer = undefined;
    await this.compacting;
    await this.syncing;
    await this.exclusively(async () => {
      if (this.options.fsync !== 'never') await this.sync();
      await this.file.close();
    });
  }

  /** Puts documents into records: the last of each key that is not a deletion. `readable`: a secret is not encrypted. */
  private read(docs: readonly Doc[]): { records: LoadedJournal['records']; readable: boolean } {
    const last = new Map<string, Doc>();
    for (const doc of docs) last.set(doc.k, doc);
    this.newest = docs.at(-1);
    const records: LoadedJournal['records'] = [];
    let readable = false;
    for (const doc of last.values()) {
      const json = this.decode(doc);
      if (json === undefined) continue;
      records.push({ revision: Number(doc._id), createRevision: doc.c, key: doc.k, json });
      readable ||= doc.j !== undefined && this.options.sealer !== undefined && isSecret(doc.k);
    }
    return { records, readable };
  }

  private encode({ revision, createRevision, key, json }: JournalRecord): Doc {
    const { sealer } = this.options;
    const _id = idOf(revision);
    if (json === undefined) return { _id, k: key, c: createRevision };
    if (sealer && isSecret(key)) return { _id, k: key, c: createRevision, e: sealer.seal(key, revision, json) };
    return { _id, k: key, c: createRevision, j: json };
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
    await truncate(this.options.file, this.size);
    this.failed = false;
  }

  /**
   * Rewrites the file with what is current, while writes go on: current records go
   * to a second file a few at a time, then, with writes held, what was appended
   * meanwhile, and the second file takes the name of the first. (NeDB's own
   * rewriting holds writes for all of it.)
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
      if (newest && !newest.j && !newest.e) await out.appendFile(toLine(newest));
      for (let at = 0; at < live.length; at += linesPerTurn) {
        const lines = live.slice(at, at + linesPerTurn).map((record) => toLine(this.encode(record)));
        await out.appendFile(lines.join(''));
      }
      await out.datasync();
      await this.exclusively(async () => {
        await this.repair();
        await appendRange(file, from, this.size, out);
        await out.datasync();
        const { size } = await out.stat();
        await out.close();
        // Not every system renames over a file that is open.
        await this.file.close();
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

const toLine = (doc: Doc): string => `${sealLine(JSON.stringify(doc))}\n`;

/** Reads a data file with NeDB, which also makes it when it is not there; documents in the order of their revisions. */
async function loadDocuments(filename: string): Promise<Doc[]> {
  const options = {
    filename,
    // Damage was found, reported and copied before NeDB reads the file.
    corruptAlertThreshold: 1,
    modes: { fileMode: 0o600, dirMode: 0o700 },
    afterSerialization: sealLine,
    beforeDeserialization: openLine,
  } as Parameters<typeof Datastore.create>[0];
  const db = Datastore.create(options) as unknown as Datastore<Doc>;
  await db.load();
  const docs = (await db.find({})) as Doc[];
  return docs.sort((a, b) => (a._id < b._id ? -1 : 1));
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
