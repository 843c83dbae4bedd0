import { Duplex, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hijackedSession } from './docker-streams';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }));
afterEach(() => void vi.useRealTimers());

/** A connection that says what it is told to, and notes what it hears. */
function connection() {
  const heard: string[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      heard.push(chunk.toString());
      done();
    },
    final(done) {
      heard.push('end');
      socket.push(null);
      done();
    },
  });
  return { socket, heard };
}

const wanted = { stdin: true, stdout: true, stderr: false, tty: true };
const start = (socket: Duplex, options: object) =>
  hijackedSession(
    socket,
    wanted,
    () => {},
    async () => ({ exitCode: 7 }),
    options,
  );

describe('hijackedSession', () => {
  it('begins with what was said before', async () => {
    const { socket } = connection();
    const session = start(socket, { before: Readable.from(['early '], { objectMode: false }) });
    socket.push('late');
    socket.push(null);
    expect(await text(session.stdout!)).toBe('early late');
    expect(await session.done).toEqual({ exitCode: 7 });
  });

  it('passes the end of the input on only after a silence', async () => {
    const { socket, heard } = connection();
    const session = start(socket, { quietMs: 1000 });
    const said = text(session.stdout!);
    session.stdin!.end('word');
    await vi.advanceTimersByTimeAsync(800);
    socket.push('answer');
    await vi.advanceTimersByTimeAsync(900);
    expect(heard).toEqual(['word']);
    await vi.advanceTimersByTimeAsync(200);
    expect(heard).toEqual(['word', 'end']);
    expect(await said).toBe('answer');
  });

  it('passes it on in the end to one that is never silent', async () => {
    const { socket, heard } = connection();
    const session = start(socket, { quietMs: 1000 });
    session.stdout!.resume();
    session.stdin!.end();
    for (let passed = 0; passed < 9_500; passed += 500) {
      socket.push('.');
      await vi.advanceTimersByTimeAsync(500);
    }
    expect(heard).toEqual([]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(heard).toEqual(['end']);
  });

  it('takes no more input once the connection is gone, and lets nobody wait', async () => {
    const { socket } = connection();
    const session = start(socket, { quietMs: 1000 });
    session.stdout!.resume();
    session.close();
    session.stdin!.end('word');
    expect(await session.done).toEqual({ exitCode: 137, error: 'the session was closed' });
  });
});
