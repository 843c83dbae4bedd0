import { request as httpRequest, Agent as HttpAgent, type IncomingMessage } from 'node:http';
import { request as httpsRequest, Agent as HttpsAgent } from 'node:https';
import type { Duplex, Readable } from 'node:stream';
import type { ClientOptions } from 'ws';
import { apiError, type ApiError } from '../api/errors';
import { failure } from './failure';
import { decode, LineWatch, readText, warningsOf } from './http-answer';
import { openExec, openPortForward } from './https-channels';
import { tunnelThrough } from './proxy-tunnel';
import type { ExecOptions, KubeRequest, KubeTransport } from './transport';

/** How to reach a cluster and who to be there. Certificates and keys are PEM. */
export interface HttpsTransportOptions {
  /** `https://HOST:PORT[/PREFIX]`; http for proxies such as `kubectl proxy`. */
  server: string;
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  /** A bearer token, or what gives the one for a request. */
  token?: string | (() => string | undefined | Promise<string | undefined>);
  /** Sent with every request. */
  headers?: Record<string, string>;
  insecureSkipTlsVerify?: boolean;
  /** The name the server's certificate is checked for, when it is not the one in `server`. */
  serverName?: string;
  /** An HTTP proxy to tunnel through. */
  proxyUrl?: string;
  /** How long an answer may take to begin, in ms (watches and streams too); 30 s unless told. */
  timeoutMs?: number;
}

/** Speaks to any cluster over HTTPS with kept-alive connections. Failures throw ApiError, unreachable ones too (code 503). */
export function createHttpsTransport(options: HttpsTransportOptions): KubeTransport {
  const connection = new Connection(options);
  const open = new Set<{ close(): void }>();
  const hold = <T extends { close(): void }>(item: T, ended: (over: () => void) => void): T => {
    open.add(item);
    ended(() => open.delete(item));
    return item;
  };
  const holdStream = (stream: Readable | Duplex) =>
    hold({ close: () => void stream.destroy() }, (over) => stream.once('close', over));

  return {
    async request<T>(request: KubeRequest) {
      const response = await connection.send(request);
      const text = await readText(response);
      const body = decode(response, text);
      return { status: response.statusCode!, body: body as T, warnings: warningsOf(response) };
    },
    async watch<T>(request: KubeRequest) {
      const response = await connection.send({ ...request, query: { ...request.query, watch: true } });
      const watch = new LineWatch<T>(response);
      return hold(watch, (over) => response.once('close', over));
    },
    async stream(request) {
      const response = await connection.send({ accept: '*/*', ...request });
      holdStream(response);
      return response;
    },
    async exec(execOptions) {
      const session = await openExec(await connection.webSocket(execPath(execOptions)), execOptions);
      hold({ close: () => session.close() }, (over) => void session.done.then(over, over));
      return session;
    },
    async portForward(namespace, pod, port) {
      const path = `${podPath(namespace, pod)}/portforward?ports=${port}`;
      const duplex = await openPortForward(await connection.webSocket(path), port);
      holdStream(duplex);
      return duplex;
    },
    close() {
      for (const item of open) item.close();
      open.clear();
      connection.close();
    },
  };
}

