import { describe, expect, it } from 'vitest';
import { StoreError } from '../store';
import { createTestServer, deploymentBody, podBody, sendTo, testUser } from './testing';

const configMaps = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const pods = '/api/v1/namespaces/default/pods';
const mergePatch = 'application/merge-patch+json';
const json = (body: unknown) => ({ body: JSON.stringify(body), contentType: 'application/json' });

describe('create', () => {
  it('sets what the server sets and answers 201', async () => {
    const { send } = await createTestServer();
    const { status, body } = await send('POST', deployments, { body: deploymentBody('web') });
    expect(status).toBe(201);
    expect(body.metadata).toMatchObject({
      name: 'web',
      namespace: 'default',
      creationTimestamp: '2026-01-01T00:00:00Z',
      generation: 1,
      resourceVersion: expect.stringMatching(/^\d+$/),
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(body.spec.strategy.type).toBe('RollingUpdate');
  });

  it('leaves the object it was given alone', async () => {
    const { send } = await createTestServer();
    const given = deploymentBody('web');
    const before = structuredClone(given);
    await send('POST', deployments, { body: given });
    expect(given).toEqual(before);
  });

  it('generates names', async () => {
    const { send } = await createTestServer();
    const { body } = await send('POST', configMaps, { body: { metadata: { generateName: 'x-' } } });
    expect(body.metadata.name).toMatch(/^x-[a-z0-9]{5}$/);
  });

  it.each([
    [configMaps, { metadata: { name: 'a' } }, 409, 'configmaps "a" already exists'],
    [
      configMaps,
      { metadata: {} },
      422,
      'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
    ],
    [
      configMaps,
      { metadata: { name: 'A_b' } },
      422,
      /ConfigMap "A_b" is invalid: metadata\.name: Invalid value: "A_b": a lowercase RFC 1123/,
    ],
    [
      configMaps,
      { metadata: { name: 'b', namespace: 'other' } },
      400,
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
    [
      configMaps,
      { metadata: { name: 'b' }, apiVersion: 'v2' },
      400,
      'the API version in the data (v2) does not match the expected API version (v1)',
    ],
    ['/api/v1/namespaces/none/configmaps', { metadata: { name: 'b' } }, 404, 'namespaces "none" not found'],
    ['/api/v1/namespaces/default/unknowns', {}, 404, 'the server could not find the requested resource'],
    [
      '/api/v1/configmaps',
      { metadata: { name: 'b' } },
      405,
      'the server does not allow this method on the requested resource',
    ],
  ])('%s %j is refused with %s', async (path, body, code, message) => {
    const { send } = await createTestServer();
    await send('POST', configMaps, { body: { metadata: { name: 'a' } } });
    await expect(send('POST', path, { body })).rejects.toMatchObject({
      code,
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    });
  });

  it('checks fields as fieldValidation asks', async () => {
    const { send } = await createTestServer();
    const body = { ...deploymentBody('web'), spec: { ...deploymentBody('web').spec, replicaz: 1 } };
    await expect(
      send('POST', deployments, { ...json(body), query: { fieldValidation: 'Strict' } }),
    ).rejects.toMatchObject({
      code: 400,
      message:
        'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replicaz"',
    });
    const warned = await send('POST', deployments, json(body));
    expect(warned.warnings).toEqual(['unknown field "spec.replicaz"']);
    expect(warned.body.spec).not.toHaveProperty('replicaz');
    const ignored = await send('PUT', `${deployments}/web`, { ...json(body), query: { fieldValidation: 'Ignore' } });
    expect(ignored.warnings).toEqual([]);
    await expect(
      send('POST', deployments, { ...json(body), query: { fieldValidation: 'Sometimes' } }),
    ).rejects.toMatchObject({ code: 422 });
  });

  it('tells of fields given twice', async () => {
    const { send } = await createTestServer();
    const body = '{"metadata":{"name":"a"},"data":{"x":"1","x":"2"}}';
    const request = { body, contentType: 'application/json' };
    await expect(send('POST', configMaps, { ...request, query: { fieldValidation: 'Strict' } })).rejects.toMatchObject({
      code: 400,
      message: expect.stringContaining('strict decoding error: duplicate field "data.x"'),
    });
    expect((await send('POST', configMaps, request)).warnings).toEqual(['duplicate field "data.x"']);
  });

  it('refuses wrong types even when it ignores unknown fields', async () => {
    const { send } = await createTestServer();
    const body = { ...deploymentBody('web'), spec: { ...deploymentBody('web').spec, replicas: 'three' } };
    await expect(
      send('POST', deployments, { ...json(body), query: { fieldValidation: 'Ignore' } }),
    ).rejects.toMatchObject({
      code: 400,
      message: expect.stringContaining('Deployment in version "v1" cannot be handled as a Deployment: '),
    });
  });

  it('takes YAML, refuses what it cannot read', async () => {
    const { send } = await createTestServer();
    const yaml = 'metadata:\n  name: y\ndata:\n  a: "1"\n';
    expect((await send('POST', configMaps, { body: yaml, contentType: 'application/yaml' })).body.data).toEqual({
      a: '1',
    });
    await expect(send('POST', configMaps, { body: '{', contentType: 'application/json' })).rejects.toMatchObject({
      code: 400,
    });
    const twice = { body: 'metadata: {name: twice}\ndata:\n  a: "1"\n  a: "2"', contentType: 'application/yaml' };
    await expect(send('POST', configMaps, { ...twice, query: { fieldValidation: 'Strict' } })).rejects.toMatchObject({
      code: 400,
      message: expect.stringContaining(
        'strict decoding error: yaml: unmarshal errors: line 4: key "a" already set in map',
      ),
    });
    const warned = await send('POST', configMaps, twice);
    expect(warned.body.data).toEqual({ a: '2' });
    expect(warned.warnings).toContain('yaml: unmarshal errors: line 4: key "a" already set in map');
    await expect(send('POST', configMaps, { body: 'x', contentType: 'text/csv' })).rejects.toMatchObject({ code: 415 });
    const deep = `${'[{"a":'.repeat(2000)}1${'}]'.repeat(2000)}`;
    await expect(send('POST', configMaps, { body: deep, contentType: 'application/json' })).rejects.toMatchObject({
      code: 400,
    });
  });

  it('stores nothing with dryRun', async () => {
    const { send } = await createTestServer();
    const { status, body } = await send('POST', configMaps, {
      body: { metadata: { name: 'a' } },
      query: { dryRun: 'All' },
    });
    expect([status, body.metadata.name]).toEqual([201, 'a']);
    await expect(send('GET', `${configMaps}/a`)).rejects.toMatchObject({
      code: 404,
      message: 'configmaps "a" not found',
    });
    await expect(send('POST', configMaps, { body: {}, query: { dryRun: 'Some' } })).rejects.toMatchObject({
      code: 422,
    });
  });
});

describe('list', () => {
  it('lists one namespace or all, selected, in pages that show one revision', async () => {
    const { send } = await createTestServer();
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await send('POST', configMaps, { body: { metadata: { name, labels: { odd: String(name.charCodeAt(0) % 2) } } } });
    }
    await send('POST', '/api/v1/namespaces/kube-system/configmaps', { body: { metadata: { name: 'k' } } });
    const names = (body: any) => body.items.map((item: any) => item.metadata.name);
    expect(names((await send('GET', '/api/v1/configmaps')).body)).toEqual(['a', 'b', 'c', 'd', 'e', 'k']);
    expect(names((await send('GET', configMaps, { query: { labelSelector: 'odd=1' } })).body)).toEqual(['a', 'c', 'e']);
    expect(names((await send('GET', configMaps, { query: { fieldSelector: 'metadata.name=c' } })).body)).toEqual(['c']);

    const first = (await send('GET', configMaps, { query: { limit: '2' } })).body;
    expect([names(first), first.metadata.remainingItemCount]).toEqual([['a', 'b'], 3]);
    await send('DELETE', `${configMaps}/d`);
    const second = (await send('GET', configMaps, { query: { limit: '2', continue: first.metadata.continue } })).body;
    expect(names(second)).toEqual(['c', 'd']);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    const third = (await send('GET', configMaps, { query: { limit: '2', continue: second.metadata.continue } })).body;
    expect([names(third), third.metadata.continue]).toEqual([['e'], undefined]);
  });

  it('answers 410 with a token to go on with when a page is asked for too late', async () => {
    const { send, clock } = await createTestServer();
    for (const name of ['a', 'b', 'c']) await send('POST', configMaps, { body: { metadata: { name } } });
    const first = (await send('GET', configMaps, { query: { limit: '1' } })).body;
    await clock.advance(10 * 60_000);
    const error: any = await send('GET', configMaps, {
      query: { limit: '1', continue: first.metadata.continue },
    }).catch((thrown: unknown) => thrown);
    expect([error.code, error.reason]).toEqual([410, 'Expired']);
    const next = (await send('GET', configMaps, { query: { limit: '5', continue: error.status.metadata.continue } }))
      .body;
    expect(next.items.map((item: any) => item.metadata.name)).toEqual(['b', 'c']);
    await expect(send('GET', configMaps, { query: { continue: 'junk' } })).rejects.toMatchObject({ code: 400 });
  });

  it('knows which revisions it can show', async () => {
    const { send, store } = await createTestServer();
    const query = (resourceVersion: string, resourceVersionMatch?: string) => ({
      query: { resourceVersion, ...(resourceVersionMatch ? { resourceVersionMatch } : {}) },
    });
    await expect(send('GET', configMaps, query(String(store.revision + 5)))).rejects.toMatchObject({ code: 504 });
    await expect(send('GET', configMaps, query('1', 'Exact'))).rejects.toMatchObject({ code: 410 });
    await expect(send('GET', configMaps, query('x'))).rejects.toMatchObject({ code: 400 });
    expect((await send('GET', configMaps, query('1', 'NotOlderThan'))).status).toBe(200);
  });
});

describe('update', () => {
  it('needs the version that is stored, or none', async () => {
    const { send } = await createTestServer();
    const { body: first } = await send('POST', configMaps, { body: { metadata: { name: 'a' } } });
    const { body: second } = await send('PUT', `${configMaps}/a`, { body: { ...first, data: { x: '1' } } });
    await expect(send('PUT', `${configMaps}/a`, { body: { ...first, data: { x: '2' } } })).rejects.toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    });
    const { body: third } = await send('PUT', `${configMaps}/a`, {
      body: { metadata: { name: 'a' }, data: { x: '3' } },
    });
    expect(third.metadata.uid).toBe(second.metadata.uid);
    await expect(send('PUT', `${configMaps}/a`, { body: { metadata: { name: 'b' } } })).rejects.toMatchObject({
      code: 400,
    });
    await expect(send('PUT', `${configMaps}/none`, { body: { metadata: { name: 'none' } } })).rejects.toMatchObject({
      code: 404,
    });
    await expect(
      send('PUT', `${configMaps}/a`, { body: { metadata: { name: 'a', uid: 'other' } } }),
    ).rejects.toMatchObject({ code: 409 });
  });

  it('writes nothing when nothing changes', async () => {
    const { send, store } = await createTestServer();
    const { body } = await send('POST', deployments, { body: deploymentBody('web') });
    const before = store.revision;
    const again = await send('PUT', `${deployments}/web`, {
      body: { ...deploymentBody('web'), metadata: { name: 'web' } },
    });
    expect([store.revision, again.body]).toEqual([before, body]);
  });

  it('counts generations and keeps status and spec apart', async () => {
    const { send } = await createTestServer();
    const { body } = await send('POST', deployments, { body: deploymentBody('web') });
    const updated = (
      await send('PUT', `${deployments}/web`, {
        body: { ...body, spec: { ...body.spec, replicas: 2 }, status: { replicas: 9 } },
      })
    ).body;
    expect([updated.metadata.generation, updated.status.replicas]).toEqual([2, undefined]);
    const status = (
      await send('PUT', `${deployments}/web/status`, { body: { ...updated, spec: {}, status: { replicas: 2 } } })
    ).body;
    expect([status.metadata.generation, status.spec.replicas, status.status.replicas]).toEqual([2, 2, 2]);
  });
});

