/**
 * Writes to a store until it is killed. Says on stdout, a JSON line each, what it
 * is about to do and what was acknowledged. Arguments: directory, seed.
 */
import { writeSync } from 'node:fs';
import { openStore, type StoredObject } from '../../src/main/cluster/store';
import { seededRandom } from './random';

export interface WriterLine {
  say: 'open' | 'try' | 'done';
  op?: 'create' | 'update' | 'delete';
  key?: string;
  /** Marks the content of the write. */
  mark?: string;
  revision?: number;
}

const [directory = '', seed = '1'] = process.argv.slice(2);
const workers = 8;
const keysPerWorker = 6;
const random = seededRandom(Number(seed));
const never = new Int32Array(new SharedArrayBuffer(4));

/** Synchronous, so that what was said before the kill can be read after it. Waits for a reader that is slower. */
function say(line: WriterLine): void {
  for (;;) {
    try {
      writeSync(1, `${JSON.stringify(line)}\n`);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(never, 0, 0, 1);
    }
  }
}

const store = await openStore({
  directory,
  encryption: { key: Buffer.alloc(32, 3) },
  // Small, so that kills hit rewrites of the file too.
  compactAfterBytes: 60_000,
});
say({ say: 'open', revision: store.revision });

async function work(worker: number): Promise<never> {
  for (let turn = 0; ; turn++) {
    const kind = random() < 0.3 ? 'secrets' : 'configmaps';
    const key = `/registry/core/${kind}/default/w${worker}-${Math.floor(random() * keysPerWorker)}`;
    const current = store.get(key);
    const op = !current ? 'create' : random() < 0.25 ? 'delete' : 'update';
    const mark = `${seed}-${worker}-${turn}`;
    const value = { metadata: { name: key }, data: { mark, padding: 'x'.repeat(Math.floor(random() * 2000)) } };
    say({ say: 'try', op, key, mark });
    let written: StoredObject;
    if (op === 'create') written = await store.create(key, value);
    else if (op === 'update') written = await store.update(key, value, current!.revision);
    else written = await store.delete(key, current!.revision);
    say({ say: 'done', op, key, mark, revision: written.revision });
  }
}

await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
