import { constants, copyFile, link, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
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

/** Where the successor of a dead holder signs. Only one can be first, however many see it dead. */
const successorOf = (file: string, owner: Owner): string => `${file}.next-${owner.token}`;

/** Who holds the lock: the last of those who each took it from a dead one. */
async function holderOf(file: string): Promise<Owner | undefined> {
  let holder: Owner | undefined;
  for (let next = await readOwner(file); next; next = await readOwner(successorOf(file, next))) holder = next;
  return holder;
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
      const holder = await holderOf(file);
      if (holder && holder.pid > 0 && (await isAlive(holder))) throw new DirectoryLockedError(directory, holder.pid);
      const place = holder ? successorOf(file, holder) : file;
      try {
        await appear(mine, place);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
        throw error;
      }
      if ((await holderOf(file))?.token === token) break;
      // Another took over and tidied up between the look and the signature: this one follows nobody.
      await rm(place, { force: true });
    }
    await tidy(mine, file);
  } finally {
    await rm(mine, { force: true });
  }
  return async () => {
    if ((await readOwner(file))?.token === token) await rm(file, { force: true });
  };
}

/** Puts the new holder in the place of the dead ones. From here on only its own signature counts. */
async function tidy(mine: string, file: string): Promise<void> {
  if ((await readFile(file, 'utf8')) !== (await readFile(mine, 'utf8'))) await rename(mine, file);
  const signatures = (await readdir(dirname(file))).filter((name) => name.startsWith(`${basename(file)}.next-`));
  for (const name of signatures) await rm(join(dirname(file), name), { force: true });
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
