import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedFields } from '../../api/schema/fields/compare';
import { difference, pathsOf, type FieldSet } from '../../api/schema/fields/field-set';
import { objectShape } from '../../api/schema/fields/shape';
import { createTestServer, deploymentBody, podBody, testUser } from '../testing';

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const configMaps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const merge = 'application/merge-patch+json';

async function server() {
  const { send, clock, server: api, store } = await createTestServer();
  const apply = async (manager: string, path: string, body: object, query: Record<string, string> = {}) =>
    send('PATCH', path, {
      body: JSON.stringify(body),
      contentType: 'application/apply-patch+yaml',
      query: { fieldManager: manager, ...query },
    });
  const get = async (path: string) => (await send('GET', path)).body;
  return { send, clock, api, store, apply, get };
}

/** `manager/Operation[/subresource]` → the fields it owns. */
const owners = (object: any): Record<string, string[]> =>
  Object.fromEntries(
    (object.metadata.managedFields ?? []).map((entry: any) => [
      [entry.manager, entry.operation, ...(entry.subresource ? [entry.subresource] : [])].join('/'),
      pathsOf(entry.fieldsV1 as FieldSet),
    ]),
  );

const configMap = (data: object, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', ...more },
  data,
});
const a = `${configMaps}/a`;

describe('the manager of a request', () => {
  it.each([
    ['kubectl-edit', 'kubectl/v1.32', 'kubectl-edit'],
    ['', 'kubectl/v1.32.0 (linux/amd64) kubernetes/abc', 'kubectl'],
    ['', 'curl', 'curl'],
    ['', '', 'unknown'],
    ['', `${'ä'.repeat(100)}/1`, 'ä'.repeat(64)],
    ['', 'a\u0007b\u200bc/1', 'abc'],
  ])('fieldManager %j and user agent %j make %j', async (fieldManager, userAgent, expected) => {
    const { api, get } = await server();
    const query = new URLSearchParams(fieldManager ? { fieldManager } : {});
    const body = configMap({ x: '1' });
    await api.handle({ method: 'POST', path: configMaps, query, body, userAgent, user: testUser });
    expect((await get(a)).metadata.managedFields[0].manager).toBe(expected);
  });
});

