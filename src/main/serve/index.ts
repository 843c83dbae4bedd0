import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Logger } from '../cluster/log';
import { createBridgeHost } from '../services/bridge-host';
import { readStatic } from '../page/files';
import { securityHeaders } from '../page/policy';
import type { Services } from '../services/types';
import { addressOf, cookie, isLocalHost, isOwnOrigin, sameToken } from './guards';
import { socketPort } from './socket-port';

/** The largest message a page may send: a YAML text of 3 MB with its escapes. */
const MAX_MESSAGE = 16 * 1024 * 1024;
/** How often a silent page is asked whether it is still there, in ms. */
const HEARTBEAT = 20_000;

export interface ServeOptions {
  services: Services;
  /** The built page. */
  rendererDirectory: string;
  /** 0: any free one. */
  port: number;
  /** What the page must show; a random one unless given. */
  token?: string;
  log: Logger;
}

export interface UiServer {
  /** With the token: opening it signs the browser in. */
  url: string;
  close(): Promise<void>;
}

/**
 * Serves the window to a browser of this machine: the built page and the bridge
 * over one WebSocket. It listens on 127.0.0.1 alone; a page is let in by the
 * token of the URL, from then on by a cookie that no other site can send.
 * @throws when the port is taken
 */
export async function serveUi(options: ServeOptions): Promise<UiServer> {
  const { services, rendererDirectory, log } = options;
  const token = options.token ?? randomBytes(24).toString('base64url');
  const bridge = createBridgeHost({ services, log: log.child('bridge') });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE, perMessageDeflate: false });
  let cookieName = 'gantry';

  const admitted = (request: IncomingMessage, url: URL): boolean =>
    sameToken(url.searchParams.get('token'), token) || sameToken(cookie(request, cookieName), token);

  // The page takes the token out of the address bar; the cookie lets its files and reloads in. A redirect
  // instead would lose the Strict cookie when the address was opened from another site's page.
  const signIn = () => `${cookieName}=${token}; Path=/; HttpOnly; SameSite=Strict`;

  const answer = (response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}) => {
    response.writeHead(status, {
      ...securityHeaders,
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      ...headers,
    });
    response.end(text);
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    if (!isLocalHost(request)) return answer(response, 403, 'This server answers to local names only.\n');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return answer(response, 405, 'Only GET is served.\n', { allow: 'GET, HEAD' });
    }
    const url = addressOf(request);
    if (!url) return answer(response, 400, 'The address cannot be read.\n');
    if (!admitted(request, url)) {
      return answer(
        response,
        401,
        'Open the address that `gantry serve` printed: it holds the token that lets you in.\n',
      );
    }
    const file = await readStatic(rendererDirectory, url.pathname);
    if (!file) return answer(response, 404, 'Not found.\n');
    response.writeHead(200, {
      ...securityHeaders,
      ...(url.searchParams.has('token') ? { 'set-cookie': signIn() } : {}),
      'content-type': file.type,
      'content-length': file.body.length,
      'cache-control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    });
    response.end(request.method === 'HEAD' ? undefined : file.body);
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      log.error('a request failed', { path: request.url ?? '', error: error as Error });
      if (!response.headersSent) answer(response, 500, 'The file could not be read.\n');
      else response.destroy();
    });
  });

  const refuse = (socket: Duplex, status: string) => {
    socket.on('error', () => {});
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  };
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!isOwnOrigin(request)) return refuse(socket, '403 Forbidden');
    const url = addressOf(request);
    if (!url) return refuse(socket, '400 Bad Request');
    if (!admitted(request, url)) return refuse(socket, '401 Unauthorized');
    if (url.pathname !== '/bridge') return refuse(socket, '404 Not Found');
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on('error', (error) => log.warn('a page sent what it should not', { error }));
      let alive = true;
      client.on('pong', () => (alive = true));
      const heartbeat = setInterval(() => {
        if (!alive) return client.terminate();
        alive = false;
        client.ping();
      }, HEARTBEAT);
      client.on('close', () => clearInterval(heartbeat));
      bridge.attach(socketPort(client));
    });
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  // Cookies do not tell ports apart: two servers on one machine must not sign each other out.
  cookieName = `gantry-${port}`;

  return {
    url: `http://127.0.0.1:${port}/?token=${token}`,
    async close() {
      bridge.close();
      for (const client of sockets.clients) client.terminate();
      sockets.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
