import { describe, expect, it } from 'vitest';
import { kinds } from '../api';
import { apiVersionOf } from '../api/kind';
import { examples } from '../api/testing-examples';
import { collect, createTestServer } from './testing';

const mergePatch = 'application/merge-patch+json';
const table = 'application/json;as=Table;g=meta.k8s.io;v=v1';
// These say themselves what they are called: see custom/custom.test.ts and aggregation/aggregation.test.ts.
const named = kinds
  .filter(({ kind }) => kind !== 'CustomResourceDefinition' && kind !== 'APIService')
  .map((kind) => [`${apiVersionOf(kind)}/${kind.kind}`, kind] as const);

/** The collection's path for a definition. */
function pathOf({ group, version, plural, namespaced }: (typeof kinds)[number]): string {
  const base = group ? `/apis/${group}/${version}` : `/api/${version}`;
  return `${base}${namespaced ? '/namespaces/default' : ''}/${plural}`;
}

describe('every kind', () => {
  it.each(named)('%s is created, read, listed, printed, changed, watched and deleted', async (id, kind) => {
    const { send } = await createTestServer();
    const path = pathOf(kind);
    const body = { ...examples[id], metadata: { name: 'one' } };
    const watch = collect(await send('GET', path, { query: { watch: 'true', fieldSelector: 'metadata.name=one' } }));
    const created = await send('POST', path, {
      body: JSON.stringify(body),
      contentType: 'application/json',
      query: { fieldValidation: 'Strict' },
    });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name: 'one' } });
    // What the server made of it is as well-formed as what came in, and another update changes nothing.
    const again = await send('PUT', `${path}/one`, {
      body: JSON.stringify(created.body),
      contentType: 'application/json',
      query: { fieldValidation: 'Strict' },
    });
    expect(again.body).toEqual(created.body);
    expect((await send('GET', `${path}/one`)).body).toEqual(created.body);
    const { items } = (await send('GET', path, { query: { fieldSelector: 'metadata.name=one' } })).body;
    expect(items).toEqual([created.body]);
    const printed = (await send('GET', `${path}/one`, { accept: table })).body;
    expect(printed.rows[0].cells).toHaveLength(printed.columnDefinitions.length);
    for (const cell of printed.rows[0].cells) expect(['string', 'number', 'boolean']).toContain(typeof cell);
    const labelled = await send('PATCH', `${path}/one`, {
      body: JSON.stringify({ metadata: { labels: { changed: 'yes' } } }),
      contentType: mergePatch,
    });
    expect(labelled.body.metadata.labels.changed).toBe('yes');
    expect(labelled.body.metadata.generation).toBe(created.body.metadata.generation);
    expect(labelled.body.apiVersion).toBe(apiVersionOf(kind));
    await send('DELETE', `${path}/one`, { query: { gracePeriodSeconds: '0' } });
    // Claims and volumes are held until a controller finds that nobody uses them.
    if (labelled.body.metadata.finalizers) {
      await send('PATCH', `${path}/one`, {
        body: JSON.stringify({ metadata: { finalizers: null } }),
        contentType: mergePatch,
      });
    }
    const types = watch.events.map(({ type }) => type);
    expect(types.slice(0, 2)).toEqual(['ADDED', 'MODIFIED']);
    expect(types.at(-1)).toBe(kind.kind === 'Namespace' ? 'MODIFIED' : 'DELETED');
    expect(watch.events.every(({ object }) => object.apiVersion === apiVersionOf(kind))).toBe(true);
    watch.close();
  });

  it.each(named.filter(([, kind]) => kind.status))('%s keeps status and spec apart', async (id, kind) => {
    const { send } = await createTestServer();
    const path = pathOf(kind);
    const { body } = await send('POST', path, { body: { ...examples[id], metadata: { name: 'one' } } });
    const conditions = [
      { type: 'Test', status: 'True', reason: 'R', message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' },
    ];
    const status = { ...body.status, conditions };
    const ignored = await send('PUT', `${path}/one`, { body: { ...body, status } });
    expect(ignored.body.status).toEqual(body.status);
    const labels = { changed: 'yes' };
    const written = await send('PUT', `${path}/one/status`, {
      body: { ...body, status, metadata: { ...body.metadata, labels } },
    });
    expect(written.body.spec).toEqual(body.spec);
    // The kubelet labels its node by the same request.
    if (kind.kind !== 'Node') expect(written.body.metadata.labels).toEqual(body.metadata.labels);
    expect(written.body.metadata.generation).toBe(body.metadata.generation);
  });
});

