import { Duplex, PassThrough, Writable } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import type { Status } from '@shared/k8s';
import { createWebSocketStream, WebSocket, type RawData } from 'ws';
import { apiError, type ApiError } from '../api/errors';
import { SpdySession } from '../apiserver/spdy/session';
import { failure } from './failure';
import type { WebSocketTarget } from './https';
import type { ExecOptions, ExecResult, ExecSession } from './transport';

/** The channels of Kubernetes' WebSocket protocols: the first byte of every message. */
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Opens an exec or attach. v5 can tell the end of stdin, v4 servers cannot hear it. @throws ApiError */
export async function openExec(target: WebSocketTarget, options: ExecOptions): Promise<ExecSession> {
  const { webSocket, protocol, buffered } = await open(target, ['v5.channel.k8s.io', 'v4.channel.k8s.io']);
  const send = (channel: number, data: Buffer, done?: (error?: Error) => void) =>
    webSocket.send(Buffer.concat([Buffer.of(channel), data]), done);
  const stdout = options.stdout ? new PassThrough() : null;
  const stderr = options.stderr && !options.tty ? new PassThrough() : null;
  const stdin = options.stdin
    ? new Writable({
        write: (chunk: Buffer, _encoding, done) => send(channels.stdin, chunk, (error) => done(error)),
        final(done) {
          if (protocol.startsWith('v5') && webSocket.readyState === WebSocket.OPEN) {
            send(channels.close, Buffer.of(channels.stdin));
          }
          done();
        },
      })
    : null;
  stdin?.on('error', () => webSocket.terminate());

  let result: ExecResult | undefined;
  const outputs = { [channels.stdout]: stdout, [channels.stderr]: stderr } as Record<number, PassThrough | null>;
  const receive = (message: RawData) => {
    const data = message as Buffer;
    const rest = data.subarray(1);
    if (data[0] === channels.error) {
      if (rest.length > 0) result = resultOf(rest.toString());
      return;
    }
    const output = outputs[data[0]!];
    if (!output || rest.length === 0 || output.write(rest)) return;
    webSocket.pause();
    output.once('drain', () => webSocket.resume());
  };
  const done = new Promise<ExecResult>((resolve) => {
    webSocket.once('close', () => {
      stdout?.end();
      stderr?.end();
      stdin?.destroy();
      resolve(result ?? { exitCode: -1, error: 'the connection was lost before the command ended' });
    });
  });
  attach(webSocket, buffered, receive);
  return {
    stdin,
    stdout,
    stderr,
    done,
    resize: (columns, rows) => {
      if (webSocket.readyState !== WebSocket.OPEN) return;
      send(channels.resize, Buffer.from(JSON.stringify({ Width: columns, Height: rows })));
    },
    close: () => webSocket.terminate(),
  };
}

/** The Status on the error channel as an exit code. */
function resultOf(text: string): ExecResult {
  let status: Status;
  try {
    status = JSON.parse(text) as Status;
  } catch {
    return { exitCode: -1, error: text };
  }
  if (status.status === 'Success') return { exitCode: 0 };
  const code = status.details?.causes?.find((cause) => cause.reason === 'ExitCode')?.message;
  if (code !== undefined && /^\d+$/.test(code)) return { exitCode: Number(code) };
  return { exitCode: -1, error: status.message ?? 'the command failed' };
}

/** SPDY frames in the messages of a WebSocket; servers since 1.31. */
const tunnel = 'SPDY/3.1+portforward.k8s.io';

/** A connection to one port, in the form the server speaks. @throws ApiError */
export async function openPortForward(target: WebSocketTarget, port: number): Promise<Duplex> {
  const opened = await open(target, [tunnel, 'v4.channel.k8s.io']).catch((error: ApiError) => {
    // A server, or something in between, that knows no WebSocket for this.
    if (!/upgrade|protocol|websocket/i.test(error.message)) throw error;
    throw apiError(error.code, error.reason, `ports cannot be forwarded over WebSocket here: ${error.message}`);
  });
  return opened.protocol === tunnel ? forwardOverSpdy(opened, port) : forwardOverChannels(opened);
}

