import { request, STATUS_CODES, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { apiError } from '../api/errors';
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
}

/** Sends a request to the server behind a proxy; resolves with its answer, whatever it is. @throws ApiError 503 */
export async function passOn(target: ProxyTarget, { method, headers, body }: Passed): Promise<IncomingMessage> {
  const connection = await open(target);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        method,
        path: target.path || '/',
        headers: { ...passable(headers), host: target.host },
        createConnection: () => connection,
      },
      resolve,
    );
    outgoing.on('error', (error) => reject(unreachable(error)));
    if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) outgoing.end(body);
    else body.on('error', () => outgoing.destroy()).pipe(outgoing);
  });
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
  const answer = await passOn(target, {
    method: incoming.method!,
    headers: incoming.headers,
    ...(hasBody ? { body: incoming } : {}),
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
  const connection = await open(target);
  const { connection: _, upgrade, authorization: __, host: ___, ...rest } = incoming.headers;
  const lines = [`${incoming.method} ${target.path || '/'} HTTP/1.1`, `Host: ${target.host}`];
  lines.push('Connection: Upgrade', `Upgrade: ${upgrade ?? ''}`);
  for (const [name, value] of Object.entries(rest))
    for (const one of [value ?? []].flat()) lines.push(`${name}: ${one}`);
  connection.write(`${lines.join('\r\n')}\r\n\r\n`);
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

async function open(target: ProxyTarget): Promise<Duplex> {
  let connection: Duplex;
  try {
    connection = await target.connect();
  } catch (error) {
    throw unreachable(error as Error);
  }
  // Certificates in pods are signed by whom they like.
  return target.tls ? connectTls({ socket: connection, rejectUnauthorized: false }) : connection;
}

const unreachable = (error: Error) =>
  apiError(503, 'ServiceUnavailable', `error trying to reach service: ${error.message || STATUS_CODES[503]}`);

function passable(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = String(headers.connection ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase());
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name, value]) => value !== undefined && !hopByHop.has(name) && !named.includes(name),
    ),
  );
}

/** A redirect to the server itself, as it is called from outside. */
function relocated(location: string, { host, prefix }: ProxyTarget): string {
  const own = /^https?:\/\/([^/]+)(\/.*)?$/.exec(location);
  if (own) return own[1] === host ? `${prefix}${own[2] ?? '/'}` : location;
  return location.startsWith('/') && !location.startsWith('//') ? prefix + location : location;
}