describe('patch', () => {
  it('applies every type', async () => {
    const { send } = await createTestServer();
    await send('POST', deployments, { body: deploymentBody('web') });
    const patch = (contentType: string, body: unknown) =>
      send('PATCH', `${deployments}/web`, { body: JSON.stringify(body), contentType: `application/${contentType}` });
    const merged = await patch('merge-patch+json', { spec: { replicas: 2 } });
    expect(merged.body.spec.replicas).toBe(2);
    const replaced = await patch('json-patch+json', [{ op: 'replace', path: '/spec/replicas', value: 3 }]);
    expect(replaced.body.spec.replicas).toBe(3);
    const container = { name: 'second', image: 'busybox' };
    const strategic = await patch('strategic-merge-patch+json', {
      spec: { template: { spec: { containers: [container] } } },
    });
    expect(strategic.body.spec.template.spec.containers.map((item: any) => item.name).sort()).toEqual([
      'main',
      'second',
    ]);
    await expect(patch('json', {})).rejects.toMatchObject({ code: 415 });
  });

  it('applies to the version it names, and retries when it names none', async () => {
    const { send, store } = await createTestServer();
    const { body } = await send('POST', configMaps, { body: { metadata: { name: 'a' } } });
    const update = store.update.bind(store);
    let raced = false;
    store.update = async (key, value, revision) => {
      if (!raced) {
        raced = true;
        await update(key, { ...structuredClone(store.get(key)!.value), data: { other: '1' } }, revision);
      }
      return update(key, value, revision);
    };
    const patched = await send('PATCH', `${configMaps}/a`, { body: { data: { mine: '1' } }, contentType: mergePatch });
    expect(patched.body.data).toEqual({ other: '1', mine: '1' });
    const stale = { metadata: { resourceVersion: body.metadata.resourceVersion }, data: {} };
    await expect(send('PATCH', `${configMaps}/a`, { body: stale, contentType: mergePatch })).rejects.toMatchObject({
      code: 409,
    });
  });

  it('checks what comes out', async () => {
    const { send } = await createTestServer();
    await send('POST', deployments, { body: deploymentBody('web') });
    const patch = (body: unknown, query = {}) =>
      send('PATCH', `${deployments}/web`, { body: JSON.stringify(body), contentType: mergePatch, query });
    await expect(patch({ spec: { nope: 1 } }, { fieldValidation: 'Strict' })).rejects.toMatchObject({
      code: 422,
      message: expect.stringContaining('strict decoding error: unknown field "spec.nope"'),
    });
    expect((await patch({ spec: { nope: 1 } })).warnings).toEqual(['unknown field "spec.nope"']);
    await expect(patch({ spec: { replicas: -1 } })).rejects.toMatchObject({ code: 422 });
    await expect(patch({ metadata: { name: 'other' } })).rejects.toMatchObject({ code: 400 });
  });

  it('creates and merges with server-side apply', async () => {
    const { send } = await createTestServer();
    const apply = (body: unknown, query: Record<string, string> = { fieldManager: 'me' }) =>
      send('PATCH', `${deployments}/web`, {
        body: JSON.stringify(body),
        contentType: 'application/apply-patch+yaml',
        query,
      });
    await expect(apply(deploymentBody('web'), {})).rejects.toMatchObject({ code: 422 });
    expect((await apply(deploymentBody('web'))).status).toBe(201);
    const { status, body } = await apply({
      ...deploymentBody('web', 4),
      metadata: { name: 'web', labels: { a: 'b' } },
    });
    expect([status, body.spec.replicas, body.metadata.labels]).toEqual([200, 4, { a: 'b' }]);
  });
});

