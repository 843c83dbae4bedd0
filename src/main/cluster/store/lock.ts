import { constants, copyFile, link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { StoreError } from './types';

/** Another process has the data directory open. */
export class DirectoryLockedError extends StoreError {
  constructor(
    directory: string,
    readonly pid: number,
  ) {
    super('io', `the data directory ${directory} is in use by process ${pid}`);
    this.name = 'DirectoryLockedError';
  }
}

interface Owner {
  pid: number;
  /** When the process started, where the system tells: a pid alone may have been given to another since. */
  started?: string;
  token: string;
}

/** Start time of a process in the system's own terms; undefined where /proc is not there. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    // The name (in brackets) may hold anything; the start time is the 20th field after it.
    return `${boot.trim()}:${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return undefined;
  }
}

async function isAlive(owner: Owner): Promise<boolean> {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return owner.started === undefined || owner.started === (await startOf(owner.pid));
}

async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Owner;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    // Unreadable content is from no living process: a lock appears whole or not at all.
    if (error instanceof SyntaxError) return { pid: 0, started: 'never', token: '' };
    throw error;
  }
}

/**
 * Takes `file` as the lock of a directory, also from a process that died with it.
 * @returns the release
 * @throws DirectoryLockedError when a living process (this one included) holds it
 */
export async function lockDirectory(directory: string, file: string): Promise<() => Promise<void>> {
  const token = randomUUID();
  const mine = `${file}.${token}`;
  const owner: Owner = { pid: process.pid, started: await startOf(process.pid), token };
  await writeFile(mine, JSON.stringify(owner), { mode: 0o600 });
  try {
    for (;;) {
      try {
        await appear(mine, file);
        return async () => {
          if ((await readOwner(file))?.token === token) await rm(file, { force: true });
        };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = await readOwner(file);
      if (!holder) continue;
      if (holder.pid > 0 && (await isAlive(holder))) throw new DirectoryLockedError(directory, holder.pid);
      await takeAway(file, holder, `${mine}.stale`);
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** A link appears with its content or fails because another was first; not every file system has links. */
async function appear(mine: string, file: string): Promise<void> {
  try {
    await link(mine, file);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
    await copyFile(mine, file, constants.COPYFILE_EXCL);
  }
}

/** Removes a dead holder's lock, unless another process did so first and holds it now. */
async function takeAway(file: string, holder: Owner, aside: string): Promise<void> {
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await readOwner(aside))?.token !== holder.token) await link(aside, file).catch(() => {});
  await rm(aside, { force: true });
}