describe('updates', () => {
  it('own what they change, and take it from who had it', async () => {
    const { send, get, clock } = await server();
    await send('POST', configMaps, { body: configMap({ x: '1', y: '1' }), query: { fieldManager: 'one' } });
    await clock.advance(60_000);
    await send('PUT', a, { body: configMap({ x: '1', y: '2', z: '3' }), query: { fieldManager: 'two' } });
    const stored = await get(a);
    expect(owners(stored)).toEqual({ 'one/Update': ['.data', '.data.x'], 'two/Update': ['.data.y', '.data.z'] });
    expect(stored.metadata.managedFields).toMatchObject([
      { manager: 'one', apiVersion: 'v1', fieldsType: 'FieldsV1', time: '2026-01-01T00:00:00Z' },
      { manager: 'two', time: '2026-01-01T00:01:00Z' },
    ]);
    await send('PATCH', a, {
      body: { data: { y: null, z: null } },
      contentType: merge,
      query: { fieldManager: 'one' },
    });
    expect(owners(await get(a))).toEqual({ 'one/Update': ['.data', '.data.x'] });
  });

  it('that change nothing own nothing and write nothing', async () => {
    const { send, get, clock } = await server();
    await send('POST', configMaps, { body: configMap({ x: '1' }), query: { fieldManager: 'one' } });
    const before = await get(a);
    await clock.advance(60_000);
    await send('PUT', a, { body: configMap({ x: '1' }), query: { fieldManager: 'two' } });
    expect(await get(a)).toBe(before);
  });

  it('of status are an entry of their own, and neither view touches the other', async () => {
    const { send, get } = await server();
    await send('POST', deployments, { body: deploymentBody('web'), query: { fieldManager: 'one' } });
    const status = {
      status: { replicas: 1, conditions: [{ type: 'Available', status: 'True' }] },
      spec: { replicas: 9 },
    };
    await send('PATCH', `${deployments}/web/status`, {
      body: status,
      contentType: merge,
      query: { fieldManager: 'one' },
    });
    const stored = await get(`${deployments}/web`);
    expect(stored.spec.replicas).toBe(1);
    expect(owners(stored)['one/Update/status']).toEqual([
      '.status.conditions',
      '.status.conditions[type="Available"]',
      '.status.conditions[type="Available"].status',
      '.status.conditions[type="Available"].type',
      '.status.replicas',
    ]);
    expect(owners(stored)['one/Update']).toContain('.spec.replicas');
    expect(owners(stored)['one/Update']!.some((path) => path.startsWith('.status'))).toBe(false);
  });

  it('through scale are written down as such', async () => {
    const { send, get } = await server();
    await send('POST', deployments, { body: deploymentBody('web'), query: { fieldManager: 'one' } });
    await send('PATCH', `${deployments}/web/scale`, { body: { spec: { replicas: 5 } }, contentType: merge });
    expect(owners(await get(`${deployments}/web`))['unknown/Update/scale']).toEqual(['.spec.replicas']);
  });

  it('leave out what the server and the kind fill in', async () => {
    const { send, get } = await server();
    await send('POST', pods, { body: podBody('p'), query: { fieldManager: 'one' } });
    await send('POST', `${pods}/p/binding`, { body: { target: { kind: 'Node', name: 'n' } } });
    const paths = owners(await get(`${pods}/p`))['one/Update']!;
    expect(paths).toContain('.spec.containers[name="main"].image');
    expect(paths.filter((path) => /nodeName|^\.status|uid|\.spec$|^\.metadata/.test(path))).toEqual([]);
  });

  it('keep the entries of a client that sends its own, and start again from an empty list', async () => {
    const { send, get } = await server();
    await send('POST', configMaps, { body: configMap({ x: '1', y: '1' }), query: { fieldManager: 'one' } });
    const entry = {
      manager: 'mine',
      operation: 'Apply',
      apiVersion: 'v1',
      time: '2026-01-01T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:data': { 'f:x': {} } },
    };
    const set = (managedFields: unknown, data = {}) =>
      send('PATCH', a, {
        body: { metadata: { managedFields }, data },
        contentType: merge,
        query: { fieldManager: 'two' },
      });
    await set([entry], { y: '2' });
    expect(owners(await get(a))).toEqual({ 'mine/Apply': ['.data.x'], 'two/Update': ['.data.y'] });
    await set([{ ...entry, fieldsV1: { nonsense: {} } }]);
    expect(Object.keys(owners(await get(a)))).toEqual(['mine/Apply', 'two/Update']);
    await set([]);
    expect((await get(a)).metadata.managedFields).toBeUndefined();
    await set([{}], { z: '1' });
    expect(owners(await get(a))).toEqual({ 'two/Update': ['.data.z'] });
  });

  it('by JSON patch reach into the entries', async () => {
    const { send, get } = await server();
    await send('POST', configMaps, { body: configMap({ x: '1' }), query: { fieldManager: 'one' } });
    const body = JSON.stringify([{ op: 'replace', path: '/metadata/managedFields/0/manager', value: 'two' }]);
    await send('PATCH', a, { body, contentType: 'application/json-patch+json' });
    expect(owners(await get(a))).toEqual({ 'two/Update': ['.data', '.data.x'] });
  });

  it('of many managers become one', async () => {
    const { send, get, clock } = await server();
    await send('POST', configMaps, { body: configMap({}) });
    for (let index = 0; index < 14; index++) {
      await clock.advance(1000);
      const data = { [`k${index}`]: '1' };
      await send('PATCH', a, { body: { data }, contentType: merge, query: { fieldManager: `m${index}` } });
    }
    const found = owners(await get(a));
    expect(Object.keys(found)).toHaveLength(10);
    const old = ['.data', '.data.k0', '.data.k1', '.data.k2', '.data.k3', '.data.k4'];
    expect(found['ancient-changes/Update']!.sort()).toEqual(old);
    expect(found['m5/Update']).toEqual(['.data.k5']);
    expect(found['m13/Update']).toEqual(['.data.k13']);
  });
});

