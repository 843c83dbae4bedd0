import type { Duplex, Readable } from 'node:stream';
import type { WatchEvent } from '@shared/k8s';
import { badRequest } from '../api/errors';
import type { ProxyTarget } from '../apiserver/proxy';
import { passOn } from '../apiserver/proxy-http';
import type { ApiServer } from '../apiserver/server';
import type { ApiRequest, ApiResponse, UserInfo } from '../apiserver/types';
import { failure } from './failure';
import { decode, LineWatch, readText, warningsOf } from './http-answer';
import type { ExecOptions, ExecSession, KubeRequest, KubeResponse, KubeTransport, KubeWatch } from './transport';

/**
 * The transport for callers in the server's own process: straight into its handler.
 * Bodies that are objects are taken as they are and are not checked against the
 * schema unless `query.fieldValidation` asks for it; what comes back is shared and frozen.
 * @param userAgent the manager that owns what is written; the user's name unless told
 */
export function createInProcessTransport(
  server: ApiServer,
  user: UserInfo = { name: 'system:apiserver', groups: ['system:masters'] },
  userAgent = user.name.replace(/^system:/, ''),
): KubeTransport {
  const open = new Set<{ close(): void }>();
  const send = (request: KubeRequest, extra?: Record<string, string>) =>
    server.handle(toApi(request, user, userAgent, extra));

  const transport: KubeTransport = {
    async request(request) {
      request.signal?.throwIfAborted();
      const response = await send(request);
      if (response.payload.type === 'proxy') return askBehind(response.payload.target, request);
      return { status: response.status, body: await bodyOf(response), warnings: response.warnings };
    },
    async watch<T>(request: KubeRequest) {
      const { payload } = await send(request, { watch: 'true' });
      if (payload.type === 'proxy') {
        const answer = await fetchBehind(payload.target, request);
        track(open, answer);
        return new LineWatch<T>(answer);
      }
      if (payload.type !== 'watch') throw badRequest(`${request.path} cannot be watched`);
      const queue = new EventQueue<T>(() => open.delete(queue));
      open.add(queue);
      request.signal?.addEventListener('abort', () => queue.close(), { once: true });
      queue.follow(
        payload.watch.start({
          event: ({ type, object }) => queue.push({ type, object: object.value as T }),
          end: () => queue.finish(),
        }),
      );
      if (request.signal?.aborted) queue.close();
      return queue;
    },
    async stream(request) {
      const { payload } = await send(request);
      if (payload.type !== 'stream' && payload.type !== 'proxy') throw badRequest(`${request.path} is no stream`);
      const stream = payload.type === 'proxy' ? await fetchBehind(payload.target, request) : payload.stream;
      track(open, stream);
      request.signal?.addEventListener('abort', () => stream.destroy(), { once: true });
      return stream;
    },
    async exec(options) {
      const { payload } = await server.handle(execRequest(options, user));
      if (payload.type !== 'run') throw badRequest('not a command to run');
      const session: ExecSession = await payload.start();
      const entry = { close: () => session.close() };
      open.add(entry);
      void session.done.catch(() => {}).finally(() => open.delete(entry));
      return session;
    },
    async portForward(namespace, pod, port) {
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/portforward`;
      const { payload } = await send({ method: 'POST', path, query: { ports: port } });
      if (payload.type !== 'portForward') throw badRequest('not a port to forward');
      const connection = await payload.connect(port);
      track(open, connection);
      return connection;
    },
    close() {
      for (const item of open) item.close();
      open.clear();
    },
  };
  return transport;
}

function toApi(
  request: KubeRequest,
  user: UserInfo,
  userAgent: string,
  extra: Record<string, string> = {},
): ApiRequest {
  const [path, search] = request.path.split('?', 2) as [string, string?];
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries({ ...request.query, ...extra })) {
    if (value !== undefined) query.set(name, String(value));
  }
  const { method, accept, contentType, body } = request;
  return { method, path, query, accept, contentType, body, user, userAgent };
}

function execRequest(options: ExecOptions, user: UserInfo): ApiRequest {
  const { namespace, pod, container, command, stdin, stdout, stderr, tty } = options;
  const query = new URLSearchParams();
  if (container) query.set('container', container);
  for (const word of command ?? []) query.append('command', word);
  for (const [name, value] of Object.entries({ stdin, stdout, stderr, tty })) if (value) query.set(name, 'true');
  const names = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}`;
  return { method: 'POST', path: `${names}/${command ? 'exec' : 'attach'}`, query, user };
}

/** What a plain request is answered with: an object or, for texts and finite streams, a string. */
async function bodyOf({ payload }: ApiResponse): Promise<any> {
  switch (payload.type) {
    case 'object':
      return payload.object.value;
    case 'list':
      return {
        kind: payload.kind,
        apiVersion: payload.apiVersion,
        metadata: payload.metadata,
        items: payload.items.map((item) => item.value),
      };
    case 'text':
      return payload.text;
    case 'stream':
      return readAll(payload.stream);
    default:
      throw badRequest('this request opens a connection: use watch, stream, exec or portForward');
  }
}

/** The answer of a server behind the API; one that is no success is thrown. */
async function fetchBehind(target: ProxyTarget, { method, body, contentType, accept, signal }: KubeRequest) {
  const headers = {
    ...(accept ? { accept } : {}),
    ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
  };
  const bytes = body instanceof Uint8Array ? Buffer.from(body) : typeof body === 'string' ? body : undefined;
  const text = bytes ?? (body === undefined ? undefined : JSON.stringify(body));
  const answer = await passOn(target, { method, headers, body: text, signal }).catch((error: unknown) => {
    throw signal?.aborted ? (signal.reason as Error) : error;
  });
  if (answer.statusCode! < 400) return answer;
  throw failure(answer.statusCode!, answer.headers['content-type'] ?? '', await readText(answer, mostBytes));
}

/** The largest answer of a server behind the API that is taken into this process at once. */
const mostBytes = 64 * 1024 * 1024;

async function askBehind(target: ProxyTarget, request: KubeRequest): Promise<KubeResponse> {
  const answer = await fetchBehind(target, request);
  const text = await readText(answer, mostBytes);
  return { status: answer.statusCode!, body: decode(answer, text), warnings: warningsOf(answer) };
}

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks).toString();
}