describe('delete', () => {
  it('answers a Status, or the object for kinds that Kubernetes answers so', async () => {
    const { send } = await createTestServer();
    const { body } = await send('POST', configMaps, { body: { metadata: { name: 'a' } } });
    expect((await send('DELETE', `${configMaps}/a`)).body).toMatchObject({
      kind: 'Status',
      status: 'Success',
      details: { name: 'a', kind: 'configmaps', uid: body.metadata.uid },
    });
    await send('POST', pods, { body: podBody('p') });
    expect((await send('DELETE', `${pods}/p`)).body).toMatchObject({ kind: 'Pod', metadata: { name: 'p' } });
    await expect(send('GET', `${pods}/p`)).rejects.toMatchObject({ code: 404 });
  });

  it('keeps a pod that runs on a node until grace 0', async () => {
    const { send } = await createTestServer();
    await send('POST', pods, { body: podBody('p', { nodeName: 'n' }) });
    const marked = (await send('DELETE', `${pods}/p`)).body;
    expect(marked.metadata).toMatchObject({
      deletionTimestamp: '2026-01-01T00:00:30Z',
      deletionGracePeriodSeconds: 30,
    });
    const shorter = (await send('DELETE', `${pods}/p`, { body: { gracePeriodSeconds: 5 } })).body;
    expect(shorter.metadata).toMatchObject({
      deletionTimestamp: '2026-01-01T00:00:05Z',
      deletionGracePeriodSeconds: 5,
    });
    const again = (await send('DELETE', `${pods}/p`, { query: { gracePeriodSeconds: '60' } })).body;
    expect(again.metadata.resourceVersion).toBe(shorter.metadata.resourceVersion);
    await send('DELETE', `${pods}/p`, { body: { gracePeriodSeconds: 0 } });
    await expect(send('GET', `${pods}/p`)).rejects.toMatchObject({ code: 404 });
  });

  it('waits for finalizers', async () => {
    const { send } = await createTestServer();
    await send('POST', configMaps, { body: { metadata: { name: 'a', finalizers: ['example.com/x'] } } });
    const held = (await send('DELETE', `${configMaps}/a`)).body;
    expect(held.metadata.deletionTimestamp).toBe('2026-01-01T00:00:00Z');
    const more = { metadata: { finalizers: ['example.com/x', 'example.com/y'] } };
    await expect(send('PATCH', `${configMaps}/a`, { body: more, contentType: mergePatch })).rejects.toMatchObject({
      code: 422,
      message: expect.stringContaining('no new finalizers can be added if the object is being deleted'),
    });
    await send('PATCH', `${configMaps}/a`, { body: { metadata: { finalizers: null } }, contentType: mergePatch });
    await expect(send('GET', `${configMaps}/a`)).rejects.toMatchObject({ code: 404 });
  });

  it('leaves orphan and foreground deletion to the garbage collector', async () => {
    const { send } = await createTestServer();
    for (const [propagationPolicy, finalizer] of [
      ['Orphan', 'orphan'],
      ['Foreground', 'foregroundDeletion'],
    ] as const) {
      await send('POST', deployments, { body: deploymentBody(finalizer.toLowerCase()) });
      const { body } = await send('DELETE', `${deployments}/${finalizer.toLowerCase()}`, {
        body: { propagationPolicy },
      });
      expect(body.metadata).toMatchObject({
        finalizers: [finalizer],
        deletionTimestamp: expect.any(String),
        generation: 2,
      });
    }
    await expect(
      send('DELETE', `${deployments}/orphan`, { body: { propagationPolicy: 'Maybe' } }),
    ).rejects.toMatchObject({ code: 422 });
  });

  it('checks preconditions', async () => {
    const { send } = await createTestServer();
    const { body } = await send('POST', configMaps, { body: { metadata: { name: 'a' } } });
    await expect(send('DELETE', `${configMaps}/a`, { body: { preconditions: { uid: 'x' } } })).rejects.toMatchObject({
      code: 409,
      message: `Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (x) does not match the UID in record (${body.metadata.uid}). The object might have been deleted and then recreated`,
    });
    await expect(
      send('DELETE', `${configMaps}/a`, { body: { preconditions: { resourceVersion: '1' } } }),
    ).rejects.toMatchObject({ code: 409 });
    expect((await send('DELETE', `${configMaps}/a`, { query: { dryRun: 'All' } })).status).toBe(200);
    expect((await send('GET', `${configMaps}/a`)).status).toBe(200);
  });

  it('takes a time below nothing for the shortest there is', async () => {
    const { send } = await createTestServer();
    await send('POST', pods, { body: podBody('p', { nodeName: 'n1' }) });
    const { body } = await send('DELETE', `${pods}/p`, { query: { gracePeriodSeconds: '-5' } });
    expect(body.metadata.deletionGracePeriodSeconds).toBe(1);
  });

  it('deletes collections by selector', async () => {
    const { send } = await createTestServer();
    for (const name of ['a', 'b']) await send('POST', configMaps, { body: { metadata: { name, labels: { name } } } });
    const { body } = await send('DELETE', configMaps, { query: { labelSelector: 'name=a' } });
    expect(body.items).toHaveLength(1);
    expect((await send('GET', configMaps)).body.items.map((item: any) => item.metadata.name)).toEqual(['b']);
  });
});

