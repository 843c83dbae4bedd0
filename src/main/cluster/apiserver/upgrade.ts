import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { createWebSocketStream, WebSocketServer, type WebSocket } from 'ws';
import type { Status } from '@shared/k8s';
import { badRequest } from '../api/errors';
import type { Logger } from '../log';
import type { AuditLog } from './audit';
import type { Authenticate, Identity } from './authentication';
import { statusOf } from './errors';
import { refuseRun, serveRun } from './exec-websocket';
import { toApiRequest } from './http-request';
import { serveSpdyPortForward } from './port-forward-spdy';
import { servePortForward } from './port-forward-websocket';
import { serveProxyUpgrade } from './proxy-http';
import { serveSpdyRun } from './run-spdy';
import type { ApiServer } from './server';
import type { SpdySession } from './spdy/session';
import type { Payload } from './types';

type Streams = Extract<Payload, { type: 'run' | 'portForward' }>;

/** SPDY frames in the messages of a WebSocket: how kubectl forwards ports since 1.31. */
const tunnel = 'SPDY/3.1+portforward.k8s.io';
/** What is spoken in each form, best first. */
const spoken = {
  run: { webSocket: ['v5.channel.k8s.io', 'v4.channel.k8s.io'], spdy: 'v4.channel.k8s.io' },
  portForward: { webSocket: [tunnel, 'v4.channel.k8s.io'], spdy: 'portforward.k8s.io' },
} as const;

/** Serves what needs the connection itself: exec, attach and port-forward, over WebSocket and over SPDY/3.1. */
export function createUpgradeHandler(options: {
  server: ApiServer;
  authenticate: Authenticate;
  /** What ends with the server. */
  open: Set<() => void>;
  log: Logger;
  audit?: AuditLog;
}): (request: IncomingMessage, socket: TLSSocket, head: Buffer) => Promise<void> {
  const { server, authenticate, open, log, audit } = options;
  const webSockets = { run: webSocketServer('run'), portForward: webSocketServer('portForward') };

  const acceptWebSocket = (type: Streams['type'], request: IncomingMessage, socket: TLSSocket, head: Buffer) =>
    new Promise<WebSocket>((resolve) => {
      webSockets[type].handleUpgrade(request, socket, head, (webSocket) => {
        const end = () => webSocket.close(1001);
        open.add(end);
        webSocket.once('close', () => open.delete(end));
        // Nothing may arrive before someone listens.
        webSocket.pause();
        webSocket.on('error', (error) => log.debug('a WebSocket failed', { error }));
        resolve(webSocket);
      });
    });

  const overWebSocket = async (payload: Streams, request: IncomingMessage, socket: TLSSocket, head: Buffer) => {
    const offered = words(request.headers['sec-websocket-protocol']);
    const protocols: readonly string[] = spoken[payload.type].webSocket;
    if (!offered.some((name) => protocols.includes(name))) {
      throw badRequest(
        `unable to upgrade: the server speaks WebSocket with ${protocols.join(' or ')} here, not ${offered.join(', ') || 'without a protocol'}`,
      );
    }
    // The name of the tunnel has a slash, which the library takes for an error: it sees the names without theirs.
    request.headers['sec-websocket-protocol'] = offered.map(token).join(', ');
    const webSocket = await acceptWebSocket(payload.type, request, socket, head);
    if (payload.type === 'portForward') {
      if (webSocket.protocol === tunnel) {
        hold(serveSpdyPortForward(createWebSocketStream(webSocket), payload.connect, log));
      } else {
        servePortForward(webSocket, payload.ports, payload.connect, log);
        webSocket.resume();
      }
      return;
    }
    // What goes wrong from here on is told inside the protocol: a client that is refused an upgrade
    // tries again with an older one.
    const run = await payload.start().catch((error: unknown) => refuseRun(webSocket, statusOf(error)));
    if (run) serveRun(webSocket, payload.options, run, log);
    webSocket.resume();
  };

  const overSpdy = async (payload: Streams, request: IncomingMessage, socket: TLSSocket, head: Buffer) => {
    const protocol = spoken[payload.type].spdy;
    const offered = words(request.headers['x-stream-protocol-version']);
    if (!offered.includes(protocol)) {
      const why = `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${protocol}]`;
      return answer(socket, 403, 'text/plain', why, { 'X-Accepted-Stream-Protocol-Versions': protocol });
    }
    // There is no older form to fall back to, so a command that cannot run is an answer instead of an upgrade.
    const run = payload.type === 'run' ? await payload.start() : undefined;
    if (socket.destroyed) return run?.close();
    socket.setNoDelay(true);
    socket.write(
      [
        'HTTP/1.1 101 Switching Protocols',
        'Connection: Upgrade',
        'Upgrade: SPDY/3.1',
        `X-Stream-Protocol-Version: ${protocol}`,
        '\r\n',
      ].join('\r\n'),
    );
    if (head.length > 0) socket.unshift(head);
    const connection: Duplex = socket;
    if (payload.type === 'portForward') hold(serveSpdyPortForward(connection, payload.connect, log));
    else hold(serveSpdyRun(connection, payload.options, run!, log));
  };

  /** The session ends with the server, or the server's interest in it with the session. */
  function hold(session: SpdySession): void {
    const end = () => session.destroy();
    open.add(end);
    session.once('close', (error) => {
      open.delete(end);
      if (error) log.debug('a SPDY connection broke', { error });
    });
  }

  return async (request, socket, head) => {
    const broken = (error: Error) => log.debug('a connection broke', { error });
    socket.on('error', broken);
    const entry = audit?.begin(request);
    let identity: Identity | undefined;
    let code = 101;
    if (entry) socket.once('close', () => entry.end(code, identity));
    try {
      identity = authenticate(request);
      const api = { ...toApiRequest(request, identity.user), annotate: entry?.annotate };
      const { payload } = await server.handle(api);
      if (payload.type === 'proxy') return await serveProxyUpgrade(payload.target, request, socket, head);
      if (payload.type !== 'run' && payload.type !== 'portForward') throw badRequest('this request cannot be upgraded');
      const form = words(request.headers.upgrade).map((word) => word.toLowerCase());
      if (form.includes('websocket')) await overWebSocket(payload, request, socket, head);
      else if (form.includes('spdy/3.1')) await overSpdy(payload, request, socket, head);
      else throw badRequest(`unable to upgrade: the server speaks WebSocket and SPDY/3.1, not ${form.join(', ')}`);
    } catch (error) {
      const status: Status = statusOf(error);
      code = status.code ?? 500;
      answer(socket, code, 'application/json', JSON.stringify(status));
    }
  };
}

function webSocketServer(type: Streams['type']): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 16 * 1024 * 1024,
    handleProtocols: (offered) => spoken[type].webSocket.find((protocol) => offered.has(token(protocol))) ?? false,
  });
}

const token = (protocol: string) => protocol.replaceAll('/', '-');

/** The words of a header that may hold a list. */
function words(header: string | string[] | undefined): string[] {
  return [header ?? '']
    .flat()
    .join(',')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** Answers in plain HTTP on a connection that is not upgraded. */
function answer(
  socket: TLSSocket,
  code: number,
  type: string,
  text: string,
  headers: Record<string, string> = {},
): void {
  socket.end(
    [
      `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}`,
      `Content-Type: ${type}`,
      `Content-Length: ${Buffer.byteLength(text)}`,
      'Connection: close',
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      '',
      text,
    ].join('\r\n'),
  );
}
