import { finished, type Duplex, type Readable } from 'node:stream';
import type { Logger } from '../log';
import { statusOfResult } from './exec-websocket';
import type { RunOptions, RunSession } from './node-connection';
import { drained } from './run-output';
import { SpdySession } from './spdy/session';
import type { SpdyStream } from './spdy/stream';

/** How long the client may take to open its streams, in ms. */
const streamsMs = 30_000;
const mostSizeBytes = 1024;

type StreamType = 'error' | 'stdin' | 'stdout' | 'stderr' | 'resize';

/**
 * Joins a running command and a SPDY connection (`v4.channel.k8s.io`): the client opens a stream for each of error,
 * stdin, stdout, stderr and resize that it asked for; how the command ended goes as a Status over the error stream.
 */
export function serveSpdyRun(connection: Duplex, options: RunOptions, run: RunSession, log: Logger): SpdySession {
  const awaited = new Set<StreamType>(['error']);
  for (const type of ['stdin', 'stdout', 'stderr'] as const) if (options[type]) awaited.add(type);
  if (options.tty) awaited.add('resize');
  const streams: Partial<Record<StreamType, SpdyStream>> = {};
  const session = new SpdySession(connection, {
    role: 'server',
    onStream(stream) {
      const type = stream.headers.streamtype as StreamType;
      if (!awaited.delete(type)) return false;
      streams[type] = stream;
      if (awaited.size === 0) {
        clearTimeout(timer);
        void join(session, streams, run, log);
      }
      return true;
    },
  });
  const timer = setTimeout(() => {
    log.debug('a client did not open its streams', { missing: [...awaited] });
    session.destroy();
  }, streamsMs);
  session.once('close', () => {
    clearTimeout(timer);
    run.close();
  });
  return session;
}

async function join(
  session: SpdySession,
  { error, stdin, stdout, stderr, resize }: Partial<Record<StreamType, SpdyStream>>,
  run: RunSession,
  log: Logger,
): Promise<void> {
  run.stdin?.on('error', (cause) => log.debug('stdin of a command broke', { error: cause }));
  if (stdin && run.stdin) {
    stdin.pipe(run.stdin);
    // What a command no longer takes must not fill up the connection.
    run.stdin.once('close', () => stdin.resume());
  } else stdin?.resume();
  if (resize) readSizes(resize, (columns, rows) => run.resize(columns, rows));
  let moved = 0;
  const pairs = [
    [run.stdout, stdout],
    [run.stderr, stderr],
  ] as const;
  const ends = pairs.map(([source, target]) => {
    // Nothing is expected from the client here but the end.
    target?.resume();
    if (!source || !target) {
      source?.resume();
      target?.end();
      return undefined;
    }
    source.pipe(target);
    source.on('data', () => moved++);
    return Promise.race([ended(source), ended(target)]);
  });
  error!.resume();
  const status = await run.done.then(statusOfResult, (cause: Error) =>
    statusOfResult({ exitCode: -1, error: cause.message }),
  );
  await drained(
    Promise.all(ends),
    () => moved,
    () => !session.ended && (stdout?.writableLength ?? 0) + (stderr?.writableLength ?? 0) > 0,
  );
  const closing = [stdout, stderr, error].filter((stream) => stream !== undefined);
  for (const [source, target] of pairs) if (target) source?.unpipe(target);
  error!.write(JSON.stringify(status));
  for (const stream of closing) stream.end();
  await Promise.all(closing.map((stream) => sent(stream)));
  session.close();
}

const ended = (stream: Readable) =>
  new Promise<void>((resolve) => void finished(stream, { writable: false }, () => resolve()));

const sent = (stream: SpdyStream) =>
  new Promise<void>((resolve) => void finished(stream, { readable: false }, () => resolve()));

/** Reads terminal sizes: JSON objects one after the other. */
function readSizes(stream: SpdyStream, resize: (columns: number, rows: number) => void): void {
  let text = '';
  stream.on('data', (data: Buffer) => {
    text += data.toString();
    for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}')) {
      const size = text.slice(0, end + 1);
      text = text.slice(end + 1);
      try {
        const { Width, Height } = JSON.parse(size) as { Width?: number; Height?: number };
        if (Width && Height) resize(Width, Height);
      } catch {
        // A size that cannot be read changes nothing.
      }
    }
    if (text.length > mostSizeBytes) text = '';
  });
  stream.on('end', () => stream.end());
}
