import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../clock';
import { type Logger, silentLogger } from '../log';
import { readBackup } from './backup';
import { type Recovery, recover } from './datafile';
import { Sealer } from './encryption';
import { lockDirectory } from './lock';
import { defaultLogSize, firstRevision } from './memory-store';
import { type FsyncPolicy, NedbJournal } from './nedb-journal';
import { StoredRevision } from './objects';
import { RevisionedStore } from './revisioned-store';
import { type Store, StoreError } from './types';

export interface StoreOptions {
  /** Made when it is not there (mode 0700). */
  directory: string;
  clock?: Clock;
  /**
   * When the disk is told to write: with every batch, every second, or when the
   * system likes. A killed process loses nothing with any of them; a power cut
   * loses what the disk had not been told. Default: interval.
   */
  fsync?: FsyncPolicy;
  /** Events kept for watches (10,000); older ones answer `expired`. */
  logSize?: number;
  log?: Logger;
  /** Encrypts Secrets on disk. A directory once written with a key needs it from then on. */
  encryption?: { key: Buffer };
  /** Bytes of replaced records from which the data file is rewritten (32 MiB), if they are also twice what is current. */
  compactAfterBytes?: number;
}

/** A store on disk, and what had to be repaired to open it. */
export interface OpenedStore extends Store {
  readonly recovery: Recovery;
}

const dataFile = (directory: string): string => join(directory, 'store.db');
const lockFile = (directory: string): string => join(directory, 'store.lock');

/**
 * Opens the store of a data directory, or makes one. An incomplete last line is
 * dropped (it was never acknowledged); damaged lines are logged and left out, and
 * the file as it was is kept beside it.
 * @throws DirectoryLockedError when another process has it open
 * @throws StoreError io when nothing in the file can be read, or not with this key
 */
export async function openStore(options: StoreOptions): Promise<OpenedStore> {
  const { directory, clock = systemClock, fsync = 'interval', logSize = defaultLogSize, log = silentLogger } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const unlock = await lockDirectory(directory, lockFile(directory));
  try {
    const file = dataFile(directory);
    const recovery = await recover(file, clock.now());
    report(file, recovery, log);
    const sealer = options.encryption && new Sealer(options.encryption.key);
    const { compactAfterBytes } = options;
    const { journal, records, revision } = await NedbJournal.open({
      file,
      clock,
      log,
      fsync,
      sealer,
      compactAfterBytes,
    });
    const store = new RevisionedStore({
      journal,
      log,
      logSize,
      objects: records.map(
        ({ key, revision, createRevision, json }) => new StoredRevision(key, revision, createRevision, json),
      ),
      // A damaged line may have held a later revision that clients have seen.
      revision: Math.max(firstRevision, revision + recovery.corruptLines.length),
      now: () => clock.now(),
      onClose: unlock,
    });
    return Object.assign(store, { recovery });
  } catch (error) {
    await unlock();
    throw error;
  }
}

function report(file: string, { tornBytes, corruptLines, goodLines, copy }: Recovery, log: Logger): void {
  if (tornBytes > 0) log.warn('dropped an incomplete last line', { file, bytes: tornBytes });
  if (corruptLines.length === 0) return;
  if (goodLines === 0) {
    throw new StoreError(
      'io',
      `${file} is damaged and nothing in it can be read; it was copied to ${copy}. Restore a backup, or move it away to start empty`,
    );
  }
  log.error('the data file is damaged; what could be read was kept', {
    file,
    damagedLines: corruptLines.length,
    firstLines: corruptLines.slice(0, 10),
    readableLines: goodLines,
    copy,
  });
}

/**
 * Makes a backup the content of a data directory. What was there is renamed to
 * `store.db.replaced-TIME`, not lost. The store must not be open.
 * @throws DirectoryLockedError | StoreError io
 */
export async function restore(
  file: string,
  directory: string,
  options: Pick<StoreOptions, 'clock' | 'log' | 'encryption'> = {},
): Promise<{ objects: number; revision: number }> {
  const { clock = systemClock, log = silentLogger } = options;
  const backup = await readBackup(file);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const unlock = await lockDirectory(directory, lockFile(directory));
  try {
    const target = dataFile(directory);
    const building = `${target}.restoring-${process.pid}`;
    const sealer = options.encryption && new Sealer(options.encryption.key);
    const { journal } = await NedbJournal.open({ file: building, clock, log, fsync: 'interval', sealer });
    const records = [...backup.objects].sort((a, b) => a.revision - b.revision);
    for (let at = 0; at < records.length; at += 1000) await journal.append(records.slice(at, at + 1000));
    // The last writes before the backup may have been deletions: the revision goes on from there.
    if ((records.at(-1)?.revision ?? 0) < backup.revision) {
      await journal.append([
        { revision: backup.revision, createRevision: backup.revision, key: '/registry/-/-/restored' },
      ]);
    }
    await journal.close();
    const stamp = new Date(clock.now()).toISOString().replace(/[-:]|\.\d+/g, '');
    await rename(target, `${target}.replaced-${stamp}`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rename(building, target);
    return { objects: records.length, revision: backup.revision };
  } finally {
    await unlock();
  }
}
