import { describe, expect, it } from 'vitest';
import { loadSchema } from '../api/schema';
import type { ApiRequest } from './types';
import { createTestServer, testUser } from './testing';
import { OpenApi } from './openapi';

const protobuf = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

async function setUp() {
  const metrics = { node: () => undefined, pod: () => undefined };
  const { server } = await createTestServer({ metrics });
  const get = (path: string, more: Partial<ApiRequest> = {}, query = '') =>
    server.handle({ method: 'GET', path, query: new URLSearchParams(query), user: testUser, ...more });
  const json = async (path: string) => {
    const { payload } = await get(path);
    return payload.type === 'object' ? (payload.object.value as any) : undefined;
  };
  return { get, json };
}

describe('/openapi/v2', () => {
  it('is JSON, or the protobuf that old clients ask for', async () => {
    const { get, json } = await setUp();
    expect((await json('/openapi/v2')).definitions['io.k8s.api.core.v1.Pod']).toBeDefined();
    const { payload, headers } = await get('/openapi/v2', { accept: protobuf });
    if (payload.type !== 'bytes') throw new Error('not protobuf');
    expect(Buffer.from(payload.bytes).subarray(0, 5).toString('latin1')).toBe('\n\x032.0');
    expect((await get('/openapi/v2', { ifNoneMatch: headers!.ETag })).status).toBe(304);
    await expect(get('/openapi/v2', { accept: 'text/csv' })).rejects.toMatchObject({ code: 406 });
  });
});

describe('/openapi/v3', () => {
  it('has a document for each group version, under an address that changes with it', async () => {
    const { get, json } = await setUp();
    const { paths } = await json('/openapi/v3');
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining([
        'api/v1',
        'apis/apps/v1',
        'apis/authorization.k8s.io/v1',
        'apis/authentication.k8s.io/v1',
        'apis/metrics.k8s.io/v1beta1',
      ]),
    );
    for (const { serverRelativeURL } of Object.values<{ serverRelativeURL: string }>(paths)) {
      const [path, query] = serverRelativeURL.split('?') as [string, string];
      const answer = await get(path, {}, query);
      expect(answer.status).toBe(200);
      expect(answer.headers!['Cache-Control']).toContain('immutable');
      expect((await get(path, { ifNoneMatch: answer.headers!.ETag }, query)).status).toBe(304);
    }
    const old = await get('/openapi/v3/apis/apps/v1', {}, 'hash=OLD');
    expect(old).toMatchObject({ status: 301, headers: { Location: paths['apis/apps/v1'].serverRelativeURL } });
    await expect(get('/openapi/v3/apis/nope/v1')).rejects.toMatchObject({ code: 404 });
  });

  it('describes reviews, scale, eviction, tokens and metrics', async () => {
    const { json } = await setUp();
    const core = await json('/openapi/v3/api/v1');
    const pod = '/api/v1/namespaces/{namespace}/pods/{name}';
    const kindOf = (path: string, method: string) => core.paths[path][method]['x-kubernetes-group-version-kind'].kind;
    expect(kindOf(`${pod}/eviction`, 'post')).toBe('Eviction');
    expect(kindOf(`${pod}/resize`, 'patch')).toBe('Pod');
    expect(kindOf('/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token', 'post')).toBe('TokenRequest');
    expect(kindOf('/api/v1/namespaces/{namespace}/replicationcontrollers/{name}/scale', 'get')).toBe('Scale');
    expect(kindOf('/api/v1/namespaces/{namespace}/bindings', 'post')).toBe('Binding');
    const reviews = await json('/openapi/v3/apis/authorization.k8s.io/v1');
    expect(reviews.paths['/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'].post).toBeDefined();
    const metrics = await json('/openapi/v3/apis/metrics.k8s.io/v1beta1');
    expect(metrics.components.schemas['io.k8s.metrics.v1beta1.PodMetrics'].properties.containers.type).toBe('array');
  });

  it('is made anew when what is served changes', () => {
    const versions = [{ group: 'a.example.com', version: 'v1', resources: [] as any[] }];
    const documents = new OpenApi(loadSchema(), 'v1', () => [{ group: 'a.example.com', versions }]);
    const request = { method: 'GET', path: '', query: new URLSearchParams(), user: testUser };
    const address = () => {
      const { payload } = documents.serve(request, ['openapi', 'v3']) as any;
      return payload.object.value.paths['apis/a.example.com/v1'].serverRelativeURL;
    };
    const before = address();
    versions[0]!.resources.push({
      group: 'a.example.com',
      version: 'v1',
      plural: 'things',
      kind: 'Thing',
      namespaced: true,
      verbs: ['get'],
      subresources: [],
    });
    expect(address()).toBe(before);
    documents.reset();
    expect(address()).not.toBe(before);
  });
});
