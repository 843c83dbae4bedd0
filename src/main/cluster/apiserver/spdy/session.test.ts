import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FrameDecoder, FrameEncoder, type Frame } from './frames';
import { SpdySession } from './session';
import type { SpdyStream } from './stream';
import { duplexPair } from './testing';

/** A client and a server; the server's streams go to `onStream`. */
function pair(onStream: (stream: SpdyStream) => boolean | void) {
  const [left, right] = duplexPair();
  const server = new SpdySession(right, { role: 'server', onStream });
  const client = new SpdySession(left, { role: 'client' });
  return { client, server };
}

/** A server with a peer that sends and reads frames by hand. */
async function byHand(onStream: (stream: SpdyStream) => boolean | void = () => true) {
  const [left, right] = duplexPair();
  const server = new SpdySession(right, { role: 'server', onStream });
  const encoder = new FrameEncoder();
  const decoder = new FrameDecoder();
  const received: Frame[] = [];
  left.on('data', (bytes: Buffer) => received.push(...decoder.decode(bytes)));
  return {
    server,
    received,
    left,
    async send(...frames: Frame[]) {
      for (const frame of frames) left.write(encoder.encode(frame));
      await turns();
    },
    of: <T extends Frame['type']>(type: T) =>
      received.filter((frame): frame is Extract<Frame, { type: T }> => frame.type === type),
  };
}

/** Lets everything that is on its way arrive. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((done) => setImmediate(done));
}

/** All of a stream's data; reading it to its end leaves the other half open. */
const all = (stream: SpdyStream) =>
  new Promise<Buffer>((done, reject) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('end', () => done(Buffer.concat(chunks)));
    stream.once('error', reject);
  });

const opening = (stream: number): Frame => ({
  type: 'synStream',
  stream,
  headers: {},
  fin: false,
  unidirectional: false,
});
const sentBytes = (frames: { data: Buffer }[]) => frames.reduce((sum, { data }) => sum + data.length, 0);