function track(open: Set<{ close(): void }>, stream: Readable | Duplex): void {
  const entry = { close: () => void stream.destroy() };
  open.add(entry);
  stream.once('close', () => open.delete(entry));
}

/** Events between the server, which delivers at once, and a reader that takes its time. */
class EventQueue<T> implements KubeWatch<T> {
  private events: WatchEvent<T>[] = [];
  private waiting?: (result: IteratorResult<WatchEvent<T>>) => void;
  private over = false;
  private source?: { close(): void };

  constructor(private readonly onClose: () => void) {}

  follow(source: { close(): void }): void {
    this.source = source;
    if (this.over) source.close();
  }

  push(event: WatchEvent<T>): void {
    if (this.over) return;
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting) waiting({ done: false, value: event });
    else this.events.push(event);
  }

  /** No more will come; what is queued is still read. */
  finish(): void {
    if (this.over) return;
    this.over = true;
    this.onClose();
    this.waiting?.({ done: true, value: undefined });
    this.waiting = undefined;
  }

  close(): void {
    this.events = [];
    this.source?.close();
    this.finish();
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchEvent<T>> {
    let at = 0;
    return {
      next: () => {
        if (at < this.events.length) {
          const value = this.events[at++]!;
          // Taking from the front one by one would move the rest each time.
          if (at === this.events.length) {
            this.events = [];
            at = 0;
          }
          return Promise.resolve({ done: false, value });
        }
        if (this.over) return Promise.resolve({ done: true, value: undefined });
        return new Promise((resolve) => (this.waiting = resolve));
      },
      return: () => {
        this.close();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}
