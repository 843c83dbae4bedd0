import { spawnSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../clock';
import { createLogger } from '../log';
import { lockDirectory } from './lock';
import {
  DirectoryLockedError,
  loadOrCreateKey,
  type OpenedStore,
  openMemoryStore,
  openStore,
  restore,
  type StoreOptions,
} from '.';

let directory: string;
let open: OpenedStore[] = [];
let lines: string[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'store-'));
});
afterEach(async () => {
  await Promise.all(open.map((store) => store.close()));
  open = [];
  lines = [];
  await rm(directory, { recursive: true, force: true });
});

const log = createLogger('store', 'debug', (line) => lines.push(line));
async function start(options: Partial<StoreOptions> = {}): Promise<OpenedStore> {
  const store = await openStore({ directory, clock: new FakeClock(), log, ...options });
  open.push(store);
  return store;
}
async function stop(store: OpenedStore): Promise<void> {
  await store.close();
  open = open.filter((other) => other !== store);
}
async function restart(store: OpenedStore, options: Partial<StoreOptions> = {}): Promise<OpenedStore> {
  await stop(store);
  return start(options);
}
const data = () => join(directory, 'store.db');
const key = (name: string) => `/registry/core/configmaps/default/${name}`;
const secretKey = (name: string) => `/registry/core/secrets/default/${name}`;
const object = (name: string, value: unknown = {}) => ({ metadata: { name }, data: value });

describe('a restart', () => {
  it('finds every object as it was', async () => {
    let store = await start();
    const a = await store.create(
      key('a'),
      object('a', { text: 'one\ntwo \u2028 \u2029 \u0085 "quoted" é 漢 \ud83d\ude00' }),
    );
    await store.create(key('b'), object('b'));
    const b = await store.update(key('b'), object('b', { changed: true }), 3);
    await store.create(key('c'), object('c'));
    await store.delete(key('c'));
    store = await restart(store);
    expect(
      store.list('/registry/').items.map(({ key, revision, createRevision, value, json }) => ({
        key,
        revision,
        createRevision,
        value,
        json,
      })),
    ).toEqual(
      [a, b].map(({ key, revision, createRevision, value, json }) => ({ key, revision, createRevision, value, json })),
    );
    expect(Object.isFrozen(store.get(key('a'))!.value.data)).toBe(true);
    expect(store.recovery).toMatchObject({ tornBytes: 0, corruptLines: [] });
  });

  it('goes on with the revision, also after deletions and after being tidied', async () => {
    let store = await start();
    for (let i = 0; i < 200; i++) {
      await store.create(key('x'), object('x'));
      await store.delete(key('x'));
    }
    expect(store.revision).toBe(401);
    for (let i = 0; i < 3; i++) {
      store = await restart(store);
      expect(store.revision).toBe(401);
      expect(store.count('/registry/')).toBe(0);
    }
    expect((await store.create(key('x'), object('x'))).revision).toBe(402);
  });

  it('removes what was replaced from the file', async () => {
    let store = await start();
    let { revision } = await store.create(key('x'), object('x', { n: 0 }));
    for (let i = 1; i <= 500; i++) ({ revision } = await store.update(key('x'), object('x', { n: i }), revision));
    store = await restart(store);
    // Loading rewrites the file: the object, and what the last tidying had left.
    expect((await readFile(data(), 'utf8')).split('\n').length).toBeLessThan(100);
    expect(store.get(key('x'))!.value.data).toEqual({ n: 500 });
  });

  it('answers expired for a watch from before it', async () => {
    let store = await start();
    await store.create(key('a'), object('a'));
    store = await restart(store);
    expect(() => store.watch('/registry/', 1, () => {})).toThrow(expect.objectContaining({ code: 'expired' }));
    const seen: number[] = [];
    store.watch('/registry/', 2, (event) => seen.push(event.revision));
    await store.create(key('b'), object('b'));
    expect(seen).toEqual([3]);
  });

  it.each(['always', 'interval', 'never'] as const)('keeps writes with fsync %s', async (fsync) => {
    const clock = new FakeClock();
    let store = await start({ fsync, clock });
    await Promise.all(Array.from({ length: 50 }, (_, i) => store.create(key(`o${i}`), object(`o${i}`))));
    await clock.advance(5000);
    await store.create(key('last'), object('last'));
    store = await restart(store);
    expect(store.count('/registry/')).toBe(51);
  });
});

