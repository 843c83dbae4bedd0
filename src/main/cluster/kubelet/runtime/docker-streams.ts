import { PassThrough, Readable, Transform, Writable, type Duplex } from 'node:stream';
import type { RunSession } from '../../apiserver/node-connection';

const stdoutStream = 1;
const stderrStream = 2;

/**
 * Splits Docker's multiplexed stream (frames of an 8 byte header: stream, 0, 0, 0,
 * length) and respects back-pressure of both readers.
 */
export function demultiplex(source: Readable): { stdout: Readable; stderr: Readable } {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  void copyFrames(
    source,
    (stream, chunk) => (stream === stderrStream ? stderr : stdout).write(chunk),
    (stream) => drained(stream === stderrStream ? stderr : stdout),
  )
    .then(
      () => undefined,
      (error: Error) => error,
    )
    .then((error) => {
      for (const stream of [stdout, stderr]) {
        if (error && !(error as NodeJS.ErrnoException).code?.startsWith('ERR_STREAM_PREMATURE')) stream.destroy(error);
        else stream.end();
      }
    });
  return { stdout, stderr };
}

/** Both output streams of the multiplexed source in the order they came. */
export function mergeFrames(): Transform {
  const parser = frameParser();
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (const frame of parser(chunk)) this.push(frame.chunk);
      done();
    },
  });
}

function drained(stream: PassThrough): Promise<void> {
  if (stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const settle = (): void => {
      stream.off('drain', settle).off('close', settle);
      resolve();
    };
    stream.on('drain', settle).on('close', settle);
  });
}

async function copyFrames(
  source: Readable,
  write: (stream: number, chunk: Buffer) => boolean,
  wait: (stream: number) => Promise<void>,
): Promise<void> {
  const parser = frameParser();
  for await (const chunk of source) {
    for (const frame of parser(chunk as Buffer)) {
      if (!write(frame.stream, frame.chunk)) await wait(frame.stream);
    }
  }
}

/** Takes bytes as they come and gives the payload pieces they complete or continue. */
function frameParser(): (chunk: Buffer) => { stream: number; chunk: Buffer }[] {
  let header: Buffer = Buffer.alloc(0);
  let stream = stdoutStream;
  let remaining = 0;
  return (chunk) => {
    const pieces: { stream: number; chunk: Buffer }[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      if (remaining > 0) {
        const piece = rest.subarray(0, remaining);
        remaining -= piece.length;
        rest = rest.subarray(piece.length);
        pieces.push({ stream, chunk: piece });
        continue;
      }
      const missing = 8 - header.length;
      header = Buffer.concat([header, rest.subarray(0, missing)]);
      rest = rest.subarray(Math.min(missing, rest.length));
      if (header.length < 8) break;
      stream = header[0]!;
      remaining = header.readUInt32BE(4);
      header = Buffer.alloc(0);
    }
    return pieces;
  };
}

interface Wanted {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

/**
 * A session over the hijacked connection of an exec or attach.
 * @param result asked when the connection has ended
 * @param before comes ahead of what the connection says
 * @param quietMs the engine lets go of clients whose input ends: that is kept from it until there was no output for so long
 */
export function hijackedSession(
  socket: Duplex,
  wanted: Wanted,
  resize: (columns: number, rows: number) => void,
  result: () => Promise<{ exitCode: number; error?: string }>,
  { before, quietMs }: { before?: Readable; quietMs?: number } = {},
): RunSession {
  let heardAt = 0;
  async function* output(): AsyncGenerator<Buffer> {
    if (before) yield* before as AsyncIterable<Buffer>;
    for await (const chunk of socket) {
      heardAt = Date.now();
      yield chunk as Buffer;
    }
  }
  const simple = !before && quietMs === undefined;
  const source = simple ? socket : Readable.from(output(), { objectMode: false });
  const stdin = quietMs === undefined ? socket : patientInput(socket, quietMs, () => heardAt);
  return {
    ...sessionOf(source, wanted, result, () => void socket.destroy()),
    stdin: wanted.stdin ? stdin : null,
    resize,
  };
}

/** Input whose end reaches the connection only once that has said nothing for a while, or has talked on for ten times that. */
function patientInput(socket: Duplex, quietMs: number, heardAt: () => number): Writable {
  const input = new Writable({
    write: (chunk: Buffer, encoding, done) => void socket.write(chunk, encoding, done),
    final(done) {
      const from = Date.now();
      const check = (): void => {
        const until = Math.min(Math.max(from, heardAt()) + quietMs, from + 10 * quietMs);
        const left = until - Date.now();
        if (left > 0 && !socket.destroyed && !socket.readableEnded) setTimeout(check, Math.min(left, 100)).unref();
        else socket.end(() => done());
      };
      check();
    },
  });
  // Who has ended takes no more input, and says so in its own way.
  return input.on('error', () => {});
}

/** A session of a container that has ended: what it said, and its end. @param cancel gives up reading */
export function loggedSession(
  log: Readable,
  wanted: Wanted,
  result: () => Promise<{ exitCode: number; error?: string }>,
  cancel: () => void,
): RunSession {
  return { ...sessionOf(log, wanted, result, cancel), stdin: null, resize() {} };
}

function sessionOf(
  source: Readable,
  wanted: Wanted,
  result: () => Promise<{ exitCode: number; error?: string }>,
  close: () => void,
): Pick<RunSession, 'stdout' | 'stderr' | 'done' | 'close'> {
  let closed = false;
  const ended = new Promise<void>((resolve) => {
    source
      .once('end', resolve)
      .once('close', resolve)
      .once('error', () => resolve());
  });
  let stdout: Readable;
  let stderr: Readable | undefined;
  if (wanted.tty) {
    stdout = new PassThrough();
    source.pipe(stdout as PassThrough);
    source.once('error', () => (stdout as PassThrough).end()).once('close', () => (stdout as PassThrough).end());
  } else {
    ({ stdout, stderr } = demultiplex(source));
    if (!wanted.stderr) stderr.resume();
  }
  if (!wanted.stdout) stdout.resume();
  return {
    stdout: wanted.stdout ? stdout : null,
    stderr: wanted.stderr && stderr ? stderr : null,
    done: ended.then(() => (closed ? { exitCode: 137, error: 'the session was closed' } : result())),
    close() {
      closed = true;
      close();
    },
  };
}
