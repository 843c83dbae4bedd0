import type { Pod } from '@shared/k8s';
import type { Stats } from 'node:fs';
import { chmod, lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The group that owns a pod's volumes, if it asks for one. */
export const groupOf = (pod: Pod): number | undefined => pod.spec!.securityContext?.fsGroup;

const readable = 0o440;
const writable = 0o660;
const enterable = 0o110;
const setGroup = 0o2000;

/** What a file must allow its group, and others where the group could not be given: `rw-` of a group becomes `rw-` of all. */
const forOthers = (bits: number): number => bits | ((bits & 0o070) >> 3);

/** The mode of a file of a volume that is only read, for a pod with a group. @param owned it can be given to the group */
export const groupMode = (mode: number, owned: boolean): number =>
  owned ? mode | readable : forOthers(mode | readable);

/**
 * Gives all files below a path to a group, which may read and write them; new ones inherit it.
 * Only root may give files to any group. Anybody else opens them to all instead: nobody else gets past
 * the directory that holds the volumes.
 * @param onlyWhenRootDiffers fsGroupChangePolicy OnRootMismatch: nothing is done when the top is right
 * @param readOnly the group may not write
 */
export async function giveToGroup(
  path: string,
  group: number,
  { onlyWhenRootDiffers = false, readOnly = false } = {},
): Promise<void> {
  const bits = readOnly ? readable : writable;
  const top = await lstat(path);
  const asWanted = top.gid === group && (top.mode & (bits | enterable | setGroup)) === (bits | enterable | setGroup);
  if (onlyWhenRootDiffers && asWanted) return;
  await give(path, top, group, bits);
}

async function give(path: string, found: Stats, group: number, bits: number): Promise<void> {
  const owned =
    found.gid === group ||
    (await lchown(path, found.uid, group).then(
      () => true,
      () => false,
    ));
  if (found.isSymbolicLink()) return;
  const directory = found.isDirectory();
  const wanted = directory ? bits | enterable : bits;
  const mode = (found.mode & 0o7777) | (owned ? wanted : forOthers(wanted)) | (directory && owned ? setGroup : 0);
  // What belongs to another user (a container wrote it) is as that user left it.
  if (mode !== (found.mode & 0o7777)) await chmod(path, mode).catch(() => {});
  if (!directory) return;
  for (const entry of await readdir(path).catch(() => [])) {
    const inside = join(path, entry);
    const stats = await lstat(inside).catch(() => undefined);
    if (stats) await give(inside, stats, group, bits);
  }
}
