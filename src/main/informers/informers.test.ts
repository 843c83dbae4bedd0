import type { RowBatch } from '@shared/bridge/contract';
import type { KubeObject, WatchEvent } from '@shared/k8s';
import { defineKindView, type KindView } from '@shared/kinds/types';
import { describe, expect, it } from 'vitest';
import { apiError } from '../cluster/api/errors';
import type { KubeRequest, KubeTransport } from '../cluster/client/transport';
import { FakeClock } from '../cluster/clock';
import { silentLogger } from '../cluster/log';
import { createInformerPool } from './pool';
import { streamRows } from './table';
import { createUsageSource } from './usage';

const settle = async () => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** An API that lists what it holds and sends what it is told to its watches. */
class FakeApi implements Pick<KubeTransport, 'request' | 'watch'> {
  requests: KubeRequest[] = [];
  failure: Error | undefined;
  /** The next watch is refused as too old. */
  expired = false;
  usage: KubeObject[] | undefined;
  private revision = 1;
  private readonly objects = new Map<string, KubeObject>();
  private readonly watches = new Set<{
    namespace: string | undefined;
    push: (event: WatchEvent) => void;
    end: () => void;
  }>();

  set(name: string, spec: unknown = {}, namespace = 'default'): void {
    const known = this.objects.has(`${namespace}/${name}`);
    const uid = `uid-${namespace}-${name}`;
    const object = { metadata: { name, namespace, uid, resourceVersion: String((this.revision += 1)) }, spec };
    this.objects.set(`${namespace}/${name}`, object);
    this.send({ type: known ? 'MODIFIED' : 'ADDED', object });
  }
  remove(name: string, namespace = 'default'): void {
    const object = this.objects.get(`${namespace}/${name}`)!;
    this.objects.delete(`${namespace}/${name}`);
    this.send({ type: 'DELETED', object });
  }
  private send(event: WatchEvent): void {
    for (const watch of this.watches) {
      if (!watch.namespace || watch.namespace === event.object.metadata!.namespace) watch.push(event);
    }
  }
  dropWatches(): void {
    for (const watch of this.watches) watch.end();
  }
  get watchCount(): number {
    return this.watches.size;
  }

  async request(request: KubeRequest): Promise<any> {
    this.requests.push(request);
    if (this.failure) throw this.failure;
    if (request.path.startsWith('/apis/metrics.k8s.io')) {
      if (!this.usage) throw apiError(404, 'NotFound', 'the server could not find the requested resource');
      return { status: 200, body: { items: this.usage }, warnings: [] };
    }
    const namespace = /namespaces\/([^/]+)/.exec(request.path)?.[1];
    const items = [...this.objects.values()].filter((item) => !namespace || item.metadata!.namespace === namespace);
    return { status: 200, body: { metadata: { resourceVersion: String(this.revision) }, items }, warnings: [] };
  }

  async watch(request: KubeRequest): Promise<any> {
    if (this.failure) throw this.failure;
    if (this.expired) {
      this.expired = false;
      throw apiError(410, 'Expired', 'too old resource version');
    }
    const queue: (WatchEvent | null)[] = [];
    let wake = () => {};
    const watch = {
      namespace: /namespaces\/([^/]+)/.exec(request.path)?.[1],
      push: (event: WatchEvent) => (queue.push(event), wake()),
      end: () => (queue.push(null), wake()),
    };
    this.watches.add(watch);
    const { watches } = this;
    return {
      close: () => watch.end(),
      async *[Symbol.asyncIterator]() {
        for (;;) {
          while (!queue.length) await new Promise<void>((resolve) => (wake = resolve));
          const event = queue.shift();
          if (!event) return void watches.delete(watch);
          yield event;
        }
      },
    };
  }
}

const view: KindView = defineKindView({
  id: 'things',
  group: '',
  version: 'v1',
  plural: 'things',
  kind: 'Thing',
  namespaced: true,
  section: 'config',
  order: 1,
  icon: 'Box',
  columns: [
    { id: 'size', renderer: 'number', width: 10, value: (thing: KubeObject) => thing.spec.size ?? null },
    { id: 'cpu', renderer: 'cpu', width: 10, value: (_, { usage }) => usage?.cpu ?? null },
  ],
  capabilities: { metrics: 'pod' },
});