describe('discovery', () => {
  it('tells which kinds are in "all", as kubectl get all shows them', () => {
    const all = new Set(kinds.filter((kind) => kind.categories?.includes('all')).map((kind) => kind.plural));
    expect([...all].toSorted()).toEqual([
      'cronjobs',
      'daemonsets',
      'deployments',
      'horizontalpodautoscalers',
      'jobs',
      'pods',
      'replicasets',
      'replicationcontrollers',
      'services',
      'statefulsets',
    ]);
  });

  it('gives each short name to one resource of a group', () => {
    const names = kinds.flatMap(({ group, version, shortNames = [] }) =>
      shortNames.map((name) => `${group}/${version} ${name}`),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it('prefers autoscaling/v2 and lists subresources', async () => {
    const { send } = await createTestServer();
    const group = (await send('GET', '/apis/autoscaling')).body;
    expect(group.preferredVersion.version).toBe('v2');
    expect(group.versions).toHaveLength(2);
    const names = async (path: string) =>
      (await send('GET', path)).body.resources.map((resource: { name: string }) => resource.name);
    expect(await names('/apis/certificates.k8s.io/v1')).toEqual([
      'certificatesigningrequests',
      'certificatesigningrequests/approval',
      'certificatesigningrequests/status',
    ]);
    expect(await names('/apis/apps/v1')).toEqual(
      expect.arrayContaining(['statefulsets/scale', 'statefulsets/status', 'daemonsets/status']),
    );
  });
});

describe('two views of the same objects', () => {
  const v1 = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers';
  const v2 = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';
  const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  const memory = {
    type: 'Resource',
    resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '200Mi' } },
  };

  it('shows an autoscaler of v1 as v2', async () => {
    const { send } = await createTestServer();
    const spec = { scaleTargetRef: target, maxReplicas: 5, targetCPUUtilizationPercentage: 60 };
    await send('POST', v1, { body: { metadata: { name: 'web' }, spec } });
    const cpu = {
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } },
    };
    expect((await send('GET', `${v2}/web`)).body).toMatchObject({
      apiVersion: 'autoscaling/v2',
      spec: { scaleTargetRef: target, minReplicas: 1, maxReplicas: 5, metrics: [cpu] },
    });
    await expect(
      send('POST', v2, { body: { metadata: { name: 'web' }, spec: { scaleTargetRef: target, maxReplicas: 1 } } }),
    ).rejects.toMatchObject({ code: 409 });
  });

  it('loses nothing when v1 changes an autoscaler of v2', async () => {
    const { send } = await createTestServer();
    const behavior = { scaleDown: { stabilizationWindowSeconds: 60 } };
    const spec = { scaleTargetRef: target, maxReplicas: 5, metrics: [memory], behavior };
    const { body } = await send('POST', v2, { body: { metadata: { name: 'web' }, spec } });
    const old = (await send('GET', `${v1}/web`)).body;
    expect(old.spec).toEqual({ scaleTargetRef: target, minReplicas: 1, maxReplicas: 5 });
    await send('PUT', `${v1}/web`, { body: { ...old, spec: { ...old.spec, maxReplicas: 9 } } });
    const now = (await send('GET', `${v2}/web`)).body;
    expect(now.spec).toEqual({ ...body.spec, maxReplicas: 9 });
    expect(now.metadata.annotations).toBeUndefined();
  });

  it('answers conflicts in the version that was asked', async () => {
    const { send } = await createTestServer();
    const spec = { scaleTargetRef: target, maxReplicas: 5 };
    const { body } = await send('POST', v1, { body: { metadata: { name: 'web' }, spec } });
    await send('PATCH', `${v2}/web`, { body: '{"spec":{"maxReplicas":6}}', contentType: mergePatch });
    await expect(send('PUT', `${v1}/web`, { body })).rejects.toMatchObject({ code: 409 });
    const patched = await send('PATCH', `${v1}/web`, { body: '{"spec":{"minReplicas":2}}', contentType: mergePatch });
    expect(patched.body).toMatchObject({ apiVersion: 'autoscaling/v1', spec: { minReplicas: 2, maxReplicas: 6 } });
  });

  it('shows events under both names, selected by each version’s own fields', async () => {
    const { send } = await createTestServer();
    const core = '/api/v1/namespaces/default/events';
    const events = '/apis/events.k8s.io/v1/namespaces/default/events';
    await send('POST', core, { body: { ...examples['v1/Event'], metadata: { name: 'a' } } });
    const fieldSelector = 'regarding.name=web,reason=Started';
    const { items } = (await send('GET', events, { query: { fieldSelector } })).body;
    expect(items).toMatchObject([{ apiVersion: 'events.k8s.io/v1', note: 'Started container web' }]);
    expect(items[0].message).toBeUndefined();
    await send('POST', events, { body: { ...examples['events.k8s.io/v1/Event'], metadata: { name: 'b' } } });
    expect((await send('GET', `${core}/b`)).body).toMatchObject({
      apiVersion: 'v1',
      message: 'Started container web',
      involvedObject: { name: 'web' },
      reportingComponent: 'example.com/tester',
    });
  });
});

