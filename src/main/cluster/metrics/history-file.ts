import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '../log';

/** The points of all series at one time: cores and bytes by series. */
export interface HistoryRecord {
  /** ms */
  t: number;
  /** What they stand for, in ms. */
  every: number;
  values: Record<string, [cpu: number, memory: number]>;
}

/** Usage kept on disk, a line per record. A crash costs the last line at most. */
export interface HistoryFile {
  /** What was there when it was opened, as it was written. */
  readonly records: HistoryRecord[];
  append(records: HistoryRecord[]): Promise<void>;
  /** Writes everything anew, without what has grown too old. */
  replace(records: HistoryRecord[]): Promise<void>;
}

const header = '{"format":"gantry usage history","version":1}';

/**
 * Opens the file, or begins it. One that cannot be understood is set aside under
 * `FILE.damaged` and reported; charts then begin anew. Never throws for its content.
 */
export async function openHistoryFile(file: string, log: Logger): Promise<HistoryFile> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') log.warn('the usage history cannot be read, beginning anew', { file, error });
    return '';
  });
  const [first, ...lines] = text.split('\n');
  let records: HistoryRecord[] = [];
  let begun = first === header;
  // A line that was not finished has nothing behind it.
  let torn = begun && lines.at(-1) !== '';
  if (begun) {
    const whole = lines.slice(0, -1);
    records = whole.flatMap((line) => recordOf(line) ?? []);
    if (records.length < whole.length) {
      log.warn('the usage history is damaged: some of it is left out', { file, lines: whole.length - records.length });
      torn = true;
    }
  } else if (text) {
    log.warn('the usage history is damaged, beginning anew', { file, kept: `${file}.damaged` });
    await rename(file, `${file}.damaged`);
  }
  const encode = (some: HistoryRecord[]) => some.map((record) => `${JSON.stringify(record)}\n`).join('');
  const replace = async (all: HistoryRecord[]): Promise<void> => {
    await writeFile(`${file}.new`, `${header}\n${encode(all)}`, { mode: 0o600 });
    await rename(`${file}.new`, file);
    begun = true;
  };
  if (torn) await replace(records);
  return {
    records,
    replace,
    append: (some) => (begun ? appendFile(file, encode(some)) : replace(some)),
  };
}

function recordOf(line: string): HistoryRecord | undefined {
  try {
    const record = JSON.parse(line) as HistoryRecord;
    const sound =
      Number.isFinite(record.t) &&
      record.every > 0 &&
      Object.values(record.values).every(
        (value) => Array.isArray(value) && value.length === 2 && value.every((one) => Number.isFinite(one) && one >= 0),
      );
    return sound ? record : undefined;
  } catch {
    return undefined;
  }
}