describe('namespaces', () => {
  it('stay in Terminating until they are finalized, and take nothing new', async () => {
    const { send } = await createTestServer();
    await send('POST', '/api/v1/namespaces', { body: { metadata: { name: 'n' } } });
    const { body } = await send('DELETE', '/api/v1/namespaces/n');
    expect([body.status.phase, body.spec.finalizers]).toEqual(['Terminating', ['kubernetes']]);
    await expect(
      send('POST', '/api/v1/namespaces/n/configmaps', { body: { metadata: { name: 'a' } } }),
    ).rejects.toMatchObject({
      code: 403,
      message:
        'configmaps "a" is forbidden: unable to create new content in namespace n because it is being terminated',
    });
    await send('PUT', '/api/v1/namespaces/n/finalize', { body: { ...body, spec: {} } });
    await expect(send('GET', '/api/v1/namespaces/n')).rejects.toMatchObject({ code: 404 });
    await expect(send('DELETE', '/api/v1/namespaces/default')).rejects.toMatchObject({ code: 403 });
  });
});

describe('scale', () => {
  it('reads and writes replicas alone', async () => {
    const { send } = await createTestServer();
    await send('POST', deployments, { body: deploymentBody('web', 2) });
    const { body } = await send('GET', `${deployments}/web/scale`);
    expect(body).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 2 },
      status: { selector: 'app=web' },
    });
    const put = await send('PUT', `${deployments}/web/scale`, { body: { ...body, spec: { replicas: 3 } } });
    expect(put.body.spec.replicas).toBe(3);
    await expect(
      send('PUT', `${deployments}/web/scale`, { body: { ...body, spec: { replicas: 4 } } }),
    ).rejects.toMatchObject({ code: 409 });
    const stale = { metadata: { resourceVersion: body.metadata.resourceVersion }, spec: { replicas: 4 } };
    await expect(
      send('PATCH', `${deployments}/web/scale`, { body: stale, contentType: mergePatch }),
    ).rejects.toMatchObject({ code: 409 });
    await send('PATCH', `${deployments}/web/scale`, { body: { spec: { replicas: 0 } }, contentType: mergePatch });
    expect((await send('GET', `${deployments}/web`)).body).toMatchObject({
      metadata: { generation: 3 },
      spec: { replicas: 0 },
    });
    await expect(
      send('PATCH', `${deployments}/web/scale`, { body: { spec: { replicas: -1 } }, contentType: mergePatch }),
    ).rejects.toMatchObject({ code: 422 });
  });
});

