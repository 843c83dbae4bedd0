import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once, setMaxListeners } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dialDirectly } from '../../dial';
import { openTunnel, reaches, type Tunnel } from './tunnel';

/** The program of the node image itself, run here. */
let program: ChildProcess;
let tunnel: Tunnel;
const servers: Server[] = [];
const live = new AbortController().signal;
setMaxListeners(0, live);

beforeEach(async () => {
  program = spawn('perl', [resolve('resources/node-image/kube-tunnel')], { stdio: ['pipe', 'pipe', 'inherit'] });
  tunnel = await openTunnel({
    stdin: program.stdin!,
    stdout: program.stdout!,
    done: once(program, 'exit').then(() => 'it ended'),
    close: () => program.stdin!.destroy(),
  });
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  tunnel.close();
  await tunnel.closed;
});

async function serve(serveOne: (socket: Socket) => void, allowHalfOpen = false): Promise<number> {
  const server = createServer({ allowHalfOpen }, (socket) => {
    socket.on('error', () => {});
    serveOne(socket);
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return (server.address() as AddressInfo).port;
}
const text = async (from: Readable): Promise<string> => {
  const chunks: Buffer[] = [];
  from.on('data', (chunk: Buffer) => void chunks.push(chunk));
  await once(from, 'end');
  return Buffer.concat(chunks).toString();
};

describe('a tunnel', () => {
  it('carries many connections, each its own bytes', async () => {
    const port = await serve((socket) => socket.pipe(socket));
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const connection = await tunnel.connect('127.0.0.1', port, live);
        connection.write(`hello ${n}`);
        const [answer] = (await once(connection, 'data')) as [Buffer];
        connection.destroy();
        return answer.toString();
      }),
    );
    expect(answers).toEqual(answers.map((_, n) => `hello ${n}`));
  });

  it('carries more than fits both ways, whole', async () => {
    const sent = Buffer.alloc(5_000_000, 'gantry');
    const got = { there: '' };
    const port = await serve((socket) => {
      void text(socket).then((all) => {
        got.there = all;
        socket.end(sent);
      });
    }, true);
    const connection = await tunnel.connect('127.0.0.1', port, live);
    // What is half closed still reads.
    connection.end(sent);
    expect((await text(connection)) === sent.toString()).toBe(true);
    expect(got.there === sent.toString()).toBe(true);
  });

  it('delivers what was sent before an end, there and here, however late it is read', async () => {
    const much = Buffer.alloc(400_000, 'x');
    const heard: number[] = [];
    const deaf = await serve((socket) => {
      setTimeout(() => void text(socket.resume()).then((all) => heard.push(all.length)), 200);
      socket.pause();
    });
    const hasty = await tunnel.connect('127.0.0.1', deaf, live);
    hasty.write(much, () => hasty.destroy());
    const brief = await serve((socket) => socket.end(much));
    const late = await tunnel.connect('127.0.0.1', brief, live);
    late.end();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await text(late)).length).toBe(much.length);
    await expect.poll(() => heard).toEqual([much.length]);
  });

  it('holds back who sends to somebody that does not read, and nobody else', async () => {
    let stalled!: Socket;
    const deaf = await serve((socket) => {
      stalled = socket.pause();
    });
    const echo = await serve((socket) => socket.pipe(socket));
    const held = await tunnel.connect('127.0.0.1', deaf, live);
    const much = Buffer.alloc(40_000_000);
    let through = false;
    held.write(much, () => (through = true));
    const free = await tunnel.connect('127.0.0.1', echo, live);
    free.write('ping');
    expect(String((await once(free, 'data'))[0])).toBe('ping');
    expect(through).toBe(false);
    let count = 0;
    stalled.on('data', (chunk: Buffer) => (count += chunk.length)).resume();
    await expect.poll(() => count, { timeout: 10_000 }).toBe(much.length);
    expect(through).toBe(true);
    free.destroy();
    held.destroy();
  });

  it('fails as sockets do', async () => {
    const port = await serve(() => {});
    servers.pop()!.close();
    await expect(tunnel.connect('127.0.0.1', port, live)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
      message: `connect ECONNREFUSED 127.0.0.1:${port}`,
    });
    await expect(tunnel.connect('no address', 1, live)).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
    const reset = await serve((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const connection = await tunnel.connect('127.0.0.1', reset, live);
    connection.write('go');
    const [error] = await once(connection, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('ends connections with their signal, there too', async () => {
    const ended = new Promise<void>(
      (done) => void serve((socket) => socket.once('close', () => done()).resume()).then(use),
    );
    async function use(port: number) {
      const abort = new AbortController();
      const connection = await tunnel.connect('127.0.0.1', port, abort.signal);
      connection.on('error', () => {});
      abort.abort();
      expect(connection.destroyed).toBe(true);
    }
    await ended;
    await expect(tunnel.connect('127.0.0.1', 1, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORT_ERR' });
  });

  it('says where its program is, which whoever can route there hears', async () => {
    expect(tunnel.own.secret).toMatch(/^[0-9a-f]{32}$/);
    expect(await reaches(tunnel, (port) => dialDirectly('127.0.0.1', port, live))).toBe(true);
    const other = await serve((socket) => socket.end('another'));
    expect(await reaches(tunnel, () => dialDirectly('127.0.0.1', other, live))).toBe(false);
    expect(await reaches(tunnel, () => Promise.reject(new Error('no route')))).toBe(false);
  });

  it('carries datagrams, each whole', async () => {
    const echo = createSocket('udp4');
    echo.on('message', (datagram, { port, address }) => echo.send(datagram, port, address));
    await new Promise<void>((bound) => echo.bind(0, '127.0.0.1', bound));
    const heard: Buffer[] = [];
    const flow = await tunnel.datagrams('127.0.0.1', echo.address().port, (datagram) => heard.push(datagram));
    const sent = [Buffer.from('one'), Buffer.alloc(50_000, 'two'), Buffer.from('three')];
    for (const datagram of sent) flow.send(datagram);
    await expect.poll(() => heard.length).toBe(3);
    expect(heard.every((datagram, index) => datagram.equals(sent[index]!))).toBe(true);
    flow.close();
    echo.close();
    const nobody = await tunnel.datagrams('127.0.0.1', 9, () => {});
    nobody.send(Buffer.from('hello'));
    await tunnel.ping();
    nobody.send(Buffer.from('still there'));
    await tunnel.ping();
    expect(nobody.send(Buffer.from('lost'))).toBe(true);
    tunnel.close();
    expect(nobody.send(Buffer.from('lost'))).toBe(false);
  });

  it('says that it is there', async () => {
    await tunnel.ping();
    await tunnel.ping();
  });

  it('brings here who connects to its container', async () => {
    const port = await tunnel.listen((connection) => connection.pipe(connection));
    const answers = await Promise.all(
      ['one', 'two'].map(async (name) => {
        const visitor = await dialDirectly('127.0.0.1', port, live);
        (visitor as Socket).end(name);
        return text(visitor);
      }),
    );
    expect(answers).toEqual(['one', 'two']);
  });

  it('takes its connections with it when it ends', async () => {
    const port = await serve((socket) => socket.pipe(socket));
    const connection = await tunnel.connect('127.0.0.1', port, live);
    program.kill();
    expect((await once(connection, 'error'))[0]).toMatchObject({ code: 'ECONNRESET' });
    await tunnel.closed;
    await expect(tunnel.connect('127.0.0.1', port, live)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

it('says why it could not begin', async () => {
  const child = spawn('perl', ['-e', 'exit 3'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const session = { stdin: child.stdin!, stdout: child.stdout!, close: () => child.kill() };
  await expect(openTunnel({ ...session, done: once(child, 'exit').then(() => 'no such program') })).rejects.toThrow(
    'no such program',
  );
});
