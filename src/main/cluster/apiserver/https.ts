import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { DEFAULT_CIPHERS, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { KubeObject } from '@shared/k8s';
import { ApiError, badRequest } from '../api/errors';
import type { Logger } from '../log';
import type { AuditLog } from './audit';
import { createAuthentication, type Authenticate, type Identity } from './authentication';
import { maxBodyBytes } from './decode';
import { createEncoder, type Body, type Encoder } from './encode';
import { statusOf, tooLarge } from './errors';
import { toApiRequest } from './http-request';
import { listenOnAny } from './listening';
import { isProxyPath } from './proxy';
import { serveProxy } from './proxy-http';
import { longListItems, writeLongList } from './long-list';
import { errorMedia, streamTypeOf, type Media } from './negotiation';
import type { KeyPair, Pki } from './pki';
import type { ApiServer } from './server';
import { createUpgradeHandler } from './upgrade';
import type { ApiRequest, ApiResponse, ListPayload, Payload, ServedWatch } from './types';

const compress = promisify(gzip);
/** How long a connection may be silent before the system asks whether the other end is there. */
const probeIdleMs = 30_000;
const gzipFromBytes = 128 * 1024;
/** A watcher that leaves this much unread is cut off; it then lists again. */
const mostUnreadBytes = 64 * 1024 * 1024;

export interface HttpsOptions {
  server: ApiServer;
  pki: Pick<Pki, 'caPem' | 'serving'>;
  /** 0: any free port. */
  port: number;
  /** Takes any free port when `port` is in use. */
  anyPort?: boolean;
  log: Logger;
  /** Where every request is written down. */
  audit?: AuditLog;
  /** 127.0.0.1 unless told. */
  host?: string;
  /** Big lists are compressed for clients that take it: `remote` (the default) spares this machine's own. */
  gzip?: 'remote' | 'always' | 'never';
}

export interface HttpsListener {
  readonly port: number;
  /** `https://127.0.0.1:PORT`. */
  readonly url: string;
  /**
   * Serves at a further address of this machine too, where another certificate may be needed.
   * Answers the port: the same, or any where that is in use. @throws Error when it is no address of this machine
   */
  listenOn(host: string, serving: KeyPair): Promise<number>;
  /** Stops listening and ends what is open. */
  close(): Promise<void>;
}

/** Serves the API over HTTPS. Resolves when it listens. @throws Error when the port cannot be had */
export async function listenHttps(options: HttpsOptions): Promise<HttpsListener> {
  const { server, pki, port, log, host = '127.0.0.1' } = options;
  const open = new Set<() => void>();
  const { authorize, tokens, clock, schema } = server.context;
  const encoder = createEncoder(schema);
  const authenticate = createAuthentication({ authorize, tokens, clock });
  const upgrades = createUpgradeHandler({ server, authenticate, open, log, audit: options.audit });
  const serve = (serving: KeyPair): Server => {
    const listener = createServer(
      {
        key: serving.key,
        cert: serving.cert,
        ca: [pki.caPem],
        requestCert: true,
        // Who is unknown gets an answer, not a broken handshake.
        rejectUnauthorized: false,
        minVersion: 'TLSv1.2',
        keepAliveTimeout: 120_000,
        // Who is gone without a word, be it a watcher or a terminal, is noticed by this alone.
        keepAlive: true,
        keepAliveInitialDelay: probeIdleMs,
        // Selectors travel in the address; Kubernetes takes as much.
        maxHeaderSize: 1024 * 1024,
        ALPNProtocols: ['http/1.1'],
        // The shorter key first: it is as safe here and a list of megabytes is encrypted in two thirds of the time.
        ciphers: `TLS_AES_128_GCM_SHA256:${DEFAULT_CIPHERS}`,
        honorCipherOrder: true,
      },
      (request, response) => void new Exchange(options, authenticate, encoder, open, request, response).run(),
    );
    listener.on('upgrade', (request, socket, head) => void upgrades(request, socket as TLSSocket, head));
    listener.on('tlsClientError', (error) => log.debug('a TLS handshake failed', { error }));
    return listener;
  };
  const listener = serve(pki.serving);
  const further: Server[] = [];
  const bound = await listenOnAny(listener, port, host, options.anyPort ? log : undefined);
  return {
    port: bound,
    url: `https://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    async listenOn(address, serving) {
      const another = serve(serving);
      const taken = await listenOnAny(another, bound, address, log);
      further.push(another);
      return taken;
    },
    async close() {
      const closed = [listener, ...further].map((one) => new Promise<void>((resolve) => one.close(() => resolve())));
      for (const end of open) end();
      for (const one of [listener, ...further]) {
        one.closeIdleConnections();
        one.closeAllConnections();
      }
      await Promise.all(closed);
    },
  };
}

/** One request and its answer. */
class Exchange {
  constructor(
    private readonly options: HttpsOptions,
    private readonly authenticate: Authenticate,
    private readonly encoder: Encoder,
    private readonly open: Set<() => void>,
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
  ) {}

  async run(): Promise<void> {
    const { request, response } = this;
    const { audit } = this.options;
    let identity: Identity | undefined;
    const entry = audit?.begin(request);
    if (entry) {
      response.once('close', () => entry.end(response.statusCode, identity));
    }
    try {
      identity = this.authenticate(request);
      const api = toApiRequest(request, identity.user);
      api.annotate = entry?.annotate;
      const elsewhere = isProxyPath(api.path) || this.options.server.context.aggregation?.claims(api.path);
      if (elsewhere) return await this.proxy(api);
      if (request.method !== 'GET' && request.method !== 'HEAD') api.body = await readBody(request);
      const answer = await this.options.server.handle(api);
      if (response.destroyed) return discard(answer.payload);
      await this.answer(api, answer);
    } catch (error) {
      this.fail(error);
    }
  }

  private async answer(
    api: ApiRequest,
    { status, warnings, headers = {}, media = 'json', payload }: ApiResponse,
  ): Promise<void> {
    const { response } = this;
    response.setHeader('Cache-Control', 'no-cache, private');
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (warnings.length > 0) response.setHeader('Warning', [...new Set(warnings)].map(warningHeader));
    switch (payload.type) {
      case 'watch':
        return this.watch(payload.watch, api, media);
      case 'stream':
        return this.stream(payload);
      case 'run':
      case 'portForward':
      case 'proxy':
        throw badRequest('Upgrade request required');
      default: {
        const asked = api.query.get('pretty');
        const pretty = asked !== null && asked !== 'false' && asked !== '0';
        const long = payload.type === 'list' && payload.items.length >= longListItems;
        if (long && media === 'protobuf') await this.encoder.prepare(payload);
        if (long && media === 'json' && !pretty && !this.gzips()) return await this.sendLongList(status, payload);
        await this.send(status, this.encoder.body(payload, media, pretty));
      }
    }
  }

  /** What goes through to a server behind the API is read and written as it comes. */
  private async proxy(api: ApiRequest): Promise<void> {
    const answer = await this.options.server.handle({ ...api, method: this.request.method! });
    if (answer.payload.type === 'proxy') return serveProxy(answer.payload.target, this.request, this.response);
    this.request.resume();
    await this.answer(api, answer);
  }

  private async send(status: number, { contentType, text }: Body): Promise<void> {
    const { response } = this;
    response.statusCode = status;
    response.setHeader('Content-Type', contentType);
    if (text.length >= gzipFromBytes && this.gzips()) {
      response.setHeader('Content-Encoding', 'gzip');
      response.setHeader('Vary', 'Accept-Encoding');
      response.end(await compress(text, { level: 1 }));
      return;
    }
    // A short string goes out in one write with the headers; a long one is worth encoding only once.
    const body = typeof text === 'string' && text.length >= gzipFromBytes ? Buffer.from(text) : text;
    response.setHeader('Content-Length', Buffer.byteLength(body));
    response.end(body);
  }

  private async sendLongList(status: number, list: ListPayload): Promise<void> {
    const { request, response } = this;
    response.statusCode = status;
    response.setHeader('Content-Type', 'application/json');
    if (request.method === 'HEAD') response.end();
    else await writeLongList(response, list);
  }

  /** Whether a big answer is compressed: the client takes it and is worth it. */
  private gzips(): boolean {
    if (!/\bgzip\b/.test(String(this.request.headers['accept-encoding']))) return false;
    const { gzip: when = 'remote' } = this.options;
    if (when !== 'remote') return when === 'always';
    const address = this.request.socket.remoteAddress ?? '';
    return !(address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.'));
  }

  private watch(watch: ServedWatch, api: ApiRequest, media: Media): void {
    const { response, open, encoder } = this;
    response.writeHead(200, { 'Content-Type': streamTypeOf(media) });
    response.flushHeaders();
    let corked = false;
    let running: { close(): void } | undefined;
    const end = () => {
      running?.close();
      open.delete(end);
      response.end();
    };
    open.add(end);
    running = watch.start({
      event: (delivery) => {
        // Events of one turn go out together.
        if (!corked) {
          corked = true;
          response.cork();
          process.nextTick(() => {
            corked = false;
            response.uncork();
          });
        }
        response.write(encoder.event(delivery, media));
        if (response.writableLength > mostUnreadBytes) {
          this.options.log.warn('a watcher that does not read was cut off', { path: api.path });
          response.destroy();
        }
      },
      end,
    });
    // Ended or gone while it started.
    if (response.writableEnded || response.destroyed) running.close();
    response.once('close', () => {
      running.close();
      open.delete(end);
    });
  }

  private stream({ contentType, stream }: Extract<Payload, { type: 'stream' }>): void {
    const { response, open } = this;
    const end = () => stream.destroy();
    open.add(end);
    response.writeHead(200, { 'Content-Type': contentType });
    response.flushHeaders();
    stream.pipe(response);
    stream.once('error', (error) => {
      this.options.log.debug('a stream broke', { error });
      response.destroy();
    });
    response.once('close', () => {
      open.delete(end);
      stream.destroy();
    });
  }

  private fail(error: unknown): void {
    const { response } = this;
    if (response.headersSent || response.destroyed) return void response.destroy();
    const status = statusOf(error);
    if (!(error instanceof ApiError)) this.options.log.error('an answer failed', { error: String(error) });
    const seconds = status.details?.retryAfterSeconds;
    if (seconds) response.setHeader('Retry-After', seconds);
    // What was not read of a body would be taken for the next request.
    if (!this.request.complete) response.setHeader('Connection', 'close');
    const object = { value: status as KubeObject };
    const media = errorMedia(this.request.headers.accept);
    void this.send(status.code ?? 500, this.encoder.body({ type: 'object', object }, media, false));
  }
}

/** The body as bytes. @throws ApiError 413 beyond 3 MiB */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge(maxBodyBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw tooLarge(maxBodyBytes);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

/** `299 - "text"`, with what a header cannot carry left out. */
function warningHeader(text: string): string {
  // oxlint-disable-next-line no-control-regex
  const safe = text.replace(/[\u0000-\u001f\u007f]/g, ' ').replace(/[^\u0020-\u00ff]/g, '?');
  return `299 - "${safe.replace(/["\\]/g, '\\$&')}"`;
}

function discard(payload: Payload): void {
  if (payload.type === 'stream') payload.stream.destroy();
}
