import { spawn } from 'node:child_process';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { openStore } from '../../src/main/cluster/store';
import { seededRandom } from '../support/random';
import type { WriterLine } from '../support/store-writer';

const kills = 20;
const seed = Number(process.env.GANTRY_TEST_SEED ?? 42);
const writer = join(import.meta.dirname, '../support/store-writer.ts');

/** Runs a writer until it has acknowledged `acknowledgements` writes and `delayMs` have passed, then kills it. */
async function writeAndKill(
  directory: string,
  writerSeed: number,
  acknowledgements: number,
  delayMs: number,
): Promise<WriterLine[]> {
  const child = spawn(process.execPath, ['--import', 'tsx', writer, directory, String(writerSeed)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  const exited = new Promise<string | null>((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  const lines: WriterLine[] = [];
  let done = 0;
  for await (const text of createInterface({ input: child.stdout })) {
    lines.push(JSON.parse(text));
    if (lines.at(-1)!.say === 'done' && ++done === acknowledgements) setTimeout(() => child.kill('SIGKILL'), delayMs);
  }
  expect(await exited, errors).toBe('SIGKILL');
  return lines;
}

it(`keeps every acknowledged write through ${kills} kills (seed ${seed})`, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'store-crash-'));
  const random = seededRandom(seed);
  /** The last acknowledged write of each key. */
  const expected = new Map<string, { deleted: boolean; mark?: string; revision: number }>();
  let highest = 1;
  let acknowledged = 0;
  try {
    for (let round = 0; round < kills; round++) {
      const lines = await writeAndKill(directory, seed * 1000 + round, 1 + Math.floor(random() * 400), random() * 30);
      expect(lines[0]!.revision, 'the revision the writer started from').toBeGreaterThanOrEqual(highest);

      /** Writes that were sent and not acknowledged: they may or may not be there. */
      const open = new Map<string, WriterLine>();
      for (const line of lines.slice(1)) {
        if (line.say === 'try') {
          open.set(line.key!, line);
          continue;
        }
        open.delete(line.key!);
        acknowledged += 1;
        expect(line.revision).toBeGreaterThan(expected.get(line.key!)?.revision ?? 0);
        expected.set(line.key!, { deleted: line.op === 'delete', mark: line.mark, revision: line.revision! });
        highest = Math.max(highest, line.revision!);
      }

      // A kill seldom cuts a line in two, a power cut may.
      if (random() < 0.3) await appendFile(join(directory, 'store.db'), '0badc0de {"_id":"0000000');
      const store = await openStore({ directory, encryption: { key: Buffer.alloc(32, 3) } });
      try {
        expect(store.recovery.corruptLines).toEqual([]);
        expect(store.revision).toBeGreaterThanOrEqual(highest);
        for (const [key, last] of expected) {
          const found = store.get(key);
          const unsure = open.get(key);
          const where = `round ${round}, ${key}, acknowledged ${JSON.stringify(last)}, unsure ${JSON.stringify(unsure)}`;
          if (unsure && (unsure.op === 'delete' ? !found : found?.value.data.mark === unsure.mark)) {
            // The write behind the last acknowledged one was kept as well.
            if (found) {
              expect(found.revision, where).toBeGreaterThan(last.revision);
              expected.set(key, { deleted: false, mark: unsure.mark, revision: found.revision });
            } else expected.set(key, { deleted: true, revision: last.revision });
          } else if (last.deleted) expect(found, where).toBeUndefined();
          else {
            expect(found?.revision, where).toBe(last.revision);
            expect(found?.value, where).toMatchObject({
              data: { mark: last.mark },
              metadata: { resourceVersion: String(last.revision) },
            });
          }
        }
        for (const { key, revision, value } of store.list('/registry/').items) {
          if (expected.has(key)) continue;
          expect(open.get(key)?.mark, `${key} was never written`).toBe(value.data.mark);
          expected.set(key, { deleted: false, mark: value.data.mark, revision });
        }
        highest = store.revision;
      } finally {
        await store.close();
      }
    }
    expect(acknowledged).toBeGreaterThan(kills * 50);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
