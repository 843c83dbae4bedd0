import { createHash } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { StoredRevision } from './objects';
import { StoreError, type StoredObject } from './types';

/** The first line of a backup. */
interface Header {
  format: 'gantry-backup';
  version: 1;
  revision: number;
  objects: number;
  createdAt: string;
}

/** What a backup file holds. */
export interface Backup {
  revision: number;
  objects: StoredRevision[];
}

const linesPerWrite = 500;

/**
 * Writes objects as JSON lines: a header, one line per object, a last line with
 * the SHA-256 of all before it. Appears under its name only when complete.
 * Secrets are in it readable (it must be enough to restore from on another
 * machine), so its mode is 0600.
 */
export async function writeBackup(
  file: string,
  objects: readonly StoredObject[],
  revision: number,
  now: number,
): Promise<void> {
  const temporary = `${file}.part`;
  const hash = createHash('sha256');
  const header: Header = {
    format: 'gantry-backup',
    version: 1,
    revision,
    objects: objects.length,
    createdAt: new Date(now).toISOString(),
  };
  const handle = await open(temporary, 'w', 0o600);
  try {
    const write = async (text: string) => {
      hash.update(text);
      await handle.appendFile(text);
    };
    await write(`${JSON.stringify(header)}\n`);
    for (let at = 0; at < objects.length; at += linesPerWrite) {
      await write(
        objects
          .slice(at, at + linesPerWrite)
          .map(objectLine)
          .join(''),
      );
    }
    await handle.appendFile(`${JSON.stringify({ sha256: hash.digest('hex') })}\n`);
    await handle.sync();
  } catch (error) {
    await handle.close();
    await rm(temporary, { force: true });
    throw new StoreError('io', `the backup ${file} could not be written: ${(error as Error).message}`);
  }
  await handle.close();
  await rename(temporary, file);
}

function objectLine({ key, revision, createRevision, json }: StoredObject): string {
  return `{"key":${JSON.stringify(key)},"revision":${revision},"createRevision":${createRevision},"value":${json}}\n`;
}

/** Reads a backup and proves that it is whole. @throws StoreError io */
export async function readBackup(file: string): Promise<Backup> {
  const refuse = (why: string) => new StoreError('io', `${file} cannot be restored: ${why}`);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw refuse((error as Error).message);
  }
  const bodyEnd = text.lastIndexOf('\n', text.length - 2) + 1;
  const body = text.slice(0, bodyEnd);
  try {
    const { sha256 } = JSON.parse(text.slice(bodyEnd)) as { sha256?: string };
    if (!sha256) throw new Error('it has no checksum');
    if (createHash('sha256').update(body).digest('hex') !== sha256) throw new Error('its checksum does not match');
  } catch (error) {
    throw refuse(`it is incomplete or damaged (${(error as Error).message})`);
  }
  const [first, ...lines] = body.split('\n').slice(0, -1);
  const header = JSON.parse(first!) as Header;
  if (header.format !== 'gantry-backup') throw refuse('it is not a backup of a cluster');
  if (header.version !== 1) throw refuse(`it has version ${String(header.version)}, this program knows version 1`);
  if (lines.length !== header.objects) throw refuse(`it has ${lines.length} objects, not ${header.objects}`);
  const objects = lines.map((line) => {
    const { key, revision, createRevision, value } = JSON.parse(line);
    return new StoredRevision(key, revision, createRevision, JSON.stringify(value));
  });
  return { revision: header.revision, objects };
}