describe('pods', () => {
  it('are bound once', async () => {
    const { send } = await createTestServer();
    await send('POST', pods, { body: podBody('p') });
    const target = { kind: 'Node', name: 'n1' };
    expect((await send('POST', `${pods}/p/binding`, { body: { metadata: { name: 'p' }, target } })).status).toBe(201);
    const { body } = await send('GET', `${pods}/p`);
    expect(body.spec.nodeName).toBe('n1');
    expect(body.status.conditions).toContainEqual(expect.objectContaining({ type: 'PodScheduled', status: 'True' }));
    await expect(send('POST', `${pods}/p/binding`, { body: { target: { name: 'n2' } } })).rejects.toMatchObject({
      code: 409,
      message: 'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n1"',
    });
    await expect(send('POST', `${pods}/p/binding`, { body: { target: {} } })).rejects.toMatchObject({ code: 400 });
  });

  it('are evicted by deleting them', async () => {
    const { send } = await createTestServer();
    await send('POST', pods, { body: podBody('p', { nodeName: 'n' }) });
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } };
    expect((await send('POST', `${pods}/p/eviction`, { body })).status).toBe(201);
    expect((await send('GET', `${pods}/p`)).body.metadata.deletionTimestamp).toBeDefined();
  });

  it('say what is missing for logs', async () => {
    const { send } = await createTestServer();
    await send('POST', pods, { body: podBody('p') });
    await expect(send('GET', `${pods}/p/log`)).rejects.toMatchObject({
      code: 400,
      message: 'pod p does not have a host assigned',
    });
    await send('POST', `${pods}/p/binding`, { body: { target: { name: 'n1' } } });
    await expect(send('GET', `${pods}/p/log`)).rejects.toMatchObject({ code: 500 });
    await expect(send('GET', `${pods}/p/log`, { query: { container: 'x' } })).rejects.toMatchObject({
      code: 400,
      message: 'container x is not valid for pod p',
    });
  });
});

