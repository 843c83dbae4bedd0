import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { apiError } from '../api/errors';
import { systemClock } from '../clock';
import { createHttpsTransport } from '../client/https';
import { silentLogger } from '../log';
import { listenHttps, type HttpsListener } from './https';
import type { RunOptions, RunSession } from './node-connection';
import { loadOrCreatePki, type Pki } from './pki';
import { SpdySession } from './spdy/session';
import type { SpdyStream } from './spdy/stream';
import { createTestServer, podBody } from './testing';

const pod = '/api/v1/namespaces/default/pods/p';
let directory: string;
let pki: Pki;
let listener: HttpsListener;
let closed = 0;
let connections: Duplex[] = [];

/** `cat` copies stdin and ends with 3, `size` tells each size it is given, `deaf` closes its stdin, `wait` runs until it is closed. */
async function fakeRun({ command = [], stdin }: RunOptions): Promise<RunSession> {
  if (command[0] === 'never') throw apiError(400, 'BadRequest', 'container "main" in pod "p" is waiting to start');
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const input = stdin ? new PassThrough() : null;
  if (command[0] === 'cat') input!.pipe(stdout);
  if (command[0] === 'deaf') input!.once('readable', () => input!.destroy());
  const done = new Promise<{ exitCode: number }>((resolve) => stdout.once('end', () => resolve({ exitCode: 3 })));
  stderr.end('to stderr');
  const sizes: string[] = [];
  return {
    stdin: input,
    stdout,
    stderr,
    resize(columns, rows) {
      sizes.push(`${columns}x${rows}`);
      if (sizes.length === 2) stdout.end(sizes.join(' '));
    },
    done,
    close() {
      closed++;
      stdout.end();
    },
  };
}

/** Answers in capitals, and only when it has heard the end. */
function shout(): Duplex {
  const heard: Buffer[] = [];
  const duplex: Duplex = new Duplex({
    read: () => {},
    write(chunk: Buffer, _encoding, done) {
      heard.push(chunk);
      done();
    },
    final(done) {
      duplex.push(Buffer.from(Buffer.concat(heard).toString('latin1').toUpperCase(), 'latin1'));
      duplex.push(null);
      done();
    },
  });
  connections.push(duplex);
  return duplex;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-upgrade-'));
  pki = await loadOrCreatePki(directory, { clock: systemClock });
  const test = await createTestServer();
  test.nodes.register('n1', {
    logs: async () => Promise.reject(new Error('no logs')),
    run: async (_namespace, _pod, options) => fakeRun(options),
    portForward: async (_namespace, _pod, port) => {
      if (port === 81) throw new Error('connection refused');
      return shout();
    },
  });
  await test.send('POST', '/api/v1/namespaces/default/pods', { body: podBody('p', { nodeName: 'n1' }) });
  listener = await listenHttps({ server: test.server, pki, port: 0, log: silentLogger });
});
afterAll(async () => {
  await listener.close();
  await rm(directory, { recursive: true });
});

type Answer = { status: number; headers: NodeJS.Dict<string | string[]> } & ({ socket: Duplex } | { body: string });

