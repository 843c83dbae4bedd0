import { describe, expect, it } from 'vitest';
import { apiError } from '../cluster/api/errors';
import type { KubeTransport } from '../cluster/client/transport';
import { FakeClock } from '../cluster/clock';
import { silentLogger } from '../cluster/log';
import { createCatalog, type EmbeddedEntry } from './index';
import { loadKubeconfig } from './kubeconfig';

const text = (server: string) => `
apiVersion: v1
kind: Config
clusters:
  - { name: one, cluster: { server: ${server} } }
  - { name: empty, cluster: {} }
  - { name: ours, cluster: { server: 'https://127.0.0.1:7443' } }
users:
  - { name: me, user: { token: secret } }
contexts:
  - { name: good, context: { cluster: one, user: me, namespace: team } }
  - { name: lost, context: { cluster: gone, user: me } }
  - { name: nobody, context: { cluster: one, user: other } }
  - { name: serverless, context: { cluster: empty, user: me } }
  - { name: self, context: { cluster: ours, user: me } }
current-context: good
`;

async function setUp(initial = text('https://one.example:6443')) {
  const files: Record<string, string> = { '/k/config': initial, '/k/bad': 'contexts: {' };
  const clock = new FakeClock();
  const watchers = new Map<string, () => void>();
  const asked: string[] = [];
  const answer: { failure: Error | undefined } = { failure: undefined };
  const embedded: EmbeddedEntry = {
    id: 'gantry',
    name: 'gantry',
    transport: {} as KubeTransport,
    server: 'https://127.0.0.1:7443',
    kubeconfigFile: '/data/kubeconfig',
    version: 'v1.36.0',
    simulated: () => false,
    status: () => ({ state: 'ready' }),
    onStatus: () => () => {},
  };
  const catalog = await createCatalog({
    embedded,
    files: ['/k/config', '/k/bad', '/k/missing'],
    clock,
    log: silentLogger,
    explain: (error) => (error as Error).message,
    watchFile: (file, changed) => (watchers.set(file, changed), () => watchers.delete(file)),
    load: (list) =>
      loadKubeconfig(list, async (file) => {
        if (file in files) return files[file]!;
        throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      }),
    connect: async (_, context) => {
      asked.push(`connect ${context.cluster.server}`);
      return {
        close: () => asked.push('close'),
        request: async ({ path }: { path: string }) => {
          asked.push(path);
          if (answer.failure) throw answer.failure;
          return { status: 200, body: { gitVersion: 'v1.33.1' }, warnings: [] };
        },
      } as unknown as KubeTransport;
    },
  });
  const status = (name: string) => catalog.list().find((cluster) => cluster.name === name)!;
  return { catalog, clock, watchers, files, asked, answer, status };
}

const good = '/k/config#good';

describe('the catalogue', () => {
  it('lists the embedded cluster, the contexts and what is wrong with bad ones', async () => {
    const { catalog, asked } = await setUp();
    const list = catalog.list();
    expect(list.map((cluster) => [cluster.id, cluster.status])).toEqual([
      ['gantry', 'ready'],
      ['/k/bad#', 'unreachable'],
      [good, 'unknown'],
      ['/k/config#lost', 'unreachable'],
      ['/k/config#nobody', 'unreachable'],
      ['/k/config#serverless', 'unreachable'],
    ]);
    expect(list[2]).toMatchObject({ name: 'good', server: 'https://one.example:6443', defaultNamespace: 'team' });
    expect(list.slice(3).map((cluster) => cluster.message)).toEqual([
      expect.stringContaining('"gone"'),
      expect.stringContaining('"other"'),
      expect.stringContaining('no server'),
    ]);
    expect(JSON.stringify(list)).not.toContain('secret');
    expect(asked).toEqual([]);
  });

  it('connects when a cluster is used, and learns its version', async () => {
    const { catalog, clock, status, asked } = await setUp();
    catalog.transport(good);
    await clock.advance(0);
    expect(asked).toEqual(['connect https://one.example:6443', '/version']);
    expect(status('good')).toMatchObject({ status: 'ready', version: 'v1.33.1' });
    expect(() => catalog.transport('/k/config#lost')).toThrow('clusters "lost" not found');
    expect(() => catalog.transport('nothing')).toThrow('not found');
  });

  it('says what keeps it away and looks again, ever more slowly', async () => {
    const { catalog, clock, status, asked, answer } = await setUp();
    answer.failure = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    catalog.transport(good);
    await clock.advance(0);
    expect(status('good')).toMatchObject({ status: 'unreachable', message: 'connect ECONNREFUSED' });
    await clock.advance(60_000);
    const probes = asked.filter((path) => path === '/version').length;
    expect(probes).toBeGreaterThan(3);
    expect(probes).toBeLessThan(8);
    answer.failure = apiError(401, 'Unauthorized', 'Unauthorized');
    await clock.advance(60_000);
    expect(status('good').status).toBe('unauthorized');
    answer.failure = undefined;
    await clock.advance(60_000);
    expect(status('good')).toEqual(expect.objectContaining({ status: 'ready', version: 'v1.33.1' }));
    expect(status('good').message).toBeUndefined();
  });

  it('stops looking at a cluster that nobody uses', async () => {
    const { catalog, clock, asked, answer } = await setUp();
    answer.failure = new Error('away');
    catalog.transport(good);
    await clock.advance(20 * 60_000);
    const count = asked.length;
    await clock.advance(60 * 60_000);
    expect(asked.length).toBe(count);
  });

  it('follows the file: a changed entry gets a new connection, others keep theirs', async () => {
    const { catalog, clock, watchers, files, asked, status } = await setUp();
    const replaced: string[] = [];
    let changes = 0;
    catalog.onReplaced((id) => replaced.push(id));
    catalog.onChange(() => (changes += 1));
    const first = catalog.transport(good);
    await clock.advance(0);
    watchers.get('/k/config')!();
    await clock.advance(0);
    expect(catalog.transport(good)).toBe(first);
    files['/k/config'] = text('https://two.example');
    watchers.get('/k/config')!();
    await clock.advance(0);
    expect(replaced).toEqual([good]);
    expect(asked).toContain('close');
    expect(changes).toBeGreaterThan(0);
    expect(status('good').status).toBe('unknown');
    catalog.transport(good);
    await clock.advance(0);
    expect(asked.at(-2)).toBe('connect https://two.example');
    await expect(first.request({ method: 'GET', path: '/' })).rejects.toThrow('closed');
  });

  it('gives a kubeconfig with the one context, or the file of the embedded cluster', async () => {
    const { catalog } = await setUp();
    expect(catalog.kubeconfigOf('gantry')).toEqual({ file: '/data/kubeconfig' });
    const { text: config } = catalog.kubeconfigOf(good) as { text: string };
    const parsed = await loadKubeconfig(['x'], async () => config);
    expect(parsed.currentContext).toBe('good');
    expect(parsed.contexts).toHaveLength(1);
    expect(parsed.clusters[0]!.value.server).toBe('https://one.example:6443');
    expect(parsed.users[0]!.value.token).toBe('secret');
  });
});
