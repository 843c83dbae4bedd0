import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readlink, rename, rm, symlink, writeFile, readFile, lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface ProjectedFile {
  data: Buffer;
  /** Permission bits. */
  mode: number;
}

const current = '..data';

/**
 * Makes a directory hold exactly these files (paths relative, with `/`). Readers see
 * the old set or the new one, never a mixture: files live in a hidden directory that
 * the link `..data` names, and that link is replaced in one step.
 * @param prepare called with the directory of the new files before anybody sees them
 * @returns whether anything changed
 */
export async function writeAtomically(
  directory: string,
  files: Map<string, ProjectedFile>,
  prepare?: (target: string) => Promise<void>,
): Promise<boolean> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const old = await readlink(join(directory, current)).catch(() => undefined);
  if (old !== undefined && (await same(join(directory, old), files))) return false;

  const version = `..${new Date().toISOString().replace(/[-:TZ.]/g, '_')}${randomBytes(4).toString('hex')}`;
  const target = join(directory, version);
  await mkdir(target, { mode: 0o755 });
  await Promise.all(
    [...files].map(async ([path, file]) => {
      const place = join(target, path);
      if (path.includes('/')) await mkdir(dirname(place), { recursive: true, mode: 0o755 });
      await writeFile(place, file.data);
      await chmod(place, file.mode);
    }),
  );
  await prepare?.(target);
  const roots = new Set([...files.keys()].map((path) => path.split('/')[0]!));
  const link = async (root: string): Promise<void> => {
    await symlink(`${current}/${root}`, join(directory, root)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  };
  if (old === undefined) {
    // Nobody reads yet.
    await Promise.all([symlink(version, join(directory, current)), ...[...roots].map(link)]);
    return true;
  }
  const temporary = join(directory, '..data_tmp');
  await rm(temporary, { force: true });
  await symlink(version, temporary);
  await rename(temporary, join(directory, current));
  await Promise.all([...roots].map(link));
  for (const name of await readdir(directory)) {
    if (name === current || name === version || roots.has(name)) continue;
    await rm(join(directory, name), { recursive: true, force: true });
  }
  return true;
}

async function same(directory: string, files: Map<string, ProjectedFile>): Promise<boolean> {
  const found = (await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) =>
    entry.isFile(),
  );
  if (found.length !== files.size) return false;
  for (const [path, file] of files) {
    const place = join(directory, path);
    const data = await readFile(place).catch(() => undefined);
    if (!data?.equals(file.data)) return false;
    if (((await lstat(place)).mode & 0o777) !== (file.mode & 0o777)) return false;
  }
  return true;
}