/** A stream for the data and one on which the server tells what went wrong. Each half of the connection ends by itself. */
function forwardOverSpdy({ webSocket, buffered }: Opened, port: number): Duplex {
  webSocket.removeAllListeners('message');
  const connection = createWebSocketStream(webSocket);
  for (const message of buffered.reverse()) connection.unshift(message);
  const session = new SpdySession(connection, { role: 'client' });
  const headers = { port: String(port), requestid: '0' };
  const errors = session.open({ ...headers, streamtype: 'error' });
  const data = session.open({ ...headers, streamtype: 'data' });
  let failure = '';
  errors.on('error', () => {});
  errors.on('data', (text: Buffer) => (failure += text.toString()));
  errors.once('end', () => {
    if (failure !== '') data.destroy(new Error(failure));
  });
  errors.end();
  data.once('close', () => session.close());
  return data;
}

/** Channel 0 carries data, channel 1 errors; each begins with the port's two bytes. The end of one half is the end of both. */
function forwardOverChannels({ webSocket, buffered }: Opened): Duplex {
  const announced = new Set<number>();
  const duplex = new Duplex({
    allowHalfOpen: false,
    read: () => webSocket.resume(),
    write: (chunk: Buffer, _encoding, done) =>
      webSocket.send(Buffer.concat([Buffer.of(0), chunk]), (error) => done(error)),
    final(done) {
      webSocket.close(1000);
      done();
    },
    destroy(error, done) {
      webSocket.terminate();
      done(error);
    },
  });
  webSocket.once('close', () => duplex.push(null));
  attach(webSocket, buffered, (message) => {
    const data = message as Buffer;
    const channel = data[0]!;
    let rest = data.subarray(1);
    if (!announced.has(channel)) {
      announced.add(channel);
      rest = rest.subarray(2);
    }
    if (rest.length === 0 || duplex.destroyed) return;
    if (channel === 1) duplex.destroy(new Error(rest.toString()));
    else if (!duplex.push(rest)) webSocket.pause();
  });
  return duplex;
}

interface Opened {
  webSocket: WebSocket;
  /** The one of the protocols the server chose. */
  protocol: string;
  buffered: RawData[];
}

/** Opens a WebSocket; what arrives before someone listens is kept. */
function open(target: WebSocketTarget, protocols: string[]): Promise<Opened> {
  return new Promise((resolve, reject) => {
    // The name of the tunnel has a slash, which the library takes for an error: it is told nothing of protocols.
    const headers = { ...target.options.headers, 'Sec-WebSocket-Protocol': protocols.join(', ') };
    const webSocket = new WebSocket(target.url, { ...target.options, headers });
    let protocol = '';
    webSocket.once('upgrade', (response: IncomingMessage) => {
      protocol = response.headers['sec-websocket-protocol'] ?? '';
      delete response.headers['sec-websocket-protocol'];
    });
    const buffered: RawData[] = [];
    webSocket.on('message', (message) => buffered.push(message));
    webSocket.once('unexpected-response', (_request, response: IncomingMessage) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => {
        reject(failure(response.statusCode ?? 500, response.headers['content-type'] ?? '', text));
        webSocket.terminate();
      });
    });
    webSocket.on('error', (error) => reject(apiError(503, 'ServiceUnavailable', error.message)));
    webSocket.once('open', () => {
      if (protocols.includes(protocol)) return resolve({ webSocket, protocol, buffered });
      webSocket.terminate();
      reject(
        apiError(502, 'InternalError', `the server chose the WebSocket protocol "${protocol}", which was not offered`),
      );
    });
  });
}

function attach(webSocket: WebSocket, buffered: RawData[], receive: (message: RawData) => void): void {
  webSocket.removeAllListeners('message');
  for (const message of buffered) receive(message);
  webSocket.on('message', receive);
}
