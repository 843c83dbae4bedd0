import { describe, expect, it } from 'vitest';
import type { KubeObject } from '@shared/k8s';
import { silentLogger } from '../log';
import type { Journal, JournalRecord } from './journal';
import { openMemoryStore } from './memory-store';
import { RevisionedStore } from './revisioned-store';
import type { Store, StoredObject, StoreEvent } from './types';

const key = (name: string, namespace = 'default', plural = 'configmaps') =>
  `/registry/core/${plural}/${namespace}/${name}`;
const object = (name: string, data: unknown = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});

/** A journal whose appends wait until the test lets them through. */
class HeldJournal implements Journal {
  batches: { records: readonly JournalRecord[]; keep(): void; fail(error: Error): void }[] = [];
  /** What was current each time the journal was told that records had been replaced. */
  live: string[][] = [];
  append(records: readonly JournalRecord[]): Promise<void> {
    return new Promise((resolve, reject) => this.batches.push({ records, keep: resolve, fail: reject }));
  }
  superseded(live: () => readonly JournalRecord[]): void {
    this.live.push(live().map(({ key, revision }) => `${key.split('/').at(-1)}@${revision}`));
  }
  async close(): Promise<void> {}
}

function held(options: { logSize?: number; logBytes?: number } = {}): { store: Store; journal: HeldJournal } {
  const journal = new HeldJournal();
  const store = new RevisionedStore({
    journal,
    log: silentLogger,
    logSize: 100,
    objects: [],
    revision: 1,
    now: () => 0,
    ...options,
  });
  return { store, journal };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const names = (items: readonly StoredObject[]) => items.map((item) => item.value.metadata?.name);

describe('writing', () => {
  it('gives every write the next revision and stamps it', async () => {
    const store = openMemoryStore();
    expect(store.revision).toBe(1);
    const created = await store.create(key('a'), object('a'));
    expect(created).toMatchObject({ revision: 2, createRevision: 2 });
    expect(created.value.metadata?.resourceVersion).toBe('2');
    expect(JSON.parse(created.json)).toEqual(created.value);
    const updated = await store.update(key('a'), { ...created.value, data: { x: '1' } }, 2);
    expect(updated).toMatchObject({ revision: 3, createRevision: 2 });
    const deleted = await store.delete(key('a'), 3);
    expect(deleted).toMatchObject({ revision: 4, createRevision: 2 });
    expect(deleted.value).toMatchObject({ data: { x: '1' }, metadata: { resourceVersion: '4' } });
    expect(store.get(key('a'))).toBeUndefined();
    expect(store.revision).toBe(4);
  });

  it('freezes what it stores, at every depth', async () => {
    const store = openMemoryStore();
    const { value } = await store.create(key('a'), object('a', { deep: [{ x: 1 }] }));
    expect(Object.isFrozen(value)).toBe(true);
    expect(() => (value.data.deep[0].x = 2)).toThrow(TypeError);
    expect(store.get(key('a'))!.value).toBe(value);
  });

  it('refuses what optimistic concurrency refuses', async () => {
    const store = openMemoryStore();
    const created = await store.create(key('a'), object('a'));
    await expect(store.create(key('a'), object('a'))).rejects.toMatchObject({ code: 'exists', current: created });
    await expect(store.update(key('a'), object('a'), 1)).rejects.toMatchObject({ code: 'conflict', current: created });
    await expect(store.update(key('b'), object('b'), 1)).rejects.toMatchObject({ code: 'notFound' });
    await expect(store.delete(key('b'))).rejects.toMatchObject({ code: 'notFound' });
    await expect(store.delete(key('a'), 9)).rejects.toMatchObject({ code: 'conflict' });
    expect(store.revision).toBe(created.revision);
  });

  it('refuses keys of another shape', async () => {
    const store = openMemoryStore();
    await expect(store.create('/registry/core', object('a'))).rejects.toThrow(/a key is/);
    await expect(store.create('pods/a', object('a'))).rejects.toThrow(/a key is/);
  });

  it('lets exactly one of many concurrent updates win', async () => {
    const store = openMemoryStore();
    const { revision } = await store.create(key('a'), object('a'));
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => store.update(key('a'), object('a', { i }), revision)),
    );
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  });

  it('counts correctly when many read, change and retry', async () => {
    const store = openMemoryStore();
    await store.create(key('a'), object('a', { n: 0 }));
    const increment = async () => {
      for (;;) {
        const { value, revision } = store.get(key('a'))!;
        try {
          return await store.update(key('a'), { ...value, data: { n: value.data.n + 1 } }, revision);
        } catch (error) {
          expect(error).toMatchObject({ code: 'conflict' });
        }
      }
    };
    await Promise.all(Array.from({ length: 50 }, increment));
    expect(store.get(key('a'))!.value.data.n).toBe(50);
  });
});

