import { type Port, type ToHost, type ToPage, WINDOW } from '@shared/bridge/protocol';
import { describe, expect, it } from 'vitest';
import { apiError, invalid, notFound } from '../cluster/api/errors';
import { silentLogger } from '../cluster/log';
import { createBridgeHost } from './bridge-host';
import type { Services } from './types';

const settle = () => new Promise((resolve) => setImmediate(resolve));

function page(services: { methods?: object; streams?: object }) {
  const sent: ToPage[] = [];
  let receive: (message: ToHost) => void = () => {};
  const closers: (() => void)[] = [];
  const port: Port<ToPage, ToHost> = {
    post: (message) => void sent.push(structuredClone(message)),
    onMessage: (listener) => void (receive = listener),
    onClose: (listener) => void closers.push(listener),
    close: () => closers.forEach((close) => close()),
  };
  const full = { methods: {}, streams: {}, close: async () => {}, ...services } as unknown as Services;
  const host = createBridgeHost({ services: full, log: silentLogger });
  host.attach(port);
  return { sent, host, port, say: (message: unknown) => receive(message as ToHost) };
}

describe('bridge host: calls', () => {
  it('answers with the result', async () => {
    const { sent, say } = page({ methods: { 'node.cordon': async (params: unknown) => params } });
    say({ type: 'call', id: 1, method: 'node.cordon', params: { cluster: 'gantry', name: 'n', unschedulable: true } });
    await settle();
    expect(sent).toEqual([{ type: 'result', id: 1, value: { cluster: 'gantry', name: 'n', unschedulable: true } }]);
  });

  it('refuses parameters that the contract does not allow, before the service sees them', async () => {
    let seen = 0;
    const { sent, say } = page({ methods: { 'workload.scale': async () => void (seen += 1) } });
    const resource = { group: 'apps', version: 'v1', plural: 'deployments' };
    const params = { cluster: 'gantry', resource, namespace: 'a', name: 'web', replicas: -1 };
    say({ type: 'call', id: 1, method: 'workload.scale', params });
    await settle();
    expect(seen).toBe(0);
    expect(sent[0]).toMatchObject({ type: 'error', id: 1, error: { code: 'invalidParams' } });
    expect((sent[0] as { error: { causes: unknown } }).error.causes).toMatchObject([{ field: 'replicas' }]);
  });

  it('knows no method that only the prototype has', async () => {
    const { sent, say } = page({});
    say({ type: 'call', id: 1, method: 'constructor', params: {} });
    say({ type: 'call', id: 2, method: '__proto__', params: {} });
    await settle();
    expect(sent.map((message) => (message as { error: { code: string } }).error.code)).toEqual([
      'unknownMethod',
      'unknownMethod',
    ]);
  });

  it('tells what the API said: reason, status, object, causes and what to do', async () => {
    const resource = { group: 'apps', plural: 'deployments', kind: 'Deployment' };
    const failures = [
      notFound(resource, 'web'),
      invalid(resource, 'web', [{ type: 'Required', field: 'spec.selector', value: undefined } as never]),
      Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:6443'), { code: 'ECONNREFUSED' }),
      new Error('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ENOTFOUND' }) }),
      apiError(500, 'InternalError', 'boom'),
      new TypeError('x is not a function'),
    ];
    const { sent, say } = page({
      methods: {
        'app.info': async () => {
          throw failures.shift()!;
        },
      },
    });
    for (let id = 0; id < 6; id += 1) say({ type: 'call', id, method: 'app.info', params: {} });
    await settle();
    const errors = sent.map((message) => (message as Extract<ToPage, { type: 'error' }>).error);
    expect(errors[0]).toMatchObject({
      code: 'NotFound',
      status: 404,
      object: 'deployments.apps "web"',
      hint: expect.any(String),
    });
    expect(errors[1]).toMatchObject({
      code: 'Invalid',
      status: 422,
      causes: [{ field: 'spec.selector', message: expect.stringContaining('Required value') }],
    });
    expect(errors[2]).toMatchObject({ code: 'unavailable', hint: expect.stringContaining('running') });
    expect(errors[3]).toMatchObject({ code: 'unavailable' });
    expect(errors[4]).toMatchObject({ code: 'InternalError', status: 500, message: 'boom' });
    expect(errors[5]).toMatchObject({ code: 'internal' });
  });

  it('cancels a call: the service is told and the page gets one answer', async () => {
    let aborted = false;
    const { sent, say } = page({
      methods: {
        'engine.retry': (_: unknown, { signal }: { signal: AbortSignal }) =>
          new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => {
              aborted = true;
              reject(new Error('late'));
            }),
          ),
      },
    });
    say({ type: 'call', id: 7, method: 'engine.retry', params: {} });
    await settle();
    say({ type: 'close', id: 7 });
    await settle();
    expect(aborted).toBe(true);
    expect(sent).toEqual([{ type: 'error', id: 7, error: expect.objectContaining({ code: 'cancelled' }) }]);
  });

  it('takes a call without parameters, as JSON leaves them out', async () => {
    const { sent, say } = page({ methods: { 'app.info': async () => 'info' } });
    say(JSON.parse(JSON.stringify({ type: 'call', id: 1, method: 'app.info', params: undefined })));
    await settle();
    expect(sent).toEqual([{ type: 'result', id: 1, value: 'info' }]);
  });

  it('ignores what is not of the protocol', async () => {
    const { sent, say } = page({});
    for (const junk of [null, 'x', { type: 'call' }, { type: 'ack', id: 1, count: -5 }, { type: 'evil', id: 1 }])
      say(junk);
    await settle();
    expect(sent).toEqual([]);
  });
});

