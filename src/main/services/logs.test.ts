import { PassThrough } from 'node:stream';
import type { LogLine } from '@shared/bridge/contract';
import { describe, expect, it } from 'vitest';
import { apiError, notFound } from '../cluster/api/errors';
import type { KubeRequest, KubeTransport } from '../cluster/client/transport';
import { FakeClock } from '../cluster/clock';
import { streamLogs } from './logs';

const settle = async () => {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const at = (second: number, fraction = '') => `2026-01-01T00:00:${String(second).padStart(2, '0')}${fraction}Z`;

/** Pods whose logs the test writes. */
function setUp(pods: Record<string, { containers: string[]; annotations?: Record<string, string>; phase?: string }>) {
  const clock = new FakeClock();
  const opened: { request: KubeRequest; stream: PassThrough }[] = [];
  const refuse: { with?: Error } = {};
  const transport = {
    async request({ path }: KubeRequest) {
      const name = path.split('/').at(-1)!;
      const pod = pods[name];
      if (!pod) throw notFound({ plural: 'pods' }, name);
      const containers = pod.containers.map((container) => ({ name: container }));
      const metadata = { name, annotations: pod.annotations };
      return {
        status: 200,
        body: { metadata, spec: { containers }, status: { phase: pod.phase ?? 'Running' } },
        warnings: [],
      };
    },
    async stream(request: KubeRequest) {
      if (refuse.with) throw refuse.with;
      const stream = new PassThrough();
      opened.push({ request, stream });
      return stream;
    },
  } as unknown as KubeTransport;
  const read = (params: Partial<Parameters<typeof streamLogs>[1]>, manual = false) => {
    const abort = new AbortController();
    const source = streamLogs(
      transport,
      { cluster: 'c', namespace: 'n', pods: Object.keys(pods), follow: true, ...params },
      { clock, signal: abort.signal },
    );
    const lines: LogLine[] = [];
    const state = { ended: false, error: undefined as unknown, batches: 0 };
    const take = async () => {
      const next = await source.next();
      if (next.done) return false;
      state.batches += 1;
      lines.push(...next.value.lines);
      return true;
    };
    if (!manual) {
      void (async () => {
        try {
          while (await take());
        } catch (error) {
          state.error = error;
        }
        state.ended = true;
      })();
    }
    return { lines, state, take, abort, texts: () => lines.map((line) => line.text) };
  };
  return { clock, opened, refuse, read, pods };
}

describe('logs', () => {
  it('parse times, keep empty lines and join what was cut', async () => {
    const { clock, opened, read } = setUp({ a: { containers: ['one', 'two'] } });
    const { lines, state } = read({ follow: false, tailLines: 10 });
    await settle();
    expect(opened[0]!.request).toMatchObject({
      path: '/api/v1/namespaces/n/pods/a/log',
      query: { container: 'one', timestamps: true, tailLines: 10, follow: undefined },
    });
    const { stream } = opened[0]!;
    const euro = Buffer.from('€');
    stream.write(`${at(1)} hel`);
    stream.write('lo\n');
    stream.write(`${at(1, '.5')} \n${at(2)}  indented\r\nno time\n${at(3)} `);
    stream.write(euro.subarray(0, 1));
    stream.write(euro.subarray(1));
    stream.end();
    await clock.advance(1000);
    expect(lines.map(({ time, text }) => [time, text])).toEqual([
      [at(1), 'hello'],
      [at(1, '.5'), ''],
      [at(2), ' indented'],
      [undefined, 'no time'],
      [at(3), '€'],
    ]);
    expect(lines[0]).toMatchObject({ pod: 'a', container: 'one' });
    expect(state).toMatchObject({ ended: true, error: undefined });
  });

  it('take the default container, or all of them', async () => {
    const annotations = { 'kubectl.kubernetes.io/default-container': 'two' };
    const { opened, read } = setUp({ a: { containers: ['one', 'two'], annotations } });
    for (const params of [{}, { container: '*' }, { container: 'one', previous: true }]) {
      read(params);
      await settle();
    }
    expect(opened.map(({ request }) => request.query!.container)).toEqual(['two', 'one', 'two', 'one']);
    expect(opened[3]!.request.query).toMatchObject({ previous: true, follow: undefined });
  });

  it('merge several pods in the order of time', async () => {
    const { clock, opened, read } = setUp({ a: { containers: ['x'] }, b: { containers: ['x'] } });
    const { texts } = read({});
    await settle();
    opened[0]!.stream.write(`${at(1)} a1\n${at(3)} a3\n  more of a3\n${at(5)} a5\n`);
    opened[1]!.stream.write(`${at(2)} b2\n${at(4, '.25')} b4\n`);
    await clock.advance(500);
    expect(texts()).toEqual(['a1', 'b2', 'a3', '  more of a3', 'b4', 'a5']);
  });

  it('send at most twenty batches a second', async () => {
    const { clock, opened, read } = setUp({ a: { containers: ['x'] } });
    const { lines, state } = read({});
    await settle();
    for (let line = 0; line < 200; line += 1) {
      opened[0]!.stream.write(`${at(1)} ${line}\n`);
      await clock.advance(10);
    }
    await clock.advance(100);
    expect(lines).toHaveLength(200);
    expect(state.batches).toBeLessThanOrEqual(42);
    expect(state.batches).toBeGreaterThan(20);
  });

  it('take up again where a followed log broke off, without a line twice or lost', async () => {
    const { clock, opened, read } = setUp({ a: { containers: ['x'] } });
    const { texts, state } = read({ tailLines: 5 });
    await settle();
    opened[0]!.stream.write(`${at(1)} one\n${at(2)} two\n${at(2)} three\n`);
    await clock.advance(100);
    opened[0]!.stream.destroy(new Error('socket hang up'));
    await clock.advance(2000);
    expect(opened).toHaveLength(2);
    expect(opened[1]!.request.query).toMatchObject({ sinceTime: at(2), tailLines: undefined, follow: true });
    opened[1]!.stream.write(`${at(2)} two\n${at(2)} three\n${at(2)} four\n${at(3)} five\n`);
    opened[1]!.stream.end();
    await clock.advance(2000);
    expect(texts()).toEqual(['one', 'two', 'three', 'four', 'five']);
    expect(state.ended).toBe(false);
  });

  it('wait for a container that has not started, and end with the pod', async () => {
    const { clock, opened, refuse, read, pods } = setUp({ a: { containers: ['x'] } });
    refuse.with = apiError(400, 'BadRequest', 'container "x" in pod "a" is waiting to start: ContainerCreating');
    const { texts, state } = read({});
    await clock.advance(3000);
    expect(state.ended).toBe(false);
    refuse.with = undefined;
    await clock.advance(10_000);
    opened[0]!.stream.write(`${at(1)} done\n`);
    pods.a!.phase = 'Succeeded';
    opened[0]!.stream.end();
    await clock.advance(1000);
    expect(texts()).toEqual(['done']);
    expect(state).toMatchObject({ ended: true, error: undefined });
  });

  it('fail with what the API says', async () => {
    const { clock, refuse, read } = setUp({ a: { containers: ['x'] } });
    refuse.with = apiError(400, 'BadRequest', 'previous terminated container "x" in pod "a" not found');
    const { state } = read({ follow: false, previous: true });
    await clock.advance(1000);
    expect(state.error).toBe(refuse.with);
    const gone = read({ pods: ['gone'] });
    await clock.advance(100);
    expect(gone.state.error).toMatchObject({ message: 'pods "gone" not found' });
  });

  it('stop reading while the page does not take', async () => {
    const { clock, opened, read } = setUp({ a: { containers: ['x'] } });
    const { lines, take, abort } = read({}, true);
    const first = take();
    await settle();
    const { stream } = opened[0]!;
    const chunk = `${at(1)} ${'x'.repeat(80)}\n`.repeat(500);
    let written = 0;
    const write = () => {
      while (written < 200) {
        written += 1;
        if (!stream.write(chunk)) break;
      }
    };
    stream.on('drain', write);
    write();
    await clock.advance(100);
    await first;
    for (let turn = 0; turn < 50; turn += 1) await settle();
    expect(written).toBeLessThan(30);
    const before = written;
    for (let turn = 0; turn < 3; turn += 1) {
      const more = take();
      await clock.advance(100);
      await more;
    }
    expect(written).toBeGreaterThan(before);
    expect(lines.length).toBeGreaterThan(500);
    abort.abort();
    await settle();
    expect(stream.destroyed).toBe(true);
  });
});
