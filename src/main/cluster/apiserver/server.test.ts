import { describe, expect, it } from 'vitest';
import { createInProcessTransport } from '../client/in-process';
import { kinds } from '../api';
import type { ApiSchema } from '../api/schema/types';
import { FakeClock } from '../clock';
import { silentLogger } from '../log';
import { openMemoryStore } from '../store';
import { createNodeConnections } from './nodes';
import { createApiServer } from './server';

const schema: ApiSchema = {
  check: () => [],
  prune: (object) => object,
  decodeProtobuf: () => ({}),
  strategicMerge: (_v, _k, original, patch) => ({ ...original, ...patch }),
  openApiV3: () => undefined,
};

const setUp = async () => {
  const clock = new FakeClock();
  const store = openMemoryStore({ clock });
  const server = createApiServer({ store, kinds, schema, clock, log: silentLogger, nodes: createNodeConnections() });
  const api = createInProcessTransport(server);
  await api.request({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: 'default' } } });
  return { clock, store, server, api };
};
const configMaps = '/api/v1/namespaces/default/configmaps';

describe('verbs', () => {
  it('creates, gets, lists, updates and deletes', async () => {
    const { api } = await setUp();
    const created = await api.request({
      method: 'POST',
      path: configMaps,
      body: { metadata: { name: 'a' }, data: { x: '1' } },
    });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', namespace: 'default' },
    });
    const got = await api.request({ method: 'GET', path: `${configMaps}/a` });
    expect(got.body).toEqual(created.body);
    const updated = await api.request({
      method: 'PUT',
      path: `${configMaps}/a`,
      body: { ...got.body, data: { x: '2' } },
    });
    expect(updated.body.data).toEqual({ x: '2' });
    const list = await api.request({ method: 'GET', path: '/api/v1/configmaps' });
    expect(list.body.items).toEqual([updated.body]);
    const deleted = await api.request({ method: 'DELETE', path: `${configMaps}/a` });
    expect(deleted.body).toMatchObject({
      kind: 'Status',
      status: 'Success',
      details: { name: 'a', kind: 'configmaps' },
    });
  });
});
