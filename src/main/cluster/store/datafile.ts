import { copyFile, open, truncate } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/**
 * The lines of the data file: `CRC32 JSON`, so that damage is found wherever it
 * is and without parsing. These two are NeDB's serialisation hooks.
 */
export function sealLine(json: string): string {
  // NeDB's reader takes these for line ends; inside JSON strings they can be written as escapes.
  const line = /[\u0085\u2028\u2029]/.test(json)
    ? json.replace(/[\u0085\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : json;
  return `${checksum(line)} ${line}`;
}

/** The JSON of a line; '' (which no parser accepts) when its checksum does not match. */
export function openLine(line: string | Buffer): string {
  const text = String(line);
  const json = text.slice(9);
  return text.slice(0, 8) === checksum(json) ? json : '';
}

function checksum(data: string | Buffer): string {
  return crc32(data).toString(16).padStart(8, '0');
}

export interface Scan {
  /** Lines whose checksum matches. */
  good: number;
  /** Numbers (from 1) of complete lines whose checksum does not match. */
  corrupt: number[];
  /** Where an incomplete last line starts; undefined when the file ends with a line end. */
  tornAt?: number;
  size: number;
}

/** Checks every line of a data file. A missing file is an empty one. */
export async function scan(file: string): Promise<Scan> {
  const result: Scan = { good: 0, corrupt: [], size: 0 };
  let handle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return result;
    throw error;
  }
  try {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of handle.createReadStream({ highWaterMark: 1 << 20, autoClose: false })) {
      result.size += (chunk as Buffer).length;
      const data = rest.length > 0 ? Buffer.concat([rest, chunk as Buffer]) : (chunk as Buffer);
      let start = 0;
      for (let end = data.indexOf(10); end >= 0; start = end + 1, end = data.indexOf(10, start)) {
        if (end === start) continue;
        const whole = data.toString('latin1', start, start + 8) === checksum(data.subarray(start + 9, end));
        if (whole) result.good += 1;
        else result.corrupt.push(result.good + result.corrupt.length + 1);
      }
      rest = data.subarray(start);
    }
    if (rest.length > 0) result.tornAt = result.size - rest.length;
  } finally {
    await handle.close();
  }
  return result;
}

/** What was wrong with a data file when it was opened. */
export interface Recovery {
  /** Bytes of an incomplete last line, dropped: a write that was never acknowledged. */
  tornBytes: number;
  /** Lines that were damaged and could not be read. */
  corruptLines: number[];
  /** Lines that were whole. */
  goodLines: number;
  /** Where the damaged file was kept as it was. */
  copy?: string;
}

/**
 * Makes a data file loadable: cuts off an incomplete last line, and keeps a copy
 * of a file with damaged lines, because loading rewrites the file without them.
 * @param now milliseconds, for the name of the copy
 */
export async function recover(file: string, now: number): Promise<Recovery> {
  const { good, corrupt, tornAt, size } = await scan(file);
  const recovery: Recovery = {
    tornBytes: tornAt === undefined ? 0 : size - tornAt,
    corruptLines: corrupt,
    goodLines: good,
  };
  if (corrupt.length > 0) {
    recovery.copy = `${file}.corrupt-${new Date(now).toISOString().replace(/[-:]|\.\d+/g, '')}`;
    await copyFile(file, recovery.copy);
  }
  // A file without one whole line is left as it is: the caller refuses it.
  if (tornAt !== undefined && (good > 0 || corrupt.length === 0)) await truncate(file, tornAt);
  return recovery;
}
