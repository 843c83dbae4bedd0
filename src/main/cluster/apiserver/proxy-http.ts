import {
  request,
  STATUS_CODES,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { ApiError, apiError } from '../api/errors';
import { speaksOfIdentity } from './aggregation/identity';
import { unlessAborted } from './deadline';
import type { ProxyTarget } from './proxy';

/** Headers that are for the next hop alone, and who the caller is, which is nobody's business behind the API. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'authorization',
  'host',
]);

export interface Passed {
  method: string;
  headers: IncomingHttpHeaders;
  body?: Readable | string | Buffer;
  /** Ends the exchange: whoever asked is gone. */
  signal?: AbortSignal;
}

/** Sends a request to the server behind a proxy; resolves with its answer, whatever it is. @throws ApiError 502 | 503 | 504 */
export async function passOn(target: ProxyTarget, passed: Passed): Promise<IncomingMessage> {
  let answer: IncomingMessage;
  try {
    answer = await exchange(target, passed);
  } catch (error) {
    throw unreachable(error as Error);
  }
  if (target.aggregated && answer.statusCode! >= 300 && answer.statusCode! < 400 && answer.headers.location) {
    // It could lead whoever asked anywhere, with our certificate.
    answer.destroy();
    throw apiError(502, 'InternalError', 'the backend attempted to redirect this request, which is not permitted', {});
  }
  return answer;
}

/** As `passOn`, with errors as they come. */
export async function exchange(target: ProxyTarget, { method, headers, body, signal }: Passed) {
  const deadline = target.aggregated?.deadline();
  const ends = AbortSignal.any([signal, deadline?.signal].filter((one) => one !== undefined));
  try {
    const connection = await open(target, ends);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = request(
        {
          method,
          path: target.path || '/',
          headers: { ...passable(headers, target), host: target.host },
          createConnection: () => connection,
          signal: ends,
        },
        resolve,
      );
      outgoing.on('error', (error) => reject(ends.aborted ? (ends.reason as Error) : error));
      if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) outgoing.end(body);
      else body.on('error', () => outgoing.destroy()).pipe(outgoing);
    });
    answer.once('close', () => deadline?.over());
    return answer;
  } catch (error) {
    deadline?.over();
    throw error;
  }
}

/** Answers a request of the API with what the server behind the proxy says. */
export async function serveProxy(target: ProxyTarget, incoming: IncomingMessage, response: ServerResponse) {
  if (target.path === '' && (incoming.method === 'GET' || incoming.method === 'HEAD')) {
    // Without the slash, relative links in the answer would miss.
    const query = /\?.*$/.exec(incoming.url ?? '')?.[0] ?? '';
    response.writeHead(301, { Location: `${target.prefix}/${query}`, 'Content-Length': 0 }).end();
    return;
  }
  const hasBody =
    incoming.headers['content-length'] !== undefined || incoming.headers['transfer-encoding'] !== undefined;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const answer = await passOn(target, {
    method: incoming.method!,
    headers: incoming.headers,
    ...(hasBody ? { body: incoming } : {}),
    signal: gone.signal,
  });
  const headers = passable(answer.headers);
  if (typeof headers.location === 'string') headers.location = relocated(headers.location, target);
  response.writeHead(answer.statusCode!, headers);
  answer.pipe(response);
  answer.once('error', () => response.destroy());
  response.once('close', () => answer.destroy());
}

/** Passes an upgrade on (a WebSocket of the server behind the proxy): from then on bytes go both ways. */
export async function serveProxyUpgrade(target: ProxyTarget, incoming: IncomingMessage, socket: Duplex, head: Buffer) {
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  const connection = await open(target, gone.signal).catch((error: Error) => {
    throw unreachable(error);
  });
  const { connection: _, upgrade, authorization: __, host: ___, ...rest } = incoming.headers;
  const lines = [`${incoming.method} ${target.path || '/'} HTTP/1.1`, `Host: ${target.host}`];
  lines.push('Connection: Upgrade', `Upgrade: ${upgrade ?? ''}`);
  for (const [name, value] of Object.entries(identified(rest, target)))
    for (const one of [value ?? []].flat()) lines.push(`${name}: ${one}`);
  connection.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (head.length > 0) connection.write(head);
  for (const [from, to] of [
    [socket, connection],
    [connection, socket],
  ] as const) {
    from.pipe(to);
    from.once('error', () => to.destroy());
    from.once('close', () => to.destroy());
  }
}

async function open(target: ProxyTarget, signal: AbortSignal): Promise<Duplex> {
  const connection = await unlessAborted(target.connect(signal), signal, (late) => late.destroy());
  // Certificates in pods are signed by whom they like.
  return target.tls ? connectTls({ socket: connection, rejectUnauthorized: false }) : connection;
}

const unreachable = (error: Error) =>
  error instanceof ApiError && error.code === 504
    ? error
    : apiError(503, 'ServiceUnavailable', `error trying to reach service: ${error.message || STATUS_CODES[503]}`);

function passable(headers: IncomingHttpHeaders, target?: ProxyTarget): OutgoingHttpHeaders {
  const named = String(headers.connection ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase());
  const passed = Object.fromEntries(
    Object.entries(headers).filter(
      ([name, value]) => value !== undefined && !hopByHop.has(name) && !named.includes(name),
    ),
  );
  return target ? identified(passed, target) : passed;
}

/** The headers as an aggregated API gets them: who asks is what we say. */
function identified(headers: OutgoingHttpHeaders, { aggregated }: ProxyTarget): OutgoingHttpHeaders {
  if (!aggregated) return headers;
  const own = Object.entries(headers).filter(([name]) => !speaksOfIdentity(name));
  return { ...Object.fromEntries(own), ...aggregated.identity };
}

/** A redirect to the server itself, as it is called from outside. */
function relocated(location: string, { host, prefix }: ProxyTarget): string {
  const own = /^https?:\/\/([^/]+)(\/.*)?$/.exec(location);
  if (own) return own[1] === host ? `${prefix}${own[2] ?? '/'}` : location;
  return location.startsWith('/') && !location.startsWith('//') ? prefix + location : location;
}
