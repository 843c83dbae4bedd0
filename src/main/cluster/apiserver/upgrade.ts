import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { WebSocketServer, type WebSocket } from 'ws';
import { badRequest } from '../api/errors';
import type { Logger } from '../log';
import { authenticate } from './authentication';
import { statusOf, unauthorized } from './errors';
import { refuseRun, serveRun } from './exec-websocket';
import { toApiRequest } from './http-request';
import { servePortForward } from './port-forward-websocket';
import type { ApiServer } from './server';

const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

/** Serves what needs the connection itself: exec, attach and port-forward over WebSocket. */
export function createUpgradeHandler(
  server: ApiServer,
  open: Set<() => void>,
  log: Logger,
): (request: IncomingMessage, socket: TLSSocket, head: Buffer) => Promise<void> {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 16 * 1024 * 1024,
    handleProtocols: (offered) => protocols.find((protocol) => offered.has(protocol)) ?? false,
  });
  const accept = (request: IncomingMessage, socket: TLSSocket, head: Buffer) =>
    new Promise<WebSocket>((resolve) => {
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        const end = () => webSocket.close(1001);
        open.add(end);
        webSocket.once('close', () => open.delete(end));
        // Nothing may arrive before someone listens.
        webSocket.pause();
        webSocket.on('error', (error) => log.debug('a WebSocket failed', { error }));
        resolve(webSocket);
      });
    });

  return async (request, socket, head) => {
    const broken = (error: Error) => log.debug('a connection broke', { error });
    socket.on('error', broken);
    try {
      const user = authenticate(socket, request.url ?? '/');
      if (!user) throw unauthorized();
      const { payload } = await server.handle(toApiRequest(request, user));
      if (payload.type !== 'run' && payload.type !== 'portForward') throw badRequest('this request cannot be upgraded');
      if (!offers(request)) throw unsupported(request);
      const webSocket = await accept(request, socket, head);
      socket.off('error', broken);
      if (payload.type === 'portForward') {
        servePortForward(webSocket, payload.ports, payload.connect, log);
        webSocket.resume();
        return;
      }
      // What goes wrong from here on is told inside the protocol: a client that is refused an upgrade
      // tries again with an older one.
      const session = await payload.start().catch((error: unknown) => refuseRun(webSocket, statusOf(error)));
      if (session) serveRun(webSocket, payload.options, session, log);
      webSocket.resume();
    } catch (error) {
      refuse(socket, statusOf(error));
    }
  };
}

function offers(request: IncomingMessage): boolean {
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') return false;
  const offered = String(request.headers['sec-websocket-protocol'] ?? '').split(',');
  return offered.some((name) => protocols.includes(name.trim()));
}

const unsupported = (request: IncomingMessage) =>
  badRequest(
    `the server speaks WebSocket with ${protocols.join(' or ')} here, not ${request.headers['sec-websocket-protocol'] ?? request.headers.upgrade}`,
  );

/** Answers in plain HTTP on a connection that is not upgraded. */
function refuse(socket: TLSSocket, status: ReturnType<typeof statusOf>): void {
  const text = JSON.stringify(status);
  const code = status.code ?? 500;
  socket.end(
    [
      `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(text)}`,
      'Connection: close',
      '',
      text,
    ].join('\r\n'),
  );
}