describe('a damaged file', () => {
  async function written(): Promise<void> {
    const store = await start();
    for (const name of ['a', 'b', 'c', 'd']) await store.create(key(name), object(name));
    await stop(store);
  }

  it('drops an incomplete last line and says so', async () => {
    await written();
    const whole = await readFile(data(), 'utf8');
    await appendFile(data(), '1234abcd {"_id":"0000000000000006","k":"/registry/co');
    let store = await start();
    expect(store.recovery).toMatchObject({ tornBytes: 52, corruptLines: [] });
    expect(store.count('/registry/')).toBe(4);
    expect(store.revision).toBe(5);
    expect(lines.join('')).toMatch(/WARN .*incomplete last line/);
    store = await restart(store);
    expect(store.recovery.tornBytes).toBe(0);
    expect(await readFile(data(), 'utf8')).toBe(whole);
  });

  it('recovers at whatever byte the last line was cut', async () => {
    await written();
    const whole = await readFile(data());
    const lastLine = whole.lastIndexOf(10, whole.length - 2) + 1;
    for (let cut = lastLine; cut < whole.length; cut += 7) {
      await writeFile(data(), whole.subarray(0, cut));
      const store = await start();
      expect(store.list('/registry/').items.map((item) => item.value.metadata?.name)).toEqual(['a', 'b', 'c']);
      await stop(store);
    }
  });

  it('keeps what can be read of a damaged file, reports it and keeps a copy', async () => {
    await written();
    const damaged = (await readFile(data(), 'utf8')).replace('configmaps/default/b', 'configmaps/default/X');
    await writeFile(data(), damaged);
    const store = await start();
    expect(store.list('/registry/').items.map((item) => item.value.metadata?.name)).toEqual(['a', 'c', 'd']);
    expect(store.recovery).toMatchObject({ corruptLines: [2], goodLines: 3 });
    expect(store.recovery.copy).toBe(`${data()}.corrupt-20260101T000000Z`);
    expect(await readFile(store.recovery.copy!, 'utf8')).toBe(damaged);
    expect(lines.join('')).toMatch(/ERROR .*damagedLines=1 .*readableLines=3/);
    // The damaged line may have been the last.
    expect(store.revision).toBeGreaterThan(5);
  });

  it('does not start empty when nothing can be read', async () => {
    await writeFile(data(), 'this is\nsomething else\nand no end');
    await expect(start()).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining('nothing in it can be read'),
    });
    expect(await readFile(data(), 'utf8')).toBe('this is\nsomething else\nand no end');
    await rm(data());
    expect((await start()).revision).toBe(1);
  });

  it('finishes a rewrite that was interrupted before the rename', async () => {
    await written();
    await writeFile(`${data()}~`, 'half of a rewr');
    expect((await start()).count('/registry/')).toBe(4);
  });
});