describe('durability', () => {
  it('shows nothing before the journal has it, and then in order', async () => {
    const { store, journal } = held();
    const seen: number[] = [];
    store.watch('/registry/', 1, (event) => seen.push(event.revision));
    const first = store.create(key('a'), object('a'));
    await settle();
    const second = store.create(key('b'), object('b'));
    const third = store.create(key('c'), object('c'));
    await settle();
    expect(journal.batches.map((batch) => batch.records.map((record) => record.revision))).toEqual([[2]]);
    expect(store.get(key('a'))).toBeUndefined();
    expect(store.list('/registry/core/configmaps/')).toEqual({ items: [], revision: 1 });

    journal.batches[0]!.keep();
    await first;
    expect(seen).toEqual([2]);
    expect(store.revision).toBe(2);
    await settle();
    // What waited goes as one batch.
    expect(journal.batches[1]!.records.map((record) => record.key)).toEqual([key('b'), key('c')]);
    expect(seen).toEqual([2]);
    journal.batches[1]!.keep();
    await Promise.all([second, third]);
    expect(seen).toEqual([2, 3, 4]);
  });

  it('checks writes against those on their way', async () => {
    const { store, journal } = held();
    const created = store.create(key('a'), object('a'));
    const again = store.create(key('a'), object('a'));
    const removed = store.delete(key('a'));
    const recreated = store.create(key('a'), object('a', { second: true }));
    await settle();
    journal.batches[0]!.keep();
    expect((await created).revision).toBe(2);
    expect((await removed).revision).toBe(3);
    expect((await recreated).revision).toBe(4);
    await expect(again).rejects.toMatchObject({ code: 'exists', current: { revision: 4 } });
    expect(store.get(key('a'))!.value.data).toEqual({ second: true });
    expect(journal.batches[0]!.records.map((record) => record.json !== undefined)).toEqual([true, false, true]);
  });

  it('tells of a conflict only when the winner can be read', async () => {
    const { store, journal } = held();
    const creating = store.create(key('a'), object('a'));
    await settle();
    journal.batches[0]!.keep();
    await creating;
    const winner = store.update(key('a'), object('a', { winner: true }), 2);
    let settledEarly = false;
    const loser = store.update(key('a'), object('a', { winner: false }), 2).catch((error) => {
      settledEarly = true;
      return { error, visible: store.get(key('a'))!.value.data };
    });
    await settle();
    expect(settledEarly).toBe(false);
    journal.batches[1]!.keep();
    await winner;
    expect(await loser).toMatchObject({
      error: { code: 'conflict', current: { revision: 3 } },
      visible: { winner: true },
    });
  });

  it('loses what the journal could not keep, with all that built on it, and goes on', async () => {
    const { store, journal } = held();
    const seen: StoreEvent[] = [];
    store.watch('/registry/', 1, (event) => seen.push(event));
    const first = store.create(key('a'), object('a'));
    await settle();
    const second = store.update(key('a'), object('a', { on: 'the first' }), 2);
    await settle();
    journal.batches[0]!.fail(new Error('no space left on device'));
    await expect(first).rejects.toMatchObject({ code: 'io', message: expect.stringContaining('no space left') });
    await expect(second).rejects.toMatchObject({ code: 'io' });
    expect(store.get(key('a'))).toBeUndefined();

    const third = store.create(key('a'), object('a'));
    await settle();
    journal.batches[1]!.keep();
    // Revisions that were given out are not given out again.
    expect((await third).revision).toBe(4);
    expect(seen.map((event) => event.revision)).toEqual([4]);
  });

  it('says when records have been replaced, and what is current then', async () => {
    const { store, journal } = held();
    const keep = async (...writes: Promise<unknown>[]) => {
      await settle();
      journal.batches.at(-1)!.keep();
      await Promise.all(writes);
    };
    await keep(store.create(key('a'), object('a')), store.create(key('b'), object('b')));
    expect(journal.live).toEqual([]);
    await keep(store.update(key('a'), object('a'), 2), store.delete(key('b'), 3));
    expect(journal.live).toEqual([['a@4']]);
  });

  it('finishes what it accepted when it closes, and takes nothing more', async () => {
    const { store, journal } = held();
    const write = store.create(key('a'), object('a'));
    const closing = store.close();
    await settle();
    journal.batches[0]!.keep();
    await closing;
    expect((await write).revision).toBe(2);
    await expect(store.create(key('b'), object('b'))).rejects.toMatchObject({ code: 'closed' });
    expect(() => store.watch('/registry/', 2, () => {})).toThrow(/closed/);
  });
});

