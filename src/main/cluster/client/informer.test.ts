import type { ConfigMap, KubeObject, WatchEvent } from '@shared/k8s';
import { describe, expect, it } from 'vitest';
import { apiError } from '../api/errors';
import { FakeClock } from '../clock';
import { createLogger } from '../log';
import { createClient } from './client';
import { createInformerFactory } from './informer';
import { resources } from './resources';
import type { KubeRequest, KubeTransport } from './transport';

const object = (name: string, version: number, labels: Record<string, string> = {}, uid = name) =>
  ({ metadata: { name, namespace: 'default', uid, resourceVersion: String(version), labels } }) as unknown as ConfigMap;

/** A server that says what it is told to, one watch at a time. */
class ScriptedServer {
  items: ConfigMap[] = [];
  version = 1;
  lists = 0;
  watches: KubeRequest[] = [];
  fail: unknown;
  private send: ((event: WatchEvent<any> | undefined) => void) | undefined;

  readonly transport = {
    request: async () => {
      this.lists++;
      if (this.fail) throw this.fail;
      return {
        status: 200,
        warnings: [],
        body: { items: this.items, metadata: { resourceVersion: String(this.version) } },
      };
    },
    watch: async (request: KubeRequest) => {
      if (this.fail) throw this.fail;
      this.watches.push(request);
      const events: (WatchEvent<any> | undefined)[] = [];
      let wake = () => {};
      this.send = (event) => {
        events.push(event);
        wake();
      };
      const { send } = this;
      return {
        close: () => send(undefined),
        async *[Symbol.asyncIterator]() {
          for (;;) {
            while (events.length === 0) await new Promise<void>((resolve) => (wake = resolve));
            const event = events.shift();
            if (!event) return;
            yield event;
          }
        },
      };
    },
  } as unknown as KubeTransport;

  emit(type: WatchEvent['type'], of: KubeObject): void {
    this.send!({ type, object: of });
  }

  end(): void {
    this.send!(undefined);
  }
}

const setUp = async (server = new ScriptedServer()) => {
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = createLogger('test', 'info', (line) => void lines.push(line));
  const client = createClient(server.transport);
  const factory = createInformerFactory({ client, clock, log, random: () => 0.5 });
  const informer = factory.informer(resources.configMaps);
  const seen: string[] = [];
  const handler = {
    add: ({ metadata }: ConfigMap) => void seen.push(`+${metadata.name}@${metadata.resourceVersion}`),
    update: ({ metadata }: ConfigMap, old: ConfigMap) =>
      void seen.push(`~${metadata.name}@${old.metadata.resourceVersion}>${metadata.resourceVersion}`),
    delete: ({ metadata }: ConfigMap) => void seen.push(`-${metadata.name}@${metadata.resourceVersion}`),
  };
  informer.on(handler);
  return { server, clock, factory, informer, seen, lines, handler, settle: () => clock.advance(0) };
};

