import { finished, type Readable } from 'node:stream';
import type { Status } from '@shared/k8s';
import type { WebSocket } from 'ws';
import type { Logger } from '../log';
import type { RunOptions, RunSession } from './node-connection';
import { drained } from './run-output';

/** The channels of `v4.channel.k8s.io` and `v5.channel.k8s.io`: the first byte of every message. */
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
const mostUnsentBytes = 1024 * 1024;

/** Joins a running command and a WebSocket; ends with a Status on the error channel. */
export function serveRun(webSocket: WebSocket, options: RunOptions, session: RunSession, log: Logger): void {
  let moved = 0;
  const send = (channel: number, data: Buffer) => {
    moved++;
    if (webSocket.readyState === webSocket.OPEN) webSocket.send(Buffer.concat([Buffer.of(channel), data]));
  };
  // An empty message tells the client that the session stands.
  send(options.stdout ? channels.stdout : options.stderr ? channels.stderr : channels.error, Buffer.alloc(0));
  session.stdin?.on('error', (error) => log.debug('stdin of a command broke', { error }));
  // A stdin that is closed before it has taken everything must not hold up the rest.
  for (const event of ['drain', 'close']) session.stdin?.on(event, () => webSocket.resume());
  // Binary or text: some clients send what they hold as a string as text, and Kubernetes makes no difference.
  webSocket.on('message', (message) => {
    const data = asBuffer(message);
    if (data.length > 0) receive(webSocket, session, data, log);
  });
  if (webSocket.readyState !== webSocket.OPEN) session.close();
  webSocket.once('close', () => session.close());
  const output = [
    pump(session.stdout, channels.stdout, webSocket, send),
    pump(session.stderr, channels.stderr, webSocket, send),
  ];
  void end();

  async function end(): Promise<void> {
    const status = await session.done.then(statusOfResult, (error: Error) =>
      statusOfResult({ exitCode: -1, error: error.message }),
    );
    await drained(
      Promise.all(output),
      () => moved,
      () => webSocket.readyState === webSocket.OPEN && webSocket.bufferedAmount > 0,
    );
    send(channels.error, Buffer.from(JSON.stringify(status)));
    webSocket.close(1000);
  }
}

/** Tells the client why nothing runs. */
export function refuseRun(webSocket: WebSocket, status: Status): undefined {
  webSocket.send(Buffer.concat([Buffer.of(channels.error), Buffer.from(JSON.stringify(status))]));
  webSocket.close(1000);
}

function receive(webSocket: WebSocket, session: RunSession, data: Buffer, log: Logger): void {
  const rest = data.subarray(1);
  switch (data[0]) {
    case channels.stdin:
      if (session.stdin?.writable && !session.stdin.write(rest)) webSocket.pause();
      break;
    case channels.resize:
      try {
        const { Width, Height } = JSON.parse(rest.toString()) as { Width?: number; Height?: number };
        if (Width && Height) session.resize(Width, Height);
      } catch (error) {
        log.debug('a terminal size could not be read', { error: error as Error });
      }
      break;
    case channels.close:
      if (rest[0] === channels.stdin) session.stdin?.end();
      break;
  }
}

/** Sends a stream's data as it comes, no faster than the client reads. Resolves at its end. */
function pump(
  stream: Readable | null,
  channel: number,
  webSocket: WebSocket,
  send: (channel: number, data: Buffer) => void,
): Promise<void> {
  if (!stream) return Promise.resolve();
  const ended = new Promise<void>((resolve) => finished(stream, { writable: false }, () => resolve()));
  stream.on('data', (data: Buffer | string) => {
    send(channel, Buffer.from(data as Buffer));
    if (webSocket.bufferedAmount <= mostUnsentBytes) return;
    stream.pause();
    const retry = setInterval(() => {
      if (webSocket.bufferedAmount > mostUnsentBytes && webSocket.readyState === webSocket.OPEN) return;
      clearInterval(retry);
      stream.resume();
    }, 20);
  });
  return ended;
}

/** How a command ended, as the client reads it. */
export function statusOfResult({ exitCode, error }: { exitCode: number; error?: string }): Status {
  const base = { kind: 'Status', apiVersion: 'v1', metadata: {} } as const;
  if (error !== undefined) {
    const message = `Internal error occurred: ${error}`;
    return {
      ...base,
      status: 'Failure',
      message,
      reason: 'InternalError',
      details: { causes: [{ message: error }] },
      code: 500,
    };
  }
  if (exitCode === 0) return { ...base, status: 'Success' };
  return {
    ...base,
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}

/** A message of `ws` as one buffer. */
export function asBuffer(message: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Array.isArray(message)) return Buffer.concat(message);
  return Buffer.isBuffer(message) ? message : Buffer.from(message);
}