function setUp() {
  const api = new FakeApi();
  const clock = new FakeClock();
  const explain = (error: unknown) => (error as Error).message;
  const transportFor = () => api as unknown as KubeTransport;
  const pool = createInformerPool({ clock, log: silentLogger, transportFor, explain });
  const usage = createUsageSource({ clock, transportFor, explain });
  /** Opens a table and reads it as fast as batches come. */
  const open = (request: { namespaces?: string[] } = {}, read = true) => {
    const abort = new AbortController();
    const batches: RowBatch[] = [];
    const source = streamRows(view, { cluster: 'c', ...request }, { pool, usage, clock, signal: abort.signal });
    const take = async () => {
      const next = await source.next();
      if (!next.done) batches.push(next.value);
      return !next.done;
    };
    const done = read
      ? (async () => {
          while (await take());
        })()
      : undefined;
    const table = () => {
      const rows = new Map<string, unknown>();
      for (const batch of batches) {
        if (batch.reset) rows.clear();
        for (const row of batch.upsert) rows.set(row.name, row.cells.size);
        for (const uid of batch.remove) rows.delete(uid.split('-').at(-1)!);
      }
      return Object.fromEntries(rows);
    };
    return { batches, take, table, close: () => (abort.abort(), source.return(undefined)), done };
  };
  return { api, clock, pool, usage, open };
}

describe('rows of a live table', () => {
  it('come at once, then only what changed, at most ten times a second', async () => {
    const { api, clock, open } = setUp();
    api.set('a', { size: 1 });
    api.set('b', { size: 2 });
    const { batches, table } = open();
    await settle();
    await clock.advance(100);
    expect(batches[0]).toMatchObject({ reset: true });
    expect(table()).toEqual({ a: 1, b: 2 });
    expect(batches.at(-1)!.freshness.state).toBe('live');

    await clock.advance(1000);
    const before = batches.length;
    for (let second = 0; second < 100; second += 1) {
      api.set('a', { size: second });
      await clock.advance(10);
    }
    await clock.advance(100);
    const sent = batches.slice(before);
    expect(sent.length).toBeGreaterThan(5);
    expect(sent.length).toBeLessThanOrEqual(11);
    expect(sent.every((batch) => batch.upsert.every((row) => row.name === 'a') && !batch.reset)).toBe(true);
    expect(table()).toEqual({ a: 99, b: 2 });

    api.remove('b');
    await clock.advance(200);
    expect(batches.at(-1)!.remove).toEqual(['uid-default-b']);
    expect(table()).toEqual({ a: 99 });
  });

  it('coalesce while the page does not read', async () => {
    const { api, clock, open } = setUp();
    api.set('a', { size: 0 });
    const { batches, take, table } = open({}, false);
    const first = take();
    await settle();
    await first;
    for (let change = 1; change <= 500; change += 1) api.set('a', { size: change });
    api.set('gone');
    api.remove('gone');
    await clock.advance(1000);
    const second = take();
    await clock.advance(1000);
    await second;
    expect(table()).toEqual({ a: 500 });
    expect(batches).toHaveLength(2);
    expect(batches[1]!.upsert).toHaveLength(1);
  });

  it('come in chunks when there are many, without a pause in between', async () => {
    const { api, clock, open } = setUp();
    for (let index = 0; index < 4500; index += 1) api.set(`n${index}`);
    const { batches, table } = open();
    await settle();
    await clock.advance(100);
    expect(batches.map((batch) => batch.upsert.length).filter(Boolean)).toEqual([2000, 2000, 500]);
    expect(batches.filter((batch) => batch.reset)).toHaveLength(1);
    expect(Object.keys(table())).toHaveLength(4500);
  });

  it('share one watch, keep it for a while, then let it go', async () => {
    const { api, clock, open } = setUp();
    const one = open();
    const two = open();
    await settle();
    expect(api.watchCount).toBe(1);
    await one.close();
    await two.close();
    await clock.advance(29_000);
    expect(api.watchCount).toBe(1);
    const three = open();
    await settle();
    expect(three.batches[0]).toMatchObject({ reset: true, freshness: { state: 'live' } });
    await three.close();
    await clock.advance(31_000);
    expect(api.watchCount).toBe(0);
  });

  it('watch the chosen namespaces one by one, many of them together', async () => {
    const { api, clock, open } = setUp();
    for (const namespace of ['a', 'b', 'c']) api.set(namespace, {}, namespace);
    const few = open({ namespaces: ['a', 'c', 'a'] });
    await clock.advance(200);
    expect(Object.keys(few.table()).sort()).toEqual(['a', 'c']);
    expect(
      api.requests
        .map((request) => request.path)
        .filter((path) => path.includes('things'))
        .sort(),
    ).toEqual(['/api/v1/namespaces/a/things', '/api/v1/namespaces/c/things']);
    const many = open({ namespaces: ['a', 'b', ...'123456789'] });
    await clock.advance(200);
    expect(Object.keys(many.table()).sort()).toEqual(['a', 'b']);
    expect(api.watchCount).toBe(3);
  });

  it('tell how fresh they are: failed, live, stale and live again with what was missed', async () => {
    const { api, clock, open } = setUp();
    api.failure = apiError(403, 'Forbidden', 'things is forbidden');
    const { batches, table } = open();
    await clock.advance(300);
    expect(batches.at(-1)!.freshness).toMatchObject({ state: 'failed', message: 'things is forbidden' });
    api.failure = undefined;
    api.set('a', { size: 1 });
    await clock.advance(60_000);
    expect(batches.at(-1)!.freshness.state).toBe('live');

    api.failure = new Error('socket hang up');
    const cut = clock.now();
    api.dropWatches();
    await clock.advance(1000);
    const stale = batches.at(-1)!.freshness;
    expect(stale).toMatchObject({ state: 'stale', message: 'socket hang up' });
    expect(stale.since).toBeGreaterThanOrEqual(cut);
    api.failure = undefined;
    api.expired = true;
    api.set('b', { size: 2 });
    await clock.advance(60_000);
    expect(batches.at(-1)!.freshness.state).toBe('live');
    expect(table()).toEqual({ a: 1, b: 2 });
  });
});