describe('rewriting the file', () => {
  it('keeps it small while writes go on, and loses none of them', async () => {
    const options = { compactAfterBytes: 20_000, encryption: { key: Buffer.alloc(32, 1) } };
    let store = await start(options);
    const names = Array.from({ length: 10 }, (_, i) => `o${i}`);
    await store.create(secretKey('s'), object('s', { password: 'p' }));
    await Promise.all(
      names.map(async (name) => {
        let { revision } = await store.create(key(name), object(name));
        for (let n = 1; n <= 300; n++) {
          ({ revision } = await store.update(key(name), object(name, { n, padding: 'x'.repeat(500) }), revision));
        }
      }),
    );
    await store.delete(key('o0'));
    // Ten objects of 700 bytes, more than two megabytes written; how often it was rewritten depends on the disk.
    expect((await stat(data())).size).toBeLessThan(1_500_000);
    const { revision } = store;
    store = await restart(store, options);
    expect(store.revision).toBe(revision);
    expect(store.recovery).toMatchObject({ corruptLines: [], tornBytes: 0 });
    expect(store.list('/registry/core/configmaps/').items.map((item) => item.value.data.n)).toEqual(Array(9).fill(300));
    expect(store.get(secretKey('s'))!.value.data).toEqual({ password: 'p' });
    expect(await readdir(directory)).not.toContain('store.db.next');
  });

  it('lets others have their turn while somebody writes without a pause', async () => {
    const store = await start();
    let turns = 0;
    let over = false;
    const turn = () => {
      turns++;
      if (!over) setImmediate(turn);
    };
    setImmediate(turn);
    for (let n = 0; n < 500; n++) await store.create(key(`o${n}`), object(`o${n}`));
    over = true;
    expect(turns).toBeGreaterThan(20);
  });

  it('keeps the revision when the last write was a deletion', async () => {
    const options = { compactAfterBytes: 1000 };
    let store = await start(options);
    for (let i = 0; i < 100; i++) {
      await store.create(key('x'), object('x'));
      await store.delete(key('x'));
    }
    store = await restart(store);
    expect(store.revision).toBe(201);
    expect(store.count('/registry/')).toBe(0);
  });
});

describe('a disk that fails', () => {
  it('refuses the writes it cannot keep, and takes them again later', async () => {
    let store = await start();
    await store.create(key('a'), object('a'));
    await rename(data(), `${data()}.away`);
    await mkdir(data());
    await expect(store.create(key('b'), object('b'))).rejects.toMatchObject({ code: 'io' });
    await expect(store.create(key('c'), object('c'))).rejects.toMatchObject({ code: 'io' });
    expect(store.count('/registry/')).toBe(1);
    await rmdir(data());
    await rename(`${data()}.away`, data());
    // Half a line of the failed write.
    await appendFile(data(), '00000000 {"_id":"00');
    await store.create(key('d'), object('d'));
    store = await restart(store);
    expect(store.list('/registry/').items.map((item) => item.value.metadata?.name)).toEqual(['a', 'd']);
    expect(store.recovery).toMatchObject({ tornBytes: 0, corruptLines: [] });
  });
});

describe('a data file that is removed while it is in use', () => {
  it('takes no write that would be lost, and goes on when the file is back', async () => {
    let store = await start();
    await store.create(key('a'), object('a'));
    await rename(data(), `${data()}.away`);
    await expect(store.create(key('b'), object('b'))).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining('ENOENT'),
    });
    await rename(`${data()}.away`, data());
    await store.create(key('c'), object('c'));
    store = await restart(store);
    expect(store.list('/registry/').items.map((item) => item.value.metadata?.name)).toEqual(['a', 'c']);
  });
});

describe('secrets at rest', () => {
  const encryption = { key: Buffer.alloc(32, 7) };

  it('are not readable in the file, and readable again with the key', async () => {
    let store = await start({ encryption });
    await store.create(secretKey('s'), object('s', { password: 'correct-horse' }));
    await store.create(key('c'), object('c', { plain: 'visible-text' }));
    const text = await readFile(data(), 'utf8');
    expect(text).not.toContain('correct-horse');
    expect(text).toContain('visible-text');
    store = await restart(store, { encryption });
    expect(store.get(secretKey('s'))!.value.data).toEqual({ password: 'correct-horse' });
    await stop(store);
    await expect(start()).rejects.toMatchObject({ code: 'io', message: expect.stringContaining('no encryption key') });
    await expect(start({ encryption: { key: Buffer.alloc(32, 8) } })).rejects.toThrow(
      /not the one it was written with/,
    );
    // Neither attempt did harm.
    expect((await start({ encryption })).count('/registry/')).toBe(2);
  });

  it('are encrypted when a key comes later', async () => {
    let store = await start();
    await store.create(secretKey('s'), object('s', { password: 'correct-horse' }));
    store = await restart(store, { encryption });
    expect(await readFile(data(), 'utf8')).not.toContain('correct-horse');
    store = await restart(store, { encryption });
    expect(store.get(secretKey('s'))!.value.data).toEqual({ password: 'correct-horse' });
  });

  it('has a key file of its own that only the owner reads', async () => {
    const file = join(directory, 'secrets.key');
    const key = await loadOrCreateKey(file);
    expect(key).toHaveLength(32);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await loadOrCreateKey(file)).toEqual(key);
    await writeFile(file, 'short');
    await expect(loadOrCreateKey(file)).rejects.toThrow(/not an encryption key/);
  });
});