const podPath = (namespace: string, pod: string) =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}`;

function execPath({ namespace, pod, container, command, stdin, stdout, stderr, tty }: ExecOptions): string {
  const query = new URLSearchParams();
  if (container) query.set('container', container);
  for (const word of command ?? []) query.append('command', word);
  for (const [name, value] of Object.entries({ stdin, stdout, stderr, tty })) query.set(name, String(value ?? false));
  return `${podPath(namespace, pod)}/${command ? 'exec' : 'attach'}?${query}`;
}

/** What a WebSocket needs to be opened like every other request. */
export interface WebSocketTarget {
  url: string;
  options: ClientOptions;
}

/** The way to one server: agent, credentials, time limits. */
class Connection {
  private readonly base: URL;
  private readonly secure: boolean;
  private readonly agent: HttpAgent;

  constructor(private readonly options: HttpsTransportOptions) {
    this.base = new URL(options.server);
    this.secure = this.base.protocol === 'https:';
    const keep = { keepAlive: true, maxSockets: Infinity, maxFreeSockets: 32 };
    this.agent = this.secure ? new HttpsAgent({ ...keep, ...this.tls() }) : new HttpAgent(keep);
    if (options.proxyUrl) tunnelThrough(this.agent, options.proxyUrl);
  }

  /** Resolves with a response of success, its body still to be read. @throws ApiError */
  async send(request: KubeRequest): Promise<IncomingMessage> {
    request.signal?.throwIfAborted();
    const { body, type } = encode(request);
    const headers: Record<string, string> = {
      Accept: request.accept ?? 'application/json',
      'User-Agent': 'gantry',
      ...this.options.headers,
      ...(await this.authorization()),
    };
    if (body !== undefined) {
      headers['Content-Type'] = type;
      headers['Content-Length'] = String(Buffer.byteLength(body));
    }
    const response = await this.exchange(request, headers, body);
    if (response.statusCode! < 300) return response;
    throw failureOf(response, await readText(response));
  }

  private exchange(
    request: KubeRequest,
    headers: Record<string, string>,
    body: string | Buffer | undefined,
  ): Promise<IncomingMessage> {
    const { timeoutMs = 30_000 } = this.options;
    return new Promise((resolve, reject) => {
      const send = this.secure ? httpsRequest : httpRequest;
      const outgoing = send(
        this.url(request),
        { method: request.method, headers, agent: this.agent, signal: request.signal },
        (response) => {
          clearTimeout(timer);
          resolve(response);
        },
      );
      const timer = setTimeout(() => {
        outgoing.destroy(new Error(`no answer from ${this.base.host} within ${timeoutMs / 1000} s`));
      }, timeoutMs);
      outgoing.once('error', (error) => {
        clearTimeout(timer);
        reject(request.signal?.aborted ? (request.signal.reason as Error) : unreachable(this.base, error));
      });
      outgoing.end(body);
    });
  }

  async webSocket(path: string): Promise<WebSocketTarget> {
    const url = new URL(this.base.pathname.replace(/\/$/, '') + path, this.base);
    url.protocol = this.secure ? 'wss:' : 'ws:';
    return {
      url: url.toString(),
      options: {
        headers: { ...this.options.headers, ...(await this.authorization()) },
        handshakeTimeout: this.options.timeoutMs ?? 30_000,
        perMessageDeflate: false,
        ...(this.secure ? this.tls() : {}),
        // Upgraded connections leave the pool; only a tunnel needs the agent.
        ...(this.options.proxyUrl ? { agent: this.agent } : {}),
      },
    };
  }

  close(): void {
    this.agent.destroy();
  }

  private url(request: KubeRequest): URL {
    const url = new URL(this.base.pathname.replace(/\/$/, '') + request.path, this.base);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url;
  }

  private tls() {
    const { ca, cert, key, insecureSkipTlsVerify, serverName } = this.options;
    return {
      ca,
      cert,
      key,
      rejectUnauthorized: !insecureSkipTlsVerify,
      ...(serverName ? { servername: serverName } : {}),
    };
  }

  private async authorization(): Promise<Record<string, string>> {
    const { token } = this.options;
    const value = typeof token === 'function' ? await token() : token;
    return value ? { Authorization: `Bearer ${value}` } : {};
  }
}

function encode({ body, contentType }: KubeRequest): { body?: string | Buffer; type: string } {
  const type = contentType ?? 'application/json';
  if (body === undefined) return { type };
  if (typeof body === 'string') return { body, type };
  if (body instanceof Uint8Array) return { body: Buffer.from(body), type };
  return { body: JSON.stringify(body), type };
}

const failureOf = (response: IncomingMessage, text: string): ApiError =>
  failure(response.statusCode!, response.headers['content-type'] ?? '', text);

function unreachable(server: URL, error: Error): ApiError {
  const why = error.message || (error as NodeJS.ErrnoException).code || 'the connection failed';
  return apiError(503, 'ServiceUnavailable', `cannot reach ${server.host}: ${why}`);
}
