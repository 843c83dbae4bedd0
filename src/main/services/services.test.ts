import { mkdtempSync, rmSync, statSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { AppInfo, EngineStatus, ExecOutput, RowBatch, TerminalOutput } from '@shared/bridge/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCatalog, type Catalog } from '../catalog';
import { systemClock } from '../cluster/clock';
import { silentLogger } from '../cluster/log';
import type { ExecOptions, KubeTransport } from '../cluster/client/transport';
import type { EmbeddedCluster } from './embedded';
import { errorText } from './errors';
import { createServices } from './index';
import { openSettings } from './settings';
import { startTestApi } from './test-api';
import type { Services } from './types';

const resource = { group: '', version: 'v1', plural: 'configmaps' };
let api: Awaited<ReturnType<typeof startTestApi>>;
let services: Services;
let catalog: Catalog;
let directory: string;
let abort: AbortController;
let exec: (options: ExecOptions) => unknown;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'gantry-services-'));
  api = await startTestApi();
  abort = new AbortController();
  const transport: KubeTransport = { ...api.transport, exec: async (options) => exec(options) as never };
  const engine: EngineStatus = { reachable: false, endpoint: 'unix:///x', runtime: 'none', message: 'no such file' };
  const embedded: EmbeddedCluster = {
    id: 'gantry',
    name: 'gantry',
    transport,
    server: 'https://127.0.0.1:1',
    kubeconfigFile: join(directory, 'kubeconfig'),
    version: 'v1.36.0',
    simulated: () => false,
    status: () => ({ state: 'ready' }),
    onStatus: () => () => {},
    metricsSeries: () => ({ points: [{ t: 1, cpu: 2, memory: 3 }] }),
    engine: { status: () => engine, onStatus: () => () => {}, retry: async () => engine, simulate: async () => engine },
    nodes: {
      add: async () => ({ name: 'gantry-2' }),
      checkRemoval: async () => {},
      remove: async () => {},
      power: async () => {},
    },
    tasks: { list: () => [], onChange: () => () => {}, cancel: () => false },
  };
  const log = silentLogger;
  catalog = await createCatalog({ embedded, files: [], clock: systemClock, log, explain: errorText });
  const settings = await openSettings({ directory, clock: systemClock, log });
  await settings.set({ terminalShell: '/bin/sh' });
  services = createServices({
    catalog,
    embedded,
    settings,
    dataDirectory: directory,
    appInfo: {} as AppInfo,
    log,
    clock: systemClock,
    kubectlCommand: ['/bin/echo', 'bundled'],
  });
});
afterEach(async () => {
  abort.abort();
  await services.close();
  catalog.close();
  rmSync(directory, { recursive: true });
});

const call = () => ({ signal: abort.signal });
const stream = () => {
  const inputs: ((input: never) => void)[] = [];
  return {
    context: { signal: abort.signal, onInput: (listener: (input: never) => void) => void inputs.push(listener) },
    input: (value: unknown) => inputs.forEach((listener) => listener(value as never)),
  };
};
const post = (path: string, body: object) => api.transport.request({ method: 'POST', path, body });
const configMap = (name: string, data: object = {}) =>
  post('/api/v1/namespaces/default/configmaps', { metadata: { name }, data });

/** Reads until the condition holds. */
async function until<T>(source: AsyncIterable<T>, done: (all: T[]) => boolean): Promise<T[]> {
  const all: T[] = [];
  for await (const item of source) {
    all.push(item);
    if (done(all)) return all;
  }
  return all;
}

describe('objects', () => {
  it('are read, listed, patched, described as YAML and deleted', async () => {
    await configMap('one', { on: 'yes' });
    await configMap('two');
    const address = { cluster: 'gantry', resource, namespace: 'default', name: 'one' };
    const { methods } = services;
    expect(await methods['kube.get'](address, call())).toMatchObject({ kind: 'ConfigMap', data: { on: 'yes' } });
    const list = await methods['kube.list']({ cluster: 'gantry', resource, namespace: 'default' }, call());
    expect(list.map((item) => [item.kind, item.metadata!.name])).toEqual([
      ['ConfigMap', 'one'],
      ['ConfigMap', 'two'],
    ]);
    const { yaml, resourceVersion } = await methods['kube.yaml'](address, call());
    expect(yaml).toMatch(/^apiVersion: v1\nkind: ConfigMap\nmetadata:\n/);
    expect(yaml).toContain('data:\n  "on": "yes"\n');
    expect(yaml).not.toContain('managedFields');
    expect(resourceVersion).toMatch(/^\d+$/);
    await methods['kube.patch']({ ...address, type: 'merge', patch: { data: { on: 'no' } }, dryRun: true }, call());
    expect((await methods['kube.get'](address, call())).data).toEqual({ on: 'yes' });
    await methods['kube.patch']({ ...address, type: 'json', patch: [{ op: 'remove', path: '/data/on' }] }, call());
    expect((await methods['kube.get'](address, call())).data).toEqual({});
    await methods['kube.delete']({ ...address, propagationPolicy: 'Background' }, call());
    await expect(methods['kube.get'](address, call())).rejects.toMatchObject({ code: 404 });
    await expect(methods['kube.get']({ ...address, cluster: 'no' }, call())).rejects.toMatchObject({ code: 404 });
  });

  it('answer what the user may do', async () => {
    const checks = [{ verb: 'delete', group: '', plural: 'pods', namespace: 'default' }];
    expect(await services.methods['kube.permissions']({ cluster: 'gantry', checks }, call())).toMatchObject([
      { allowed: true },
    ]);
  });

  it('have no known placement where the cluster does not tell', async () => {
    const pod = { cluster: 'gantry', namespace: 'default', name: 'one', uid: 'x' };
    expect(await services.methods['kube.placement'](pod, call())).toBeNull();
  });

  it('are followed until they are gone', async () => {
    await configMap('one', { a: '1' });
    const address = { cluster: 'gantry', resource, namespace: 'default', name: 'one' };
    const seen: unknown[] = [];
    for await (const { object } of services.streams.object(address, stream().context as never)) {
      const value = object && object.data.a;
      if (seen.at(-1) === value) continue;
      seen.push(value);
      if (value === '1') {
        await services.methods['kube.patch']({ ...address, type: 'merge', patch: { data: { a: '2' } } }, call());
      } else if (value === '2') await services.methods['kube.delete'](address, call());
      else break;
    }
    expect(seen).toEqual(['1', '2', null]);
  });

  it('come as rows, live', async () => {
    await configMap('one');
    const rows = new Map<string, string>();
    let added = false;
    await until(
      services.streams.rows({ cluster: 'gantry', kind: 'configmaps' }, stream().context as never),
      (batches: RowBatch[]) => {
        const batch = batches.at(-1)!;
        for (const row of batch.upsert) rows.set(row.uid, row.name);
        for (const uid of batch.remove) rows.delete(uid);
        const names = [...rows.values()];
        if (names.includes('one') && !added) {
          added = true;
          void configMap('two').then(() =>
            api.transport.request({ method: 'DELETE', path: '/api/v1/namespaces/default/configmaps/one' }),
          );
        }
        return names.length === 1 && names[0] === 'two' && batch.freshness.state === 'live';
      },
    );
    expect([...rows.values()]).toEqual(['two']);
  });
});