describe('CertificateSigningRequests', () => {
  const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
  const body = { ...examples['certificates.k8s.io/v1/CertificateSigningRequest'], metadata: { name: 'jane' } };
  const approved = { type: 'Approved', status: 'True', reason: 'Ok', message: 'fine' };

  it('say who asked, whatever the request says', async () => {
    const { send } = await createTestServer();
    const spec = { ...(body as any).spec, username: 'somebody', groups: ['admins'] };
    const created = await send('POST', path, { body: { ...body, spec } });
    expect(created.body.spec).toMatchObject({ username: 'tester', groups: ['system:masters', 'system:authenticated'] });
  });

  it('are approved by their own subresource alone', async () => {
    const { send } = await createTestServer();
    const { body: csr } = await send('POST', path, { body });
    const status = { conditions: [approved] };
    expect((await send('PUT', `${path}/jane`, { body: { ...csr, status } })).body.status).toEqual({});
    expect((await send('PUT', `${path}/jane/status`, { body: { ...csr, status } })).body.status).toEqual({});
    const done = await send('PUT', `${path}/jane/approval`, {
      body: { ...csr, status: { ...status, certificate: 'QQ==' }, spec: { ...csr.spec, username: 'x' } },
    });
    expect(done.body.status).toEqual(status);
    expect(done.body.spec.username).toBe('tester');
    await expect(
      send('PUT', `${path}/jane/approval`, { body: { ...done.body, status: { conditions: [] } } }),
    ).rejects.toMatchObject({
      message: expect.stringContaining('updates may not remove a condition of type "Approved"'),
    });
  });
});

describe('scale', () => {
  it.each([
    ['apps/v1/StatefulSet', '/apis/apps/v1/namespaces/default/statefulsets'],
    ['v1/ReplicationController', '/api/v1/namespaces/default/replicationcontrollers'],
  ])('%s has one', async (id, path) => {
    const { send } = await createTestServer();
    await send('POST', path, { body: { ...examples[id], metadata: { name: 'web' } } });
    const { body } = await send('PATCH', `${path}/web/scale`, {
      body: '{"spec":{"replicas":3}}',
      contentType: mergePatch,
    });
    expect(body).toMatchObject({ kind: 'Scale', spec: { replicas: 3 }, status: { selector: 'app=web' } });
    expect((await send('GET', `${path}/web`)).body.spec.replicas).toBe(3);
  });
});

describe('kinds without a controller', () => {
  it('are stored with a warning', async () => {
    const { send } = await createTestServer();
    const path = '/apis/apps/v1/namespaces/default';
    const { warnings } = await send('POST', '/apis/storage.k8s.io/v1/volumeattachments', {
      body: { ...examples['storage.k8s.io/v1/VolumeAttachment'], metadata: { name: 'web' } },
    });
    expect(warnings).toEqual([
      'Gantry does not run a controller for volumeattachments.storage.k8s.io yet: the object is stored but nothing acts on it',
    ]);
    // A StatefulSet with claims is one of those that are carried out whole.
    for (const kind of ['ReplicaSet', 'StatefulSet']) {
      const body = { ...examples[`apps/v1/${kind}`], metadata: { name: 'web' } };
      expect((await send('POST', `${path}/${kind.toLowerCase()}s`, { body })).warnings).toEqual([]);
    }
  });
});
