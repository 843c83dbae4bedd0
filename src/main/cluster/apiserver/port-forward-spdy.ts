import type { Duplex } from 'node:stream';
import type { Logger } from '../log';
import { SpdySession } from './spdy/session';
import type { SpdyStream } from './spdy/stream';

/** How long the second stream of a connection may be missing, in ms. */
const pairMs = 30_000;

interface Pair {
  port: number;
  error?: SpdyStream;
  data?: SpdyStream;
  timer?: NodeJS.Timeout;
}

/**
 * Joins ports of a pod and a SPDY connection (`portforward.k8s.io`). Each connection to a port is a pair of streams
 * with the same `requestID`: one for its data, one on which it is told what went wrong.
 */
export function serveSpdyPortForward(
  connection: Duplex,
  connect: (port: number) => Promise<Duplex>,
  log: Logger,
): SpdySession {
  const pairs = new Map<string, Pair>();
  const session = new SpdySession(connection, {
    role: 'server',
    onStream(stream) {
      const { streamtype: type, port: portText = '', requestid: id } = stream.headers;
      const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
      if ((type !== 'data' && type !== 'error') || !id || port < 1 || port > 65_535) {
        log.debug('a stream for no port was refused', { type, port: portText, id });
        return false;
      }
      const pair = pairs.get(id) ?? { port };
      if (pair[type] || pair.port !== port) return false;
      pair[type] = stream;
      pairs.set(id, pair);
      if (pair.data && pair.error) {
        clearTimeout(pair.timer);
        pairs.delete(id);
        void forward(port, pair.data, pair.error, connect, log);
      } else {
        pair.timer = setTimeout(() => {
          pairs.delete(id);
          stream.destroy();
        }, pairMs);
      }
      return true;
    },
  });
  session.once('close', () => {
    for (const { timer } of pairs.values()) clearTimeout(timer);
  });
  return session;
}

async function forward(
  port: number,
  data: SpdyStream,
  errors: SpdyStream,
  connect: (port: number) => Promise<Duplex>,
  log: Logger,
): Promise<void> {
  errors.resume();
  /** Both streams end; what the client still sends goes nowhere. */
  const over = (failure?: Error) => {
    if (failure) log.debug('a forwarded connection failed', { port, error: failure });
    if (!errors.writableEnded) errors.end(failure ? message(port, failure) : undefined);
    data.end();
    data.resume();
  };
  let remote: Duplex;
  try {
    remote = await connect(port);
  } catch (error) {
    return over(error as Error);
  }
  if (data.destroyed) return void remote.destroy();
  remote.once('error', (error) => over(error));
  remote.once('close', () => {
    data.unpipe(remote);
    over();
  });
  data.once('close', () => {
    if (!data.readableEnded) remote.destroy();
    over();
  });
  // The end of either direction is passed on; the other goes on.
  data.pipe(remote);
  remote.pipe(data);
}

const message = (port: number, { message: why }: Error) =>
  why.startsWith('error forwarding port') ? why : `error forwarding port ${port}: ${why}`;