describe('a session', () => {
  it('carries streams both ways, with headers, each half ending by itself', async () => {
    const seen: Record<string, string>[] = [];
    const { client } = pair((stream) => {
      seen.push({ ...stream.headers });
      // Answers only once everything was heard.
      void all(stream).then((heard) => stream.end(heard));
    });
    const inputs = Array.from({ length: 40 }, () => randomBytes(200_000));
    const outputs = await Promise.all(
      inputs.map((input, index) => {
        const stream = client.open({ streamtype: 'data', requestid: String(index) });
        stream.end(input);
        return all(stream);
      }),
    );
    expect(outputs.map((output, index) => output.equals(inputs[index]!))).toEqual(inputs.map(() => true));
    expect(seen[3]).toEqual({ streamtype: 'data', requestid: '3' });
    await turns();
    expect(client.size).toBe(0);
  });

  it('sends no more than the windows of a peer that keeps them', async () => {
    const { send, of } = await byHand((stream) => void stream.end(Buffer.alloc(300_000)));
    await send({ type: 'settings', entries: [{ id: 7, value: 10_000 }] }, opening(1));
    expect(sentBytes(of('data'))).toBe(10_000);
    await send({ type: 'windowUpdate', stream: 1, delta: 5_000 });
    expect(sentBytes(of('data'))).toBe(15_000);
    // The connection's own window holds as well.
    await send({ type: 'windowUpdate', stream: 1, delta: 1_000_000 });
    expect(sentBytes(of('data'))).toBe(65_536);
    await send({ type: 'windowUpdate', stream: 0, delta: 1_000_000 });
    expect(sentBytes(of('data'))).toBe(300_000);
    expect(of('data').at(-1)!.fin).toBe(true);
  });

  it('does not wait for a peer that knows no windows', async () => {
    const { send, of } = await byHand((stream) => void stream.end(Buffer.alloc(300_000)));
    await send(opening(1));
    expect(sentBytes(of('data'))).toBe(300_000);
  });

  it('lets a stream that is full hold up no other', async () => {
    const { send, of } = await byHand((stream) => void stream.end(Buffer.alloc(stream.id === 1 ? 50_000 : 500)));
    await send({ type: 'settings', entries: [{ id: 7, value: 1_000 }] }, opening(1), opening(3));
    expect(sentBytes(of('data').filter(({ stream }) => stream === 1))).toBe(1_000);
    const other = of('data').filter(({ stream }) => stream === 3);
    expect([sentBytes(other), other.at(-1)!.fin]).toEqual([500, true]);
  });

  it('acknowledges what is read, and nothing else', async () => {
    let stream: SpdyStream | undefined;
    const { send, of } = await byHand((opened) => void (stream = opened));
    const data = (length: number): Frame => ({ type: 'data', stream: 1, data: Buffer.alloc(length), fin: false });
    const acknowledged = () =>
      of('windowUpdate').reduce((sum, frame) => sum + (frame.stream === 1 ? frame.delta : 0), 0);
    await send(opening(1), data(30_000), data(30_000), data(30_000));
    expect(acknowledged()).toBeLessThan(90_000);
    stream!.resume();
    await turns();
    expect(acknowledged()).toBeGreaterThan(90_000 - 32 * 1024);
  });

  it('stops reading from a peer that minds no window, and loses nothing', async () => {
    let stream: SpdyStream | undefined;
    const { server, left } = await byHand((opened) => void (stream = opened));
    const encoder = new FrameEncoder();
    left.write(encoder.encode(opening(1)));
    const part = Buffer.alloc(256 * 1024);
    const parts = 100;
    for (let sent = 0; sent < parts; sent++)
      left.write(encoder.encode({ type: 'data', stream: 1, data: part, fin: false }));
    left.write(encoder.encode({ type: 'data', stream: 1, data: part, fin: true }));
    await turns();
    await turns();
    expect(stream!.unread).toBeGreaterThan(7 * 1024 * 1024);
    expect(stream!.unread).toBeLessThan(9 * 1024 * 1024);
    expect((await all(stream!)).length).toBe((parts + 1) * part.length);
    expect(server.ended).toBe(false);
  });

  it('answers pings of the peer, not answers to its own', async () => {
    const { send, of } = await byHand();
    await send({ type: 'ping', id: 1 }, { type: 'ping', id: 2 });
    expect(of('ping')).toEqual([{ type: 'ping', id: 1 }]);
  });

  it('answers a stream before it says anything on it, and refuses those nobody wants', async () => {
    const { send, received } = await byHand((stream) => (stream.id === 1 ? void stream.write('x') : false));
    await send(opening(1), opening(3));
    expect(received.map(({ type }) => type)).toEqual(['settings', 'synReply', 'data', 'synReply', 'rstStream']);
    expect(received.at(-1)).toMatchObject({ stream: 3, status: 3 });
  });

  it('says so when a stream is given up, and forgets one the peer gave up', async () => {
    const streams: SpdyStream[] = [];
    const { server, send, of } = await byHand((stream) => void streams.push(stream));
    await send(opening(1), opening(3));
    streams[0]!.destroy();
    await send({ type: 'rstStream', stream: 3, status: 5 });
    expect(of('rstStream')).toEqual([{ type: 'rstStream', stream: 1, status: 5 }]);
    expect([server.size, streams[1]!.destroyed]).toEqual([0, true]);
    // Data that was on its way is no fault.
    await send({ type: 'data', stream: 1, data: Buffer.from('late'), fin: true }, opening(5));
    expect(server.size).toBe(1);
  });

  it.each<[string, Frame]>([
    ['data on a stream that was never opened', { type: 'data', stream: 7, data: Buffer.from('x'), fin: false }],
    ['a stream with a number of the other side', opening(4)],
    ['a stream that exists', opening(1)],
    ['a window beyond 31 bits', { type: 'windowUpdate', stream: 0, delta: 0x7fff_ffff }],
  ])('ends at %s', async (_what, frame) => {
    const { server, send, of } = await byHand();
    await send(opening(1), frame);
    expect([server.ended, of('goAway')]).toEqual([
      true,
      [{ type: 'goAway', lastStream: of('goAway')[0]!.lastStream, status: 1 }],
    ]);
  });

  it('ends its streams when the connection is lost', async () => {
    let stream: SpdyStream | undefined;
    const { server, send, left } = await byHand((opened) => void (stream = opened));
    await send(opening(1));
    left.destroy();
    await turns();
    expect([server.ended, stream!.destroyed]).toEqual([true, true]);
  });

  it('takes no more streams from a peer that leaves, and ends with the last', async () => {
    const streams: SpdyStream[] = [];
    const { server, send, of } = await byHand((opened) => void streams.push(opened));
    await send(opening(1), { type: 'goAway', lastStream: 0, status: 0 }, opening(3));
    expect([server.ended, streams.length, of('rstStream')]).toMatchObject([false, 1, [{ stream: 3 }]]);
    streams[0]!.resume().end('bye');
    await send({ type: 'data', stream: 1, data: Buffer.alloc(0), fin: true });
    expect([server.ended, of('data')[0]!.data.toString()]).toEqual([true, 'bye']);
    await expect(all(server.open({}))).rejects.toThrow('the connection is closed');
  });

  it('lets what was sent arrive when it is closed', async () => {
    const { client, server } = pair((stream) => {
      stream.write('last words', () => server.close());
    });
    const stream = client.open({});
    const heard: string[] = [];
    stream.on('data', (data: Buffer) => heard.push(data.toString()));
    stream.on('error', () => {});
    await turns();
    expect([heard.join(''), client.ended, server.ended]).toEqual(['last words', true, true]);
  });
});