describe('the directory lock', () => {
  it('keeps a second opener out, and lets it in afterwards', async () => {
    const store = await start();
    await expect(start()).rejects.toThrow(DirectoryLockedError);
    await expect(start()).rejects.toThrow(`in use by process ${process.pid}`);
    await stop(store);
    await start();
  });

  it('is taken over from a process that died', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    await writeFile(join(directory, 'store.lock'), JSON.stringify({ pid, token: 'x' }));
    await start();
  });

  it.runIf(process.platform === 'linux')('is taken over when the pid belongs to another process now', async () => {
    await writeFile(
      join(directory, 'store.lock'),
      JSON.stringify({ pid: process.ppid, started: 'boot:1', token: 'x' }),
    );
    await start();
  });

  it('is taken by exactly one of many, from nobody, a dead process or something unreadable', async () => {
    const lock = join(directory, 'store.lock');
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    for (let round = 0; round < 40; round++) {
      const before = [undefined, JSON.stringify({ pid, token: 'x' }), 'not a lock'][round % 3];
      if (before) await writeFile(lock, before);
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory, lock)));
      const taken = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      expect(taken).toHaveLength(1);
      await expect(lockDirectory(directory, lock)).rejects.toThrow(DirectoryLockedError);
      expect(await readdir(directory)).toEqual(['store.lock']);
      await taken[0]!();
      expect(await readdir(directory)).toEqual([]);
    }
  });

  it('is released when opening fails', async () => {
    await writeFile(data(), 'damaged\n');
    await expect(start()).rejects.toThrow(/nothing in it can be read/);
    await rm(data());
    await start();
  });
});

describe('backup and restore', () => {
  const file = () => join(directory, 'backup.jsonl');

  it('brings everything back, with its revisions', async () => {
    let store = await start({ encryption: { key: Buffer.alloc(32, 1) } });
    await store.create(secretKey('s'), object('s', { password: 'p' }));
    await store.create(key('a'), object('a', { text: '\u2028' }));
    await store.create(key('b'), object('b'));
    await store.delete(key('b'));
    const before = store.list('/registry/').items.map(({ key, revision, json }) => ({ key, revision, json }));
    await store.backup(file());
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    await store.create(key('later'), object('later'));
    await stop(store);

    const other = { key: Buffer.alloc(32, 2) };
    expect(await restore(file(), directory, { encryption: other })).toEqual({ objects: 2, revision: 5 });
    expect(await readFile(data(), 'utf8')).not.toContain('password');
    store = await start({ encryption: other });
    expect(store.list('/registry/').items.map(({ key, revision, json }) => ({ key, revision, json }))).toEqual(before);
    expect(store.revision).toBe(5);
    expect((await readdir(directory)).some((name) => name.startsWith('store.db.replaced-'))).toBe(true);
  });

  it('restores an empty store and one from memory', async () => {
    const store = openMemoryStore();
    await store.backup(file());
    expect(await restore(file(), directory)).toEqual({ objects: 0, revision: 1 });
    expect((await start()).revision).toBe(1);
  });

  it('refuses a backup that is damaged or incomplete', async () => {
    const store = openMemoryStore();
    for (const name of ['a', 'b', 'c']) await store.create(key(name), object(name));
    await store.backup(file());
    const whole = await readFile(file(), 'utf8');
    for (const bad of [
      whole.replace('"name":"b"', '"name":"X"'),
      whole.slice(0, -50),
      whole.split('\n').slice(0, 3).join('\n'),
      '',
    ]) {
      await writeFile(file(), bad);
      await expect(restore(file(), directory)).rejects.toThrow(/cannot be restored/);
    }
    expect((await start()).count('/registry/')).toBe(0);
  });

  it('does not restore under a running store', async () => {
    const store = await start();
    await store.backup(file());
    await expect(restore(file(), directory)).rejects.toThrow(DirectoryLockedError);
  });
});