/** Steps of managers on one ConfigMap: `manager` applies or updates `data`; then what is there and who owns it. */
type Step = [who: string, data: Record<string, string>, query?: Record<string, string>];
const scenarios: [name: string, steps: Step[], data: Record<string, string>, owned: Record<string, string[]>][] = [
  ['create', [['one', { x: '1' }]], { x: '1' }, { 'one/Apply': ['.data.x'] }],
  [
    'two managers side by side',
    [['one', { x: '1' }], ['two', { y: '1' }]], // prettier-ignore
    { x: '1', y: '1' },
    { 'one/Apply': ['.data.x'], 'two/Apply': ['.data.y'] },
  ],
  [
    'the same value shared',
    [['one', { x: '1' }], ['two', { x: '1' }]], // prettier-ignore
    { x: '1' },
    { 'one/Apply': ['.data.x'], 'two/Apply': ['.data.x'] },
  ],
  [
    'a shared value stays until the last one goes',
    [['one', { x: '1', y: '1' }], ['two', { x: '1' }], ['one', { y: '1' }]], // prettier-ignore
    { x: '1', y: '1' },
    { 'one/Apply': ['.data.y'], 'two/Apply': ['.data.x'] },
  ],
  [
    'dropped fields go',
    [
      ['one', { x: '1', y: '1' }],
      ['one', { y: '2' }],
    ],
    { y: '2' },
    { 'one/Apply': ['.data.y'] },
  ],
  [
    'force takes',
    [['one', { x: '1', y: '1' }], ['two', { x: '2' }, { force: 'true' }]], // prettier-ignore
    { x: '2', y: '1' },
    { 'one/Apply': ['.data.y'], 'two/Apply': ['.data.x'] },
  ],
  [
    'an update takes from an applier, who may drop it then',
    [['one', { x: '1', y: '1' }], ['PATCH two', { x: '2' }], ['one', { y: '1' }]], // prettier-ignore
    { x: '2', y: '1' },
    { 'one/Apply': ['.data.y'], 'two/Update': ['.data.x'] },
  ],
  [
    'an applier who agrees with an update shares it',
    [['one', { x: '1' }], ['PATCH two', { x: '2' }], ['one', { x: '2' }]], // prettier-ignore
    { x: '2' },
    { 'one/Apply': ['.data.x'], 'two/Update': ['.data.x'] },
  ],
  [
    'what nobody owned is left alone',
    [['PATCH two', { z: '1' }], ['one', { x: '1' }], ['one', { y: '1' }]], // prettier-ignore
    { z: '1', y: '1' },
    { 'one/Apply': ['.data.y'], 'two/Update': ['.data', '.data.z'] },
  ],
  [
    'the same manager is another one when it updates',
    [['one', { x: '1' }], ['PATCH one', { y: '1' }], ['one', { x: '2' }]], // prettier-ignore
    { x: '2', y: '1' },
    { 'one/Apply': ['.data.x'], 'one/Update': ['.data.y'] },
  ],
];