describe('listing', () => {
  it('lists resources and namespaces in key order', async () => {
    const store = openMemoryStore();
    for (const [name, namespace] of [
      ['b', 'x'],
      ['a', 'x'],
      ['c', 'w'],
      ['a', 'x-2'],
      ['d', 'x'],
    ] as const) {
      await store.create(key(name, namespace), object(`${namespace}/${name}`));
    }
    await store.create(key('pod', 'x', 'pods'), object('pod'));
    await store.create('/registry/apps/deployments/x/deployment', object('deployment'));
    await store.create('/registry/core/configmapsx/x/other', object('other'));
    expect(names(store.list('/registry/core/configmaps/').items)).toEqual(['w/c', 'x-2/a', 'x/a', 'x/b', 'x/d']);
    expect(names(store.list('/registry/core/configmaps/x/').items)).toEqual(['x/a', 'x/b', 'x/d']);
    expect(store.count('/registry/core/configmaps/x/')).toBe(3);
    expect(store.count('/registry/core/nothing/')).toBe(0);
    expect(names(store.list('/registry/').items)).toEqual([
      'deployment',
      'w/c',
      'x-2/a',
      'x/a',
      'x/b',
      'x/d',
      'other',
      'pod',
    ]);
    await store.delete(key('b', 'x'));
    expect(names(store.list('/registry/core/configmaps/x/').items)).toEqual(['x/a', 'x/d']);
  });

  it('hands out a list that later writes do not change', async () => {
    const store = openMemoryStore();
    await store.create(key('a'), object('a'));
    const { items } = store.list('/registry/core/configmaps/');
    await store.create(key('b'), object('b'));
    await store.delete(key('a'));
    expect(names(items)).toEqual(['a']);
  });
});

describe('watching', () => {
  it('replays what came after the revision, then goes on live, without a gap or a double', async () => {
    const store = openMemoryStore();
    for (let i = 0; i < 5; i++) await store.create(key(`o${i}`), object(`o${i}`));
    const seen: number[] = [];
    const watch = store.watch('/registry/core/configmaps/', 3, (event) => seen.push(event.revision));
    expect(seen).toEqual([4, 5, 6]);
    await store.delete(key('o0'));
    await store.create(key('other', 'default', 'pods'), object('other'));
    await store.update(key('o1'), object('o1'), 3);
    expect(seen).toEqual([4, 5, 6, 7, 9]);
    watch.close();
    await store.delete(key('o1'));
    expect(seen).toEqual([4, 5, 6, 7, 9]);
  });

  it('tells what changed from what', async () => {
    const store = openMemoryStore();
    const events: StoreEvent[] = [];
    store.watch('/registry/core/configmaps/default/', 1, (event) => events.push(event));
    const created = await store.create(key('a'), object('a'));
    const updated = await store.update(key('a'), object('a', { x: '1' }), created.revision);
    await store.delete(key('a'));
    expect(events.map(({ type, previous }) => [type, previous])).toEqual([
      ['PUT', undefined],
      ['PUT', created],
      ['DELETE', updated],
    ]);
    expect(events[2]!.object.value).toMatchObject({ data: { x: '1' }, metadata: { resourceVersion: '4' } });
  });

  it('shows a watcher the store as of the event', async () => {
    const store = openMemoryStore();
    const sizes: [number, number][] = [];
    store.watch('/registry/', 1, (event) => sizes.push([event.revision, store.count('/registry/')]));
    await Promise.all(['a', 'b', 'c'].map((name) => store.create(key(name), object(name))));
    expect(sizes).toEqual([
      [2, 1],
      [3, 2],
      [4, 3],
    ]);
  });

  it('gives a watch opened by a watcher each event once', async () => {
    const store = openMemoryStore();
    const inner: number[] = [];
    let opened = false;
    store.watch('/registry/', 1, (event) => {
      if (opened) return;
      opened = true;
      store.watch('/registry/', event.revision - 1, (again) => inner.push(again.revision));
    });
    await Promise.all(['a', 'b'].map((name) => store.create(key(name), object(name))));
    expect(inner).toEqual([2, 3]);
  });

  it('keeps a watcher that throws from harming others', async () => {
    const store = openMemoryStore();
    const seen: number[] = [];
    store.watch('/registry/', 1, () => {
      throw new Error('broken');
    });
    store.watch('/registry/', 1, (event) => seen.push(event.revision));
    await store.create(key('a'), object('a'));
    await store.create(key('b'), object('b'));
    expect(seen).toEqual([2, 3]);
  });

  it('answers expired beyond the log and future ahead of it', async () => {
    const store = openMemoryStore({ logSize: 3 });
    for (let i = 0; i < 5; i++) await store.create(key(`o${i}`), object(`o${i}`));
    expect(store.revision).toBe(6);
    expect(() => store.watch('/registry/', 2, () => {})).toThrow(expect.objectContaining({ code: 'expired' }));
    expect(() => store.watch('/registry/', 7, () => {})).toThrow(expect.objectContaining({ code: 'future' }));
    const seen: number[] = [];
    store.watch('/registry/', 3, (event) => seen.push(event.revision));
    expect(seen).toEqual([4, 5, 6]);
  });

  it('bounds the log by the bytes it keeps alive', async () => {
    const { store, journal } = held({ logSize: 100_000, logBytes: 1000 });
    const writes = Array.from({ length: 3000 }, (_, i) => store.create(key(`o${i}`), object(`o${i}`)));
    await settle();
    journal.batches[0]!.keep();
    await Promise.all(writes);
    expect(() => store.watch('/registry/', 2000, () => {})).toThrow(expect.objectContaining({ code: 'expired' }));
    let seen = 0;
    store.watch('/registry/', 2001, () => (seen += 1));
    expect(seen).toBe(1000);
  });
});