/** Asks for SPDY as kubectl does. */
function upgrade(path: string, protocols: string[], kind = 'SPDY/3.1'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${listener.url}${path}`, {
      ca: pki.caPem,
      ...pki.admin,
      agent: false,
      method: 'POST',
      headers: { Connection: 'Upgrade', Upgrade: kind, 'X-Stream-Protocol-Version': protocols },
    });
    outgoing.on('upgrade', ({ statusCode, headers }, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve({ status: statusCode!, headers, socket });
    });
    outgoing.on('response', (response) => {
      text(response).then((body) => resolve({ status: response.statusCode!, headers: response.headers, body }), reject);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

async function session(path: string, protocol: string): Promise<SpdySession> {
  const answer = await upgrade(path, [protocol]);
  if (!('socket' in answer)) throw new Error(`${answer.status} ${answer.body}`);
  return new SpdySession(answer.socket, { role: 'client' });
}

const all = (stream: SpdyStream) =>
  new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('end', () => resolve(Buffer.concat(chunks)));
    stream.once('close', () => reject(new Error('closed before its end')));
    stream.on('error', reject);
  });
const gone = (stream: SpdyStream) =>
  new Promise<void>((resolve) => stream.on('error', () => {}).once('close', () => resolve()));

describe('exec over SPDY', () => {
  const protocol = 'v4.channel.k8s.io';

  it('carries stdin to its end, both outputs and the exit code', async () => {
    const spdy = await session(`${pod}/exec?command=cat&stdin=1&stdout=1&stderr=1`, protocol);
    const open = (streamtype: string) => spdy.open({ streamtype });
    const error = all(open('error'));
    const stdin = open('stdin');
    const [stdout, stderr] = [all(open('stdout')), all(open('stderr'))];
    const input = randomBytes(3_000_000);
    stdin.end(input);
    expect((await stdout).equals(input)).toBe(true);
    expect((await stderr).toString()).toBe('to stderr');
    expect(JSON.parse((await error).toString())).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    });
    await new Promise<void>((resolve) => (spdy.ended ? resolve() : spdy.once('close', () => resolve())));
  });

  it('carries the sizes of a terminal, however they are cut', async () => {
    const spdy = await session(`${pod}/exec?command=size&stdout=1&tty=1&stderr=1`, protocol);
    const error = all(spdy.open({ streamtype: 'error' }));
    const stdout = all(spdy.open({ streamtype: 'stdout' }));
    const resize = spdy.open({ streamtype: 'resize' });
    resize.write('{"Width":120,"Hei');
    resize.write('ght":40}\n{"Width":80,"Height":24}');
    expect((await stdout).toString()).toBe('120x40 80x24');
    await error;
  });

  it('refuses streams nobody asked for, and ends the command with the connection', async () => {
    const before = closed;
    const spdy = await session(`${pod}/exec?command=wait&stdout=1`, protocol);
    await gone(spdy.open({ streamtype: 'stdin' }));
    spdy.open({ streamtype: 'error' }).on('error', () => {});
    const stdout = spdy.open({ streamtype: 'stdout' });
    await gone(spdy.open({ streamtype: 'stdout' }));
    spdy.destroy();
    await gone(stdout);
    await expect.poll(() => closed).toBe(before + 1);
  });

  it('swallows what a command no longer reads', async () => {
    const spdy = await session(`${pod}/exec?command=deaf&stdin=1&stdout=1`, protocol);
    spdy.open({ streamtype: 'error' }).on('error', () => {});
    spdy.open({ streamtype: 'stdout' }).on('error', () => {});
    const stdin = spdy.open({ streamtype: 'stdin' }).on('error', () => {});
    // More than all buffers on the way together.
    await new Promise<void>((resolve) => stdin.end(Buffer.alloc(20_000_000), resolve));
    spdy.destroy();
  });

  it('answers without an upgrade what cannot run', async () => {
    const answer = await upgrade(`${pod}/exec?command=never&stdout=1`, [protocol]);
    expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('is waiting to start') });
    expect((await upgrade(`${pod}x/exec?command=x&stdout=1`, [protocol])).status).toBe(404);
  });

  it('says which protocols it knows', async () => {
    expect(await upgrade(`${pod}/exec?command=cat&stdout=1`, ['v3.channel.k8s.io', 'channel.k8s.io'])).toMatchObject({
      status: 403,
      headers: { 'x-accepted-stream-protocol-versions': protocol },
      body: 'unable to upgrade: unable to negotiate protocol: client supports [v3.channel.k8s.io channel.k8s.io], server accepts [v4.channel.k8s.io]',
    });
    const chosen = await upgrade(`${pod}/exec?command=wait&stdout=1`, ['v5.channel.k8s.io', protocol]);
    expect(chosen).toMatchObject({
      status: 101,
      headers: { 'x-stream-protocol-version': protocol, upgrade: 'SPDY/3.1' },
    });
    if ('socket' in chosen) chosen.socket.destroy();
    expect((await upgrade(`${pod}/exec?command=cat&stdout=1`, [protocol], 'h2c')).status).toBe(400);
  });
});

describe('exec over WebSocket', () => {
  it('takes messages that are text, which is what the client for Python sends', async () => {
    const url = `${listener.url.replace('https', 'wss')}${pod}/exec?command=cat&stdin=true&stdout=true`;
    const webSocket = new WebSocket(url, ['v5.channel.k8s.io'], { ca: pki.caPem, ...pki.admin });
    const heard: Record<number, string> = {};
    webSocket.on('message', (message: Buffer) => {
      heard[message[0]!] = (heard[message[0]!] ?? '') + message.subarray(1).toString();
    });
    await once(webSocket, 'open');
    webSocket.send('\u0000typed');
    webSocket.send(Buffer.of(255, 0));
    await once(webSocket, 'close');
    expect(heard[1]).toBe('typed');
    expect(JSON.parse(heard[3]!)).toMatchObject({ details: { causes: [{ reason: 'ExitCode', message: '3' }] } });
  });
});

describe('port-forward over SPDY', () => {
  const protocol = 'portforward.k8s.io';
  const connect = (spdy: SpdySession, id: number, port = '80') => {
    const errors = spdy.open({ streamtype: 'error', port, requestid: String(id) });
    errors.end();
    const data = spdy.open({ streamtype: 'data', port, requestid: String(id) });
    return { data, heard: all(data), errors: all(errors) };
  };

  it('carries many connections at once, each half by itself', async () => {
    const spdy = await session(`${pod}/portforward`, protocol);
    const ids = Array.from({ length: 100 }, (_, id) => id);
    const answers = await Promise.all(
      ids.map(async (id) => {
        const { data, heard, errors } = connect(spdy, id);
        data.end(`${id}:${'x'.repeat(100_000)}`);
        expect((await errors).length).toBe(0);
        return (await heard).toString();
      }),
    );
    expect(answers).toEqual(ids.map((id) => `${id}:${'X'.repeat(100_000)}`));
    await expect.poll(() => spdy.size).toBe(0);
    spdy.destroy();
  });

  it('says why a port cannot be reached', async () => {
    const spdy = await session(`${pod}/portforward`, protocol);
    const { data, heard, errors } = connect(spdy, 1, '81');
    expect((await errors).toString()).toBe('error forwarding port 81: connection refused');
    expect((await heard).length).toBe(0);
    data.destroy();
    spdy.destroy();
  });

  it.each([{ port: '0' }, { port: '70000' }, { port: 'x' }, { requestid: '' }, { streamtype: 'other' }])(
    'refuses a stream with %o',
    async (wrong) => {
      const spdy = await session(`${pod}/portforward`, protocol);
      await gone(spdy.open({ streamtype: 'data', port: '80', requestid: '1', ...wrong }));
      expect(spdy.ended).toBe(false);
      spdy.destroy();
    },
  );

  it('ends the connection to the pod with the client', async () => {
    connections = [];
    const spdy = await session(`${pod}/portforward`, protocol);
    const { heard, errors } = connect(spdy, 1);
    for (const stream of [heard, errors]) stream.catch(() => {});
    await expect.poll(() => connections.length).toBe(1);
    spdy.destroy();
    await expect.poll(() => connections[0]!.destroyed).toBe(true);
  });

  it('ends at what is no SPDY', async () => {
    const answer = await upgrade(`${pod}/portforward`, [protocol]);
    if (!('socket' in answer)) throw new Error('not upgraded');
    answer.socket.write('GET / HTTP/1.1\r\n\r\n'.padStart(40, '\x80\x09'));
    answer.socket.resume();
    await new Promise((resolve) => answer.socket.once('end', resolve));
    answer.socket.destroy();
  });
});

describe('port-forward through SPDY in a WebSocket', () => {
  it('is what our own client speaks', async () => {
    const transport = createHttpsTransport({ server: listener.url, ca: pki.caPem, ...pki.admin });
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, id) => {
        const connection = await transport.portForward('default', 'p', 80);
        const heard = all(connection as SpdyStream);
        // The answer comes after the end of what was sent: only where halves end by themselves.
        connection.end(`${id}:${'y'.repeat(200_000)}`);
        return (await heard).toString();
      }),
    );
    expect(answers).toEqual(answers.map((_, id) => `${id}:${'Y'.repeat(200_000)}`));
    transport.close();
  });

  it('tells of a pod that is not there as it is', async () => {
    const transport = createHttpsTransport({ server: listener.url, ca: pki.caPem, ...pki.admin });
    await expect(transport.portForward('default', 'none', 80)).rejects.toMatchObject({
      code: 404,
      message: 'pods "none" not found',
    });
    transport.close();
  });
});