describe('exec', () => {
  it('carries output, input and sizes, and ends with the code', async () => {
    const stdin = new PassThrough();
    const stdout = new PassThrough();
    const sizes: number[][] = [];
    let finish: (result: { exitCode: number }) => void = () => {};
    let asked: ExecOptions | undefined;
    exec = (options) => {
      asked = options;
      const done = new Promise((resolve) => (finish = resolve as never));
      return {
        stdin,
        stdout,
        stderr: null,
        done,
        resize: (columns: number, rows: number) => sizes.push([columns, rows]),
        close: () => {},
      };
    };
    stdin.on('data', (data) => {
      stdout.write(`echo ${data}`);
      stdout.write(Buffer.from('€').subarray(0, 2));
      stdout.write(Buffer.from('€').subarray(2));
      setImmediate(() => finish({ exitCode: 7 }));
    });
    const { context, input } = stream();
    const params = { cluster: 'gantry', namespace: 'default', pod: 'p', columns: 80, rows: 24 };
    const output = until(
      services.streams.exec(params, context as never),
      (all: ExecOutput[]) => all.at(-1)!.type === 'exit',
    );
    await new Promise((resolve) => setImmediate(resolve));
    input({ type: 'resize', columns: 100, rows: 30 });
    input({ type: 'input', data: 'hi' });
    const all = await output;
    expect(asked).toMatchObject({ namespace: 'default', pod: 'p', tty: true, stdin: true });
    expect(asked!.command![0]).toBe('/bin/sh');
    expect(sizes).toEqual([
      [80, 24],
      [100, 30],
    ]);
    expect(
      all
        .map((one) => (one.type === 'output' ? one.data : one.code))
        .slice(0, -1)
        .join(''),
    ).toBe('echo hi€');
    expect(all.at(-1)).toEqual({ type: 'exit', code: 7 });
  });
});

describe('terminals', () => {
  it('have KUBECONFIG and the bundled kubectl at hand, and outlive the page', async () => {
    const first = stream();
    const params = { cluster: 'gantry', columns: 80, rows: 24 };
    let text = '';
    let session = '';
    for await (const event of services.streams.terminal(
      params,
      first.context as never,
    ) as AsyncIterable<TerminalOutput>) {
      if (event.type === 'session') {
        session = event.id;
        expect(event.shell).toBe('/bin/sh');
        first.input({ type: 'input', data: 'echo "[$KUBECONFIG]"; PATH=${PATH##*:} kubectl get pods\n' });
      } else if (event.type === 'output') text += event.data;
      if (text.includes('bundled get pods') && text.includes(`[${join(directory, 'kubeconfig')}]`)) break;
    }
    const second = stream();
    const again: TerminalOutput[] = [];
    for await (const event of services.streams.terminal({ ...params, session }, second.context as never)) {
      again.push(event);
      if (event.type === 'output' && again.length === 2) await services.methods['terminal.kill']({ session }, call());
    }
    expect(again[0]).toMatchObject({ type: 'session', id: session });
    expect((again[1] as { data: string }).data).toContain('bundled get pods');
    expect(again.at(-1)!.type).toBe('exit');
    await expect(services.methods['terminal.kill']({ session }, call())).rejects.toThrow('ended');
    const lost = services.streams.terminal({ ...params, session }, stream().context as never);
    await expect(until(lost, () => false)).rejects.toThrow('ended');
    expect(statSync(join(directory, 'bin', 'kubectl')).mode & 0o777).toBe(0o755);
    expect(readdirSync(directory)).not.toContain('terminal');
  });
});

it('charts of the embedded cluster come from its own samples', async () => {
  const params = { cluster: 'gantry', target: { kind: 'cluster' as const }, seconds: 60 };
  expect((await services.methods['metrics.series'](params, call())).points).toHaveLength(1);
});

it('opens no browser where the host cannot', async () => {
  await expect(services.methods['app.openExternal']({ url: 'https://example.com' }, call())).rejects.toThrow(
    'cannot open',
  );
});
