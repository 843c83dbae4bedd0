import { setMaxListeners } from 'node:events';
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../clock';
import { silentLogger } from '../../log';
import { frameHeader, frameReader, frameType } from './frames';
import { createReach, type Reach, type ReachMode, type Router } from './index';
import type { TunnelSession } from './tunnel';

const secret = '00ff';
const ownPort = 4711;
const live = new AbortController().signal;
setMaxListeners(0, live);

let clock: FakeClock;
let reach: Reach;
/** What this machine's routes do: lead to the router, to somebody else, or nowhere. */
let routes: 'there' | 'elsewhere' | 'nowhere' | 'fail';
/** Who was dialled over routes, and who through which router. */
let direct: string[];
let through: string[];
let sessions: (TunnelSession & { end(): void })[];
let broken: boolean;
let hangs: boolean;
/** Tunnels answer no more, which nobody is told. */
let silent: boolean;
let routers: Router[];

/** A kube-tunnel that opens what it is asked for. */
function kubeTunnel(router: Router): TunnelSession & { end(): void } {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const read = frameReader();
  const say = (type: number, id: number, text = '') => {
    stdout.write(frameHeader(type, id, text.length));
    stdout.write(text);
  };
  stdin.on('data', (chunk: Buffer) => {
    for (const { type, id, payload } of read(chunk)) {
      if (type === frameType.ping && !silent) say(frameType.ping, 0);
      if (type !== frameType.open) continue;
      through.push(`${router.pod} ${payload.toString().replace(/ tcp$/, '')}`);
      say(frameType.open, id);
    }
  });
  let end!: () => void;
  const done = new Promise<string>((resolve) => (end = () => resolve('')));
  say(frameType.hello, 0, `${ownPort} ${secret}`);
  return { stdin, stdout, done, close: end, end };
}

const start = (mode: ReachMode = 'auto') =>
  (reach = createReach({
    mode,
    inNetwork: (host) => host.startsWith('172.'),
    routers: (node) => routers.toSorted((a, b) => Number(b.pod === node) - Number(a.pod === node)),
    async run(router) {
      if (hangs) return new Promise(() => {});
      if (broken) throw new Error('no such program');
      const session = kubeTunnel(router);
      sessions.push(session);
      return session;
    },
    direct(host, port, signal) {
      direct.push(`${host}:${port}`);
      if (routes === 'fail') return Promise.reject(Object.assign(new Error('no route'), { code: 'EHOSTUNREACH' }));
      if (routes === 'nowhere')
        return new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(Object.assign(new Error('aborted'), { code: 'ABORT_ERR' }))),
        );
      const socket = new PassThrough();
      socket.end(port !== ownPort ? 'pod' : routes === 'there' ? secret : 'another');
      return Promise.resolve(socket);
    },
    clock,
    log: silentLogger,
  }));
/** Dials a pod and lets what was found out settle. */
async function dial(host = '172.18.0.5', node = 'one'): Promise<string> {
  const [before, beforeThrough] = [direct.length, through.length];
  const connecting = reach.dial(node)(host, 80, live);
  connecting.catch(() => {});
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await clock.advance(2000);
  await connecting;
  return through.length > beforeThrough ? through.at(-1)! : `direct ${direct.slice(before).at(-1)}`;
}

beforeEach(() => {
  clock = new FakeClock();
  routes = 'there';
  [direct, through, sessions, broken, hangs, silent] = [[], [], [], false, false, false];
  routers = ['one', 'two'].map((pod, n) => ({ id: `${pod}-1`, pod, address: `172.18.255.${254 - n}` }));
});

describe('the one dialer', () => {
  it('uses the routes of this machine where they lead to the system container, and asks once', async () => {
    start();
    expect(await dial()).toBe('direct 172.18.0.5:80');
    expect(await dial('172.18.0.6', 'two')).toBe('direct 172.18.0.6:80');
    expect(direct.filter((one) => one.endsWith(`:${ownPort}`))).toEqual([`172.18.255.254:${ownPort}`]);
    expect(sessions).toHaveLength(1);
    expect(await sessions[0]!.done).toBe('');
  });

  it.each(['elsewhere', 'nowhere', 'fail'] as const)('goes through the node where its routes lead %s', async (how) => {
    routes = how;
    start();
    expect(await dial()).toBe('one 172.18.0.5 80');
    expect(await dial('172.18.0.6', 'two')).toBe('two 172.18.0.6 80');
    expect(await dial('172.18.0.6', 'three')).toBe('one 172.18.0.6 80');
    expect(sessions).toHaveLength(2);
  });

  it('leaves alone what is not of the network, and dials directly until there is a system container', async () => {
    start('tunnel');
    expect(await dial('example.com')).toBe('direct example.com:80');
    routers = [];
    expect(await dial()).toBe('direct 172.18.0.5:80');
  });

  it('does as it is told', async () => {
    start('tunnel');
    expect(await dial()).toBe('one 172.18.0.5 80');
    start('direct');
    routes = 'elsewhere';
    expect(await dial()).toBe('direct 172.18.0.5:80');
  });

  it('looks again when the engine is another, and when a tunnel ends', async () => {
    routes = 'elsewhere';
    start();
    expect(await dial()).toContain('one ');
    routes = 'there';
    expect(await dial()).toContain('one ');
    reach.changed();
    expect(await dial()).toContain('direct ');
    routes = 'elsewhere';
    reach.changed();
    expect(await dial()).toContain('one ');
    routes = 'there';
    sessions.at(-1)!.end();
    await clock.advance(10);
    expect(await dial()).toContain('direct ');
  });

  it('looks again when connections fail for want of a route, but not each time', async () => {
    start();
    await dial();
    routes = 'fail';
    await expect(dial()).rejects.toMatchObject({ code: 'EHOSTUNREACH' });
    await clock.advance(31_000);
    await expect(dial()).rejects.toMatchObject({ code: 'EHOSTUNREACH' });
    expect(await dial()).toBe('one 172.18.0.5 80');
  });

  it('dials directly while it cannot find out, and tries again later', async () => {
    routes = 'elsewhere';
    broken = true;
    start();
    expect(await dial()).toBe('direct 172.18.0.5:80');
    broken = false;
    expect(await dial()).toBe('direct 172.18.0.5:80');
    await clock.advance(31_000);
    expect(await dial()).toBe('one 172.18.0.5 80');
  });

  it('waits for an engine that does not answer, but not for ever', async () => {
    hangs = true;
    start();
    const connecting = reach.dial('one')('172.18.0.5', 80, live);
    await clock.advance(11_000);
    await connecting;
    expect(direct).toEqual(['172.18.0.5:80']);
    hangs = false;
    routes = 'elsewhere';
    await clock.advance(31_000);
    expect(await dial()).toBe('one 172.18.0.5 80');
  });

  it('waits no longer than its caller', async () => {
    routes = 'nowhere';
    start();
    const abort = new AbortController();
    const connecting = reach.dial('one')('172.18.0.5', 80, abort.signal);
    abort.abort();
    await expect(connecting).rejects.toMatchObject({ code: 'ABORT_ERR' });
  });

  it('gives a tunnel up that answers no more, and takes another', async () => {
    start('tunnel');
    await dial();
    await clock.advance(60_000);
    await dial();
    expect(sessions).toHaveLength(1);
    silent = true;
    await clock.advance(21_000);
    silent = false;
    expect(await dial()).toBe('one 172.18.0.5 80');
    expect(sessions).toHaveLength(2);
  });

  it('ends its tunnels when it stops', async () => {
    start('tunnel');
    await dial();
    reach.stop();
    expect(await sessions[0]!.done).toBe('');
  });
});
