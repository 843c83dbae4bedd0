import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PortForward } from '@shared/bridge/contract';
import { createPortForwards, type PortForwards } from './port-forwards';
import { startTestApi } from './test-api';

let api: Awaited<ReturnType<typeof startTestApi>>;
let forwards: PortForwards;
/** What was dialled. */
let dialled: string[];
let refuse: Error | undefined;

const context = { signal: new AbortController().signal } as never;
const cluster = 'gantry';
const start = (change: object = {}): Promise<PortForward> =>
  forwards.methods['portForward.start'](
    { cluster, kind: 'services', namespace: 'default', name: 'web', port: 80, localPort: 0, ...change } as never,
    context,
  );
const shown = async (): Promise<PortForward[]> => {
  const end = new AbortController();
  for await (const list of forwards.stream(cluster, end.signal)) {
    end.abort();
    return list;
  }
  return [];
};

/** Says something to a port and tells the answer; empty when the connection only ends. */
const ask = (port: number): Promise<string> =>
  new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.end('hello'));
    socket.on('data', (chunk: Buffer) => (answer += String(chunk)));
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });

const create = (path: string, body: object) => api.transport.request({ method: 'POST', path, body });

async function pod(name: string, phase: string): Promise<void> {
  const path = '/api/v1/namespaces/default/pods';
  const container = { name: 'main', image: 'web', ports: [{ name: 'http', containerPort: 8080 }] };
  const spec = { nodeName: 'one', containers: [container] };
  await create(path, { metadata: { name, labels: { app: 'web' } }, spec });
  await api.transport.request({
    method: 'PATCH',
    path: `${path}/${name}/status`,
    body: { status: { phase } },
    contentType: 'application/merge-patch+json',
  });
}

beforeEach(async () => {
  api = await startTestApi();
  dialled = [];
  refuse = undefined;
  const transport = Object.assign(Object.create(api.transport), {
    async portForward(namespace: string, name: string, port: number) {
      if (refuse) throw refuse;
      dialled.push(`${namespace}/${name}:${port}`);
      // It says what it is told.
      return new PassThrough();
    },
  }) as typeof api.transport;
  forwards = createPortForwards({ transportFor: () => transport, clock: api.clock });
  await create('/api/v1/namespaces/default/services', {
    metadata: { name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] },
  });
});
afterEach(() => forwards.close());

it('leads to a running pod of a service, and to another one once that is gone', async () => {
  await pod('web-1', 'Pending');
  await pod('web-2', 'Running');
  const { localPort, pod: first } = await start();
  expect(first).toBe('web-2');
  expect(await ask(localPort)).toBe('hello');
  await pod('web-3', 'Running');
  await api.transport.request({ method: 'DELETE', path: '/api/v1/namespaces/default/pods/web-2?gracePeriodSeconds=0' });
  expect(await ask(localPort)).toBe('hello');
  expect(dialled).toEqual(['default/web-2:8080', 'default/web-3:8080']);
  expect(await shown()).toMatchObject([{ name: 'web', port: 80, pod: 'web-3', connections: 2, address: '127.0.0.1' }]);
});

it('answers one that is there instead of a second one', async () => {
  await pod('web-1', 'Running');
  const first = await start();
  expect((await start()).id).toBe(first.id);
  expect((await start({ localPort: first.localPort })).id).toBe(first.id);
  await expect(start({ kind: 'pods', name: 'web-1', port: 8080, localPort: first.localPort })).rejects.toThrow(
    `Port ${first.localPort} of this machine is already in use.`,
  );
});

it('says why a connection could not be passed on, until one can', async () => {
  await pod('web-1', 'Running');
  const { localPort } = await start();
  refuse = new Error('nothing listens');
  expect(await ask(localPort)).toBe('');
  expect(await shown()).toMatchObject([{ error: expect.stringContaining('nothing listens') }]);
  refuse = undefined;
  expect(await ask(localPort)).toBe('hello');
  expect((await shown())[0]!.error).toBeUndefined();
});

it('opens nothing where nothing runs or no such port is', async () => {
  await pod('web-1', 'Pending');
  await expect(start()).rejects.toThrow('No pod of Service web is running.');
  await expect(start({ kind: 'pods', name: 'web-1', port: 8080 })).rejects.toThrow('Pod web-1 is not running.');
  await pod('web-2', 'Running');
  await expect(start({ port: 81 })).rejects.toThrow('does not have a service port 81');
  expect(await shown()).toEqual([]);
});

it('closes its port when it is stopped', async () => {
  await pod('web-1', 'Running');
  const { id, localPort } = await start({ kind: 'pods', name: 'web-1', port: 8080 });
  await forwards.methods['portForward.stop']({ id }, context);
  expect(await ask(localPort)).toBe('');
  expect(await shown()).toEqual([]);
});
