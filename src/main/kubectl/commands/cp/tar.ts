import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, lstat, mkdir, readdir, readlink, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, pack, type Pack } from 'tar-stream';

async function addFile(archive: Pack, path: string, name: string): Promise<void> {
  const { mode, mtime, size } = await stat(path);
  const entry = archive.entry({ name, mode: mode & 0o7777, mtime, size });
  // What the file grows by meanwhile would not fit the entry.
  if (size > 0) for await (const chunk of createReadStream(path, { end: size - 1 })) entry.write(chunk as Buffer);
  await new Promise<void>((done, reject) => {
    entry.on('finish', () => done());
    entry.on('error', reject);
    entry.end(null);
  });
}

/** Adds a file, or a directory with everything below it, under a name. Other things (sockets, devices) are left out. */
async function add(archive: Pack, path: string, name: string): Promise<void> {
  const info = await lstat(path);
  if (info.isSymbolicLink()) {
    archive.entry({ name, type: 'symlink', linkname: await readlink(path), mtime: info.mtime });
  } else if (info.isDirectory()) {
    const entries = await readdir(path);
    if (entries.length === 0) archive.entry({ name, type: 'directory', mode: info.mode & 0o7777, mtime: info.mtime });
    for (const entry of entries.sort()) await add(archive, join(path, entry), `${name}/${entry}`);
  } else if (info.isFile()) await addFile(archive, path, name);
}

/** An archive of a file or directory of this machine. What goes wrong destroys the stream with it. */
export function archiveOf(path: string, name: string): Readable {
  const archive = pack();
  add(archive, path, name).then(
    () => archive.finalize(),
    (error: Error) => archive.destroy(error),
  );
  return Readable.from(archive);
}

/**
 * Unpacks what lies below a name in an archive to a path of this machine. Nothing is written outside of it: entries
 * that would be and links are left out and told.
 * @param prefix the name in the archive that becomes `target`
 * @returns how many entries there were
 */
export async function unpack(
  archive: Readable,
  prefix: string,
  target: string,
  warn: (text: string) => void,
): Promise<number> {
  let count = 0;
  const reader = extract();
  const feeding = pipeline(archive, reader as unknown as NodeJS.WritableStream);
  const reading = (async () => {
    for await (const entry of reader) {
      const { name, type, linkname, mode } = entry.header;
      count++;
      const path = resolve(target, relative(`/${prefix}`, `/${name}`));
      if (path !== resolve(target) && !path.startsWith(`${resolve(target)}/`)) {
        warn(`warning: file ${JSON.stringify(name)} is outside target destination, skipping\n`);
      } else if (type === 'symlink' || type === 'link') {
        warn(`warning: skipping symlink: ${JSON.stringify(path)} -> ${JSON.stringify(linkname ?? '')}\n`);
      } else if (type === 'directory') {
        await mkdir(path, { recursive: true });
      } else {
        await mkdir(dirname(path), { recursive: true });
        await pipeline(Readable.from(entry), createWriteStream(path));
        await chmod(path, (mode ?? 0o644) & 0o777);
        continue;
      }
      entry.resume();
    }
  })();
  await Promise.all([feeding, reading]);
  return count;
}