describe('bridge host: streams', () => {
  const counting = (state: { made: number; ended: boolean }) =>
    async function* () {
      try {
        for (;;) yield [{ id: String((state.made += 1)) }];
      } finally {
        state.ended = true;
      }
    };

  it('sends no more than the window until the page acknowledges', async () => {
    const state = { made: 0, ended: false };
    const { sent, say } = page({ streams: { tasks: counting(state) } });
    say({ type: 'open', id: 1, stream: 'tasks', params: {} });
    for (let turn = 0; turn < 10; turn += 1) await settle();
    expect(sent).toHaveLength(WINDOW);
    expect(state.made).toBe(WINDOW);
    say({ type: 'ack', id: 1, count: 10 });
    for (let turn = 0; turn < 10; turn += 1) await settle();
    expect(sent).toHaveLength(WINDOW + 10);
    say({ type: 'ack', id: 1, count: 1_000_000 });
    for (let turn = 0; turn < 10; turn += 1) await settle();
    expect(sent).toHaveLength(WINDOW + 10 + WINDOW);
  });

  it('ends the source when the page closes the stream', async () => {
    const state = { made: 0, ended: false };
    const { sent, say } = page({ streams: { tasks: counting(state) } });
    say({ type: 'open', id: 1, stream: 'tasks', params: {} });
    await settle();
    say({ type: 'close', id: 1 });
    await settle();
    expect(state.ended).toBe(true);
    expect(sent.at(-1)).toEqual({ type: 'end', id: 1 });
    const count = sent.length;
    say({ type: 'ack', id: 1, count: 64 });
    await settle();
    expect(sent).toHaveLength(count);
  });

  it('ends all sources when the port closes, and sends nothing more', async () => {
    const state = { made: 0, ended: false };
    const { sent, say, port } = page({ streams: { tasks: counting(state) } });
    say({ type: 'open', id: 1, stream: 'tasks', params: {} });
    await settle();
    const count = sent.length;
    port.close();
    await settle();
    expect(state.ended).toBe(true);
    expect(sent).toHaveLength(count);
  });

  it('ends with the error that the source threw', async () => {
    const { sent, say } = page({
      streams: {
        async *clusters() {
          yield [];
          throw notFound({ plural: 'pods' }, 'a');
        },
      },
    });
    say({ type: 'open', id: 3, stream: 'clusters', params: {} });
    await settle();
    expect(sent).toEqual([
      { type: 'data', id: 3, data: [] },
      { type: 'end', id: 3, error: expect.objectContaining({ code: 'NotFound', object: 'pods "a"' }) },
    ]);
  });

  it('delivers input that passes the schema, also what came before the source asked', async () => {
    const got: unknown[] = [];
    let start = () => {};
    const started = new Promise<void>((resolve) => (start = resolve));
    const { say } = page({
      streams: {
        async *terminal(
          _: unknown,
          { signal, onInput }: { signal: AbortSignal; onInput: (l: (i: unknown) => void) => void },
        ) {
          await started;
          onInput((input) => got.push(input));
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          yield { type: 'exit', code: 0 };
        },
      },
    });
    say({ type: 'open', id: 1, stream: 'terminal', params: { cluster: 'gantry', columns: 80, rows: 24 } });
    say({ type: 'input', id: 1, data: { type: 'input', data: 'l' } });
    say({ type: 'input', id: 1, data: { type: 'resize', columns: 0, rows: 24 } });
    start();
    await settle();
    say({ type: 'input', id: 1, data: { type: 'input', data: 's' } });
    say({ type: 'close', id: 1 });
    expect(got).toEqual([
      { type: 'input', data: 'l' },
      { type: 'input', data: 's' },
    ]);
  });

  it('refuses a stream with an id in use, and one it does not know', async () => {
    const { sent, say } = page({ streams: { tasks: counting({ made: 0, ended: false }) } });
    say({ type: 'open', id: 1, stream: 'nothing', params: {} });
    say({ type: 'open', id: 2, stream: 'rows', params: { cluster: '' } });
    await settle();
    expect(sent.map((message) => (message as { error: { code: string } }).error.code)).toEqual([
      'unknownMethod',
      'invalidParams',
    ]);
  });
});