describe('usage', () => {
  const metrics = (cpu: string) => ({
    metadata: { name: 'a', namespace: 'default' },
    containers: [
      { name: 'one', usage: { cpu, memory: '1Mi' } },
      { name: 'two', usage: { cpu: '100m', memory: '1Mi' } },
    ],
  });

  it('joins the rows it belongs to when it changes, and only those', async () => {
    const { api, clock, open } = setUp();
    api.set('a');
    api.set('b');
    api.usage = [metrics('150m')];
    const { batches } = open();
    await clock.advance(200);
    const cpuOf = (name: string) =>
      batches
        .flatMap((batch) => batch.upsert)
        .filter((row) => row.name === name)
        .at(-1)!.cells.cpu;
    expect(cpuOf('a')).toBeCloseTo(0.25);
    expect(cpuOf('b')).toBeNull();
    const before = batches.length;
    await clock.advance(10_000);
    expect(batches.length).toBe(before);
    api.usage = [metrics('1')];
    await clock.advance(11_000);
    expect(cpuOf('a')).toBeCloseTo(1.1);
    expect(batches.slice(before).flatMap((batch) => batch.upsert.map((row) => row.name))).toEqual(['a']);
  });

  it('is kept as a series while someone looks', async () => {
    const { api, clock, usage } = setUp();
    api.usage = [metrics('1')];
    expect(usage.series('c', 'pods', 'default/a', 600).points).toEqual([]);
    for (let ask = 0; ask < 6; ask += 1) {
      await clock.advance(10_000);
      usage.series('c', 'pods', 'default/a', 600);
    }
    const { points } = usage.series('c', 'pods', 'default/a/one', 600);
    expect(points.length).toBeGreaterThanOrEqual(6);
    expect(points[0]).toMatchObject({ cpu: 1, memory: 1024 * 1024 });
    await clock.advance(90_000);
    const asked = api.requests.length;
    await clock.advance(90_000);
    expect(api.requests.length).toBe(asked);
  });

  it('says why there is none', async () => {
    const { clock, usage } = setUp();
    usage.series('c', 'nodes', 'n', 60);
    await clock.advance(0);
    expect(usage.series('c', 'nodes', 'n', 60).unavailable).toContain('metrics');
  });
});
