import { kinds } from '../api';
import { loadSchema } from '../api/schema';
import { FakeClock } from '../clock';
import { silentLogger } from '../log';
import { openMemoryStore } from '../store';
import { createNodeConnections } from './nodes';
import { createApiServer, type ApiServer, type ApiServerOptions } from './server';
import type { ApiResponse, Payload, UserInfo } from './types';

export const testUser: UserInfo = { name: 'tester', groups: ['system:masters', 'system:authenticated'] };

/** What a test asks: like a request, with the query as an object. */
export interface TestRequest {
  query?: Record<string, string>;
  body?: unknown;
  accept?: string;
  contentType?: string;
}

/** An API server in memory with a standing clock and the namespaces `default` and `kube-system`. For tests. */
export async function createTestServer(
  options: Partial<Pick<ApiServerOptions, 'metrics' | 'serviceCidr' | 'publishing' | 'authorize'>> = {},
) {
  const clock = new FakeClock();
  const store = openMemoryStore({ clock });
  const nodes = createNodeConnections();
  const server = createApiServer({ store, kinds, schema: loadSchema(), clock, log: silentLogger, nodes, ...options });
  const send = (method: string, path: string, request: TestRequest = {}) => sendTo(server, method, path, request);
  for (const name of ['default', 'kube-system'])
    await send('POST', '/api/v1/namespaces', { body: { metadata: { name } } });
  return { clock, store, nodes, server, send };
}

/** Sends a request and gives back its status, warnings and body (for lists: the list object). */
export async function sendTo(server: ApiServer, method: string, path: string, request: TestRequest = {}) {
  const query = new URLSearchParams(request.query);
  const { body, accept, contentType } = request;
  const response = await server.handle({ method, path, query, body, accept, contentType, user: testUser });
  return { ...response, body: bodyOf(response) };
}

/** The watch of a response, its events collected as they come. */
export function collect(response: ApiResponse) {
  const payload = response.payload as Extract<Payload, { type: 'watch' }>;
  const events: { type: string; object: any }[] = [];
  const state = { ended: false };
  const running = payload.watch.start({
    event: ({ type, object }) => void events.push({ type, object: object.value }),
    end: () => void (state.ended = true),
  });
  return { events, state, close: () => running.close() };
}

function bodyOf({ payload }: ApiResponse): any {
  if (payload.type === 'object') return payload.object.value;
  if (payload.type === 'text') return payload.text;
  if (payload.type !== 'list') return undefined;
  return { kind: payload.kind, metadata: payload.metadata, items: payload.items.map((item) => item.value) };
}

/** A pod as short as it can be. */
export const podBody = (name: string, more: Record<string, unknown> = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'main', image: 'busybox' }], ...more },
});

/** A Deployment as short as it can be. */
export const deploymentBody = (name: string, replicas = 1) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'busybox' }] } },
  },
});