describe('an informer', () => {
  it('lists, then watches from the revision of the list', async () => {
    const { server, factory, informer, seen, settle } = await setUp();
    server.items = [object('a', 1), object('b', 2)];
    server.version = 7;
    await factory.start();
    await settle();
    expect(server.watches[0]).toMatchObject({
      path: '/api/v1/configmaps',
      query: { watch: true, resourceVersion: '7', allowWatchBookmarks: true },
    });
    server.emit('MODIFIED', object('a', 8));
    server.emit('DELETED', object('b', 9));
    server.emit('ADDED', object('c', 10));
    await settle();
    expect(seen).toEqual(['+a@1', '+b@2', '~a@1>8', '-b@9', '+c@10']);
    expect(informer.get('default', 'a')).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
    expect(informer.get('default', 'b')).toBeUndefined();
    expect(informer.list('default')).toHaveLength(2);
    expect(informer.list('other')).toEqual([]);
  });

  it('goes on after an ended watch from the last bookmark', async () => {
    const { server, factory, seen, settle } = await setUp();
    await factory.start();
    await settle();
    server.emit('BOOKMARK', object('', 20));
    server.end();
    await settle();
    expect(server.watches.map(({ query }) => query!.resourceVersion)).toEqual(['1', '20']);
    expect(server.lists).toBe(1);
    expect(seen).toEqual([]);
  });

  it('lists again when the watch is too old and delivers the difference', async () => {
    const { server, clock, factory, seen, settle } = await setUp();
    server.items = [object('gone', 1), object('same', 1), object('changed', 1), object('reborn', 1, {}, 'first')];
    await factory.start();
    await settle();
    seen.length = 0;
    server.items = [object('same', 1), object('changed', 5), object('new', 6), object('reborn', 7, {}, 'second')];
    server.version = 30;
    server.emit('ERROR', apiError(410, 'Expired', 'too old resource version').status as never);
    await clock.advance(1000);
    expect(seen.sort()).toEqual(['+new@6', '+reborn@7', '-gone@1', '-reborn@1', '~changed@1>5']);
    expect(server.watches.at(-1)!.query!.resourceVersion).toBe('30');
  });

  it('backs off while the server is away, says so, and comes back', async () => {
    const { server, clock, factory, informer, lines } = await setUp();
    server.fail = new Error('connection refused');
    const started = factory.start();
    await clock.advance(60_000);
    expect(server.lists).toBeGreaterThan(5);
    expect(server.lists).toBeLessThan(12);
    expect(lines.filter((line) => line.includes('connection refused'))).toHaveLength(server.lists);
    expect(informer.hasSynced).toBe(false);
    server.fail = undefined;
    await clock.advance(60_000);
    await started;
    expect(informer.hasSynced).toBe(true);
  });

  it('does not spin when every watch ends at once', async () => {
    const { server, clock, factory, settle } = await setUp();
    await factory.start();
    await settle();
    for (let turn = 0; turn < 100; turn++) {
      server.end();
      await clock.advance(10);
    }
    expect(server.watches.length).toBeLessThan(10);
  });

  it('keeps indexes as objects come, change and go', async () => {
    const { server, factory, informer, settle } = await setUp();
    server.items = [object('a', 1, { app: 'x' })];
    await factory.start();
    await settle();
    informer.addIndex('app', ({ metadata }) => (metadata.labels?.app ? [metadata.labels.app] : []));
    const names = (key: string) => informer.byIndex('app', key).map(({ metadata }) => metadata.name);
    expect(names('x')).toEqual(['a']);
    server.emit('ADDED', object('b', 2, { app: 'x' }));
    server.emit('MODIFIED', object('a', 3, { app: 'y' }));
    await settle();
    expect([names('x'), names('y')]).toEqual([['b'], ['a']]);
    server.emit('DELETED', object('b', 4, { app: 'x' }));
    await settle();
    expect(names('x')).toEqual([]);
    expect(() => informer.byIndex('none', 'x')).toThrow('there is no index "none"');
  });

  it('tells late handlers what is there and survives one that throws', async () => {
    const { server, factory, informer, seen, settle, lines, handler } = await setUp();
    server.items = [object('a', 1)];
    informer.on({
      add() {
        throw new Error('broken handler');
      },
    });
    await factory.start();
    const remove = informer.on(handler);
    expect(seen).toEqual(['+a@1', '+a@1']);
    expect(lines.join()).toContain('broken handler');
    remove();
    await settle();
    server.emit('ADDED', object('b', 2));
    await settle();
    expect(informer.get('default', 'b')).toBeDefined();
  });

  it('is shared by what selects the same, and stops', async () => {
    const { server, clock, factory, informer, settle } = await setUp();
    expect(factory.informer(resources.configMaps)).toBe(informer);
    expect(factory.informer(resources.configMaps, { namespace: 'x' })).not.toBe(informer);
    const started = factory.start();
    await started;
    await settle();
    factory.stop();
    const { lists, watches } = server;
    await clock.advance(100_000);
    expect(server.lists).toBe(lists);
    expect(server.watches).toHaveLength(watches.length);
    await expect(factory.start()).rejects.toThrow('stopped');
  });
});