describe('server-side apply', () => {
  it.each(scenarios)('%s', async (_, steps, data, owned) => {
    const { send, apply, get } = await server();
    for (const [who, values, query] of steps) {
      if (!who.startsWith('PATCH ')) await apply(who, a, configMap(values), query);
      else {
        const manager = { fieldManager: who.slice(6) };
        const there = await get(a).catch(() => undefined);
        if (!there) await send('POST', configMaps, { body: configMap(values), query: manager });
        else await send('PATCH', a, { body: { data: values }, contentType: merge, query: manager });
      }
    }
    const stored = await get(a);
    expect(stored.data).toEqual(data);
    expect(owners(stored)).toEqual(owned);
  });

  const deployment = (containers: object[], more: object = {}) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers } },
      ...more,
    },
  });
  const web = `${deployments}/web`;

  it('names who conflicts, where, as Kubernetes does', async () => {
    const { apply, send, get } = await server();
    const body = deployment([{ name: 'a', image: 'a:1' }], { replicas: 1 });
    await send('POST', deployments, { body, query: { fieldManager: 'kubectl-client-side-apply' } });
    const before = await get(web);
    const one = deployment([{ name: 'a', image: 'a:1' }], { replicas: 2 });
    await expect(apply('me', web, one)).rejects.toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
      status: {
        details: {
          causes: [
            {
              reason: 'FieldManagerConflict',
              message: 'conflict with "kubectl-client-side-apply" using apps/v1',
              field: '.spec.replicas',
            },
          ],
        },
      },
    });
    await send('PATCH', `${web}/scale`, { body: { spec: { replicas: 3 } }, contentType: merge });
    const two = deployment([{ name: 'a', image: 'a:2' }], { replicas: 2 });
    await expect(apply('me', web, two)).rejects.toMatchObject({
      message:
        'Apply failed with 2 conflicts: conflicts with "kubectl-client-side-apply" using apps/v1:\n' +
        '- .spec.template.spec.containers[name="a"].image\n' +
        'conflicts with "unknown" with subresource "scale" using apps/v1:\n- .spec.replicas',
    });
    expect((await get(web)).spec.template).toEqual(before.spec.template);
    expect((await apply('me', web, two, { force: 'true' })).body.spec.replicas).toBe(2);
  });

  it('merges lists by their keys and takes away elements with all that defaults put into them', async () => {
    const { apply, get } = await server();
    const ports = [{ containerPort: 80 }, { containerPort: 53, protocol: 'UDP' }];
    await apply(
      'one',
      web,
      deployment([
        { name: 'a', image: 'a:1', ports },
        { name: 'b', image: 'b:1' },
      ]),
    );
    await apply('two', web, deployment([{ name: 'a', env: [{ name: 'X', value: '1' }] }]));
    await apply('one', web, deployment([{ name: 'a', image: 'a:2', ports: [ports[1]] }]));
    const stored = await get(web);
    expect(stored.spec.template.spec.containers).toMatchObject([
      { name: 'a', image: 'a:2', ports: [{ containerPort: 53, protocol: 'UDP' }], env: [{ name: 'X', value: '1' }] },
    ]);
    expect(stored.spec.template.spec.containers[0].ports).toHaveLength(1);
    expect(owners(stored)['two/Apply']).toContain('.spec.template.spec.containers[name="a"].env[name="X"].value');
  });

  it('takes labels, annotations and finalizers away again', async () => {
    const { apply, get } = await server();
    const more = { labels: { a: '1', b: '2' }, annotations: { c: '3' }, finalizers: ['x/y', 'x/z'] };
    await apply('one', a, configMap({}, more));
    await apply('two', a, configMap({}, { labels: { b: '2' } }));
    await apply('one', a, configMap({}, { finalizers: ['x/z'] }));
    const { labels, annotations, finalizers } = (await get(a)).metadata;
    expect([labels, annotations, finalizers]).toEqual([{ b: '2' }, undefined, ['x/z']]);
  });

  it('does nothing the second time, whenever that is', async () => {
    const { apply, clock, get } = await server();
    const body = deployment([{ name: 'a', image: 'a:1', tty: false }], { strategy: {} });
    expect((await apply('one', web, body)).status).toBe(201);
    const { resourceVersion } = (await get(web)).metadata;
    await clock.advance(60_000);
    expect((await apply('one', web, body)).status).toBe(200);
    expect((await get(web)).metadata.resourceVersion).toBe(resourceVersion);
  });

  it('of a status owns status alone', async () => {
    const { apply, send, get } = await server();
    await send('POST', deployments, { body: deploymentBody('web'), query: { fieldManager: 'one' } });
    const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } };
    const condition = { type: 'Ready', status: 'True' };
    await apply('two', `${web}/status`, { ...body, spec: { replicas: 7 }, status: { conditions: [condition] } });
    const stored = await get(web);
    expect([stored.spec.replicas, stored.status.conditions]).toEqual([1, [condition]]);
    expect(owners(stored)['two/Apply/status']).toEqual([
      '.status.conditions[type="Ready"]',
      '.status.conditions[type="Ready"].status',
      '.status.conditions[type="Ready"].type',
    ]);
    await apply('two', `${web}/status`, { ...body, status: {} });
    expect((await get(web)).status?.conditions).toBeUndefined();
    await expect(apply('two', `${deployments}/none/status`, { ...body, metadata: {} })).rejects.toMatchObject({
      code: 404,
    });
  });

  it('as a dry run stores nothing', async () => {
    const { apply, send, get } = await server();
    expect((await apply('one', a, configMap({ x: '1' }), { dryRun: 'All' })).status).toBe(201);
    await expect(send('GET', a)).rejects.toMatchObject({ code: 404 });
    await apply('one', a, configMap({ x: '1' }));
    const { body } = await apply('one', a, configMap({ x: '2' }), { dryRun: 'All' });
    expect([body.data.x, (await get(a)).data.x]).toEqual(['2', '1']);
  });

  it('gives what came before any account to a manager of its own', async () => {
    const { apply, send, get } = await server();
    await send('POST', configMaps, { body: configMap({ x: '1' }) });
    await send('PATCH', a, { body: { metadata: { managedFields: [] } }, contentType: merge });
    await expect(apply('one', a, configMap({ x: '2' }))).rejects.toMatchObject({
      message: 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.x',
    });
    await apply('one', a, configMap({ x: '1' }));
    expect(owners(await get(a))).toEqual({
      'one/Apply': ['.data.x'],
      'before-first-apply/Update': ['.data', '.data.x'],
    });
  });

  it('by kubectl takes over what kubectl applied the old way', async () => {
    const { apply, send, get } = await server();
    const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
    const annotations = { [annotation]: JSON.stringify(configMap({ x: '1', y: '1' })) };
    const body = configMap({ x: '1', y: '1' }, { annotations });
    await send('POST', configMaps, { body, query: { fieldManager: 'kubectl-client-side-apply' } });
    await expect(apply('other', a, configMap({ x: '2' }))).rejects.toMatchObject({ code: 409 });
    await send('PATCH', a, { body: { data: { y: '5' } }, contentType: merge, query: { fieldManager: 'hpa' } });
    await expect(apply('kubectl', a, configMap({ x: '2', y: '2' }))).rejects.toMatchObject({
      message: 'Apply failed with 1 conflict: conflict with "hpa" using v1: .data.y',
    });
    await apply('kubectl', a, configMap({ x: '2' }));
    const stored = await get(a);
    expect(stored.data).toEqual({ x: '2', y: '5' });
    expect(JSON.parse(stored.metadata.annotations[annotation]).data).toEqual({ x: '2' });
  });

  it.each([
    ['a field that does not exist', { spec: { nope: 1 } }, 500, '.spec.nope: field not declared in schema'],
    [
      'an element without its key',
      { spec: { template: { spec: { containers: [{ image: 'a' }] } } } },
      500,
      'element 0: associative list with keys has an element that omits key field "name"',
    ],
    [
      'an element twice',
      { spec: { template: { spec: { containers: [{ name: 'a' }, { name: 'a' }] } } } },
      500,
      '.spec.template.spec.containers: duplicate entries for key [name="a"]',
    ],
    ['a wrong type', { spec: { replicas: 'x' } }, 400, 'cannot unmarshal'],
    ['managedFields', { metadata: { name: 'web', managedFields: [] } }, 400, 'metadata.managedFields must be nil'],
    ['another name', { metadata: { name: 'other' } }, 400, 'does not match the name on the URL'],
    ['another version', { apiVersion: 'apps/v2' }, 400, 'does not match the expected API version'],
    ['a stale resourceVersion', { metadata: { name: 'web', resourceVersion: '1' } }, 409, 'has been modified'],
  ])('refuses %s', async (_, more, code, message) => {
    const { apply, send, get } = await server();
    await send('POST', deployments, { body: deploymentBody('web') });
    const before = await get(web);
    const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, ...more };
    await expect(apply('one', web, body)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(await get(web)).toBe(before);
  });
});