describe('what is answered without being stored', () => {
  it('serves reviews', async () => {
    const { send } = await createTestServer();
    const spec = { resourceAttributes: { verb: 'create', resource: 'pods' } };
    const access = await send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body: { spec } });
    expect([access.status, access.body.status.allowed]).toEqual([201, true]);
    const self = await send('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: {} });
    expect(self.body.status.userInfo.username).toBe(testUser.name);
  });

  it('serves metrics where there are samples', async () => {
    const sample = {
      time: Date.parse('2026-01-01T00:00:00Z'),
      windowMs: 15_000,
      cpuNanocores: 1234.4,
      memoryBytes: 4096,
    };
    const { send } = await createTestServer({
      metrics: { node: () => undefined, pod: (_namespace, name) => (name === 'p' ? { main: sample } : undefined) },
    });
    for (const name of ['p', 'q']) await send('POST', pods, { body: podBody(name) });
    const { body } = await send('GET', '/apis/metrics.k8s.io/v1beta1/pods');
    expect(body.items).toMatchObject([
      {
        metadata: { name: 'p' },
        window: '15s',
        containers: [{ name: 'main', usage: { cpu: '1234n', memory: '4Ki' } }],
      },
    ]);
    await expect(send('GET', '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/q')).rejects.toMatchObject({
      code: 404,
      message: 'pods.metrics.k8s.io "q" not found',
    });
  });

  it('tells what is served', async () => {
    const { send } = await createTestServer();
    expect((await send('GET', '/version')).body.gitVersion).toMatch(/^v1\.36\./);
    expect((await send('GET', '/readyz')).body).toBe('ok');
    expect((await send('GET', '/apis')).body.groups.map((group: any) => group.name)).toContain('apps');
    const resources = (await send('GET', '/apis/apps/v1')).body.resources;
    expect(resources).toContainEqual(
      expect.objectContaining({
        name: 'deployments',
        singularName: 'deployment',
        kind: 'Deployment',
        shortNames: ['deploy'],
      }),
    );
    expect(resources).toContainEqual(
      expect.objectContaining({ name: 'deployments/scale', group: 'autoscaling', version: 'v1', kind: 'Scale' }),
    );
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
    const all = await send('GET', '/apis', { accept });
    expect(all.body.items.find((item: any) => item.metadata.name === 'apps').versions[0].resources[0].resource).toBe(
      'controllerrevisions',
    );
    expect((await send('GET', '/openapi/v3')).body.paths['apis/apps/v1'].serverRelativeURL).toMatch(
      /^\/openapi\/v3\/apis\/apps\/v1\?hash=/,
    );
    expect((await send('GET', '/openapi/v3/apis/apps/v1')).body.openapi).toMatch(/^3/);
    await expect(send('GET', '/apis/none.example.com')).rejects.toMatchObject({ code: 404 });
  });
});

describe('failures', () => {
  it('of the store are told in the form of the API', async () => {
    const { server, store } = await createTestServer();
    store.create = () => Promise.reject(new StoreError('io', 'no space left'));
    await expect(sendTo(server, 'POST', configMaps, { body: { metadata: { name: 'a' } } })).rejects.toMatchObject({
      code: 500,
      message: 'Internal error occurred: no space left',
    });
  });

  it('of permission say who may not do what', async () => {
    const { server } = await createTestServer();
    server.context.authorize = ({ verb }) => ({ allowed: verb !== 'delete' });
    await expect(sendTo(server, 'DELETE', `${configMaps}/a`)).rejects.toMatchObject({
      code: 403,
      message:
        'configmaps "a" is forbidden: User "tester" cannot delete resource "configmaps" in API group "" in the namespace "default"',
    });
  });
});