describe('whatever managers do', () => {
  const values = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2'), { maxKeys: 4 });
  const step = fc.record({
    verb: fc.constantFrom('apply', 'force', 'put', 'patch'),
    manager: fc.constantFrom('one', 'two', 'three'),
    data: values,
    labels: values,
    finalizers: fc.uniqueArray(fc.constantFrom('x/a', 'x/b'), { maxLength: 2 }),
  });

  it('every owned field exists, appliers own what they applied, and applying again changes nothing', async () => {
    const shape = objectShape('v1', 'ConfigMap', 'all');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const { apply, send, get } = await server();
        for (const { verb, manager, data, labels, finalizers } of steps) {
          const object = configMap(data, { labels, finalizers });
          const body = JSON.stringify(object);
          const query: Record<string, string> = { fieldManager: manager };
          if (verb === 'apply' || verb === 'force') {
            const options: Record<string, string> = verb === 'force' ? { force: 'true' } : {};
            const applied = await apply(manager, a, object, options).catch((error) => {
              if (error.code !== 409) throw error;
            });
            if (!applied) continue;
            const { resourceVersion } = applied.body.metadata;
            expect((await apply(manager, a, object)).body.metadata.resourceVersion).toBe(resourceVersion);
            for (const [key, value] of Object.entries(data)) expect(applied.body.data[key]).toBe(value);
          } else {
            const there = await get(a).catch(() => undefined);
            if (!there) await send('POST', configMaps, { body, query });
            else if (verb === 'put') await send('PUT', a, { body, query });
            else
              await send('PATCH', a, {
                body: JSON.stringify({ data, metadata: { labels } }),
                contentType: merge,
                query,
              });
          }
          const stored = await get(a);
          const there = changedFields(shape, undefined, stored);
          for (const entry of stored.metadata.managedFields ?? []) {
            const gone = pathsOf(difference(entry.fieldsV1 as FieldSet, there));
            // An empty map or list that was named is left out of what is stored.
            expect(gone.filter((path) => !/^\.(data|metadata\.(labels|finalizers))$/.test(path))).toEqual([]);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
