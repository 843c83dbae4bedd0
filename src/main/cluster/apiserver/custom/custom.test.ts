import { beforeEach, describe, expect, test } from 'vitest';
import type { JsonSchema } from '../../api/apiextensions/types';
import { kinds } from '../../api';
import { loadSchema } from '../../api/schema';
import { silentLogger } from '../../log';
import { createNodeConnections } from '../nodes';
import { createApiServer } from '../server';
import { collect, createTestServer, sendTo } from '../testing';
import { widget, widgetDefinition, withSpec } from './testing';

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const widgets = '/apis/example.com/v1/namespaces/default/widgets';
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';

let bed: Awaited<ReturnType<typeof createTestServer>>;
let send: typeof bed.send;

beforeEach(async () => {
  bed = await createTestServer();
  send = bed.send;
});

const settle = async () => {
  for (let index = 0; index < 20; index++) await new Promise((resolve) => setImmediate(resolve));
};
const define = (schema: JsonSchema, version: object = {}, spec: object = {}) =>
  send('POST', crds, { body: widgetDefinition(schema, version, spec) });
const post = (body: object, query: Record<string, string> = {}) =>
  send('POST', widgets, { body: JSON.stringify(body), query });
const patch = (path: string, body: object, type = 'merge-patch+json', query: Record<string, string> = {}) =>
  send('PATCH', path, { body: JSON.stringify(body), contentType: `application/${type}`, query });
const failure = async (attempt: Promise<unknown>) => {
  const error = await attempt.then(
    () => undefined,
    (thrown: { code: number; message: string }) => thrown,
  );
  return `${error?.code} ${error?.message}`;
};

describe('a definition', () => {
  test('is accepted, established and served at once', async () => {
    await define(withSpec({ size: { type: 'integer' } }));
    expect((await post(widget('a', { size: 1 }))).status).toBe(201);
    await settle();
    const { body } = await send('GET', `${crds}/widgets.example.com`);
    expect(body.status.conditions.map(({ type, status, reason }: any) => `${type}=${status} ${reason}`)).toEqual([
      'NamesAccepted=True NoConflicts',
      'Established=True InitialNamesAccepted',
    ]);
    expect(body.status).toMatchObject({
      acceptedNames: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
      storedVersions: ['v1'],
    });
    expect(body.metadata.finalizers).toEqual(['customresourcecleanup.apiextensions.k8s.io']);
  });

  test('is in discovery and OpenAPI', async () => {
    await define(
      withSpec({ size: { type: 'integer', description: 'How big it is.' } }),
      { subresources: { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' } } },
      { names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'], categories: ['all'] } },
    );
    const { body } = await send('GET', '/apis/example.com/v1');
    expect(body.resources.map(({ name }: any) => name)).toEqual(['widgets', 'widgets/scale', 'widgets/status']);
    expect(body.resources[0]).toMatchObject({ shortNames: ['wd'], categories: ['all'], singularName: 'widget' });
    expect((await send('GET', '/apis/example.com')).body.preferredVersion.version).toBe('v1');
    const document = JSON.stringify((await send('GET', '/openapi/v3/apis/example.com/v1')).body);
    expect(document).toContain('How big it is.');
    expect(document).toContain('/apis/example.com/v1/namespaces/{namespace}/widgets/{name}');
    expect(JSON.stringify((await send('GET', '/openapi/v2')).body)).toContain('How big it is.');
  });

  test('waits when others have its names, and is served when they are free', async () => {
    await define(withSpec({}));
    const other = widgetDefinition(withSpec({}));
    other.metadata.name = 'gadgets.example.com';
    other.spec.names = { plural: 'gadgets', kind: 'Gadget', shortNames: ['wd'] };
    await send('POST', crds, { body: other });
    await settle();
    const read = async () => (await send('GET', `${crds}/gadgets.example.com`)).body.status.conditions;
    expect((await read()).map(({ reason, message }: any) => `${reason}: ${message}`)).toEqual([
      'ShortNamesConflict: "wd" is already in use',
      'NotAccepted: not all names are accepted',
    ]);
    expect(await failure(send('GET', '/apis/example.com/v1/gadgets'))).toMatch(/^404/);
    await send('DELETE', `${crds}/widgets.example.com`);
    await settle();
    expect((await read()).map(({ status }: any) => status)).toEqual(['True', 'True']);
    expect((await send('GET', '/apis/example.com/v1/gadgets')).status).toBe(200);
  });

  test('is served again after a restart, with its objects', async () => {
    await define(withSpec({ size: { type: 'integer' } }));
    await post(widget('a', { size: 1 }));
    await settle();
    bed.server.close();
    const again = createApiServer({
      store: bed.store,
      kinds,
      schema: loadSchema(),
      clock: bed.clock,
      log: silentLogger,
      nodes: createNodeConnections(),
    });
    expect((await sendTo(again, 'GET', `${widgets}/a`)).body.spec).toEqual({ size: 1 });
    again.close();
  });
});

describe('the end of a definition', () => {
  test('is the end of its objects', async () => {
    await define(withSpec({}));
    await post(widget('a', {}));
    await send('DELETE', `${crds}/widgets.example.com`);
    await settle();
    expect(await failure(send('GET', `${crds}/widgets.example.com`))).toMatch(/^404/);
    expect(await failure(send('GET', widgets))).toMatch(/^404/);
    expect(bed.store.count('/registry/example.com/')).toBe(0);
    expect((await send('GET', '/apis')).body.groups.map(({ name }: any) => name)).not.toContain('example.com');
  });

  test('waits for finalizers of objects and takes no new ones', async () => {
    await define(withSpec({}));
    await post({ ...widget('a', {}), metadata: { name: 'a', finalizers: ['example.com/hold'] } });
    await send('DELETE', `${crds}/widgets.example.com`);
    await settle();
    const { body } = await send('GET', `${crds}/widgets.example.com`);
    expect(body.status.conditions.at(-1)).toMatchObject({ type: 'Terminating', reason: 'InstanceDeletionInProgress' });
    expect(await failure(post(widget('b', {})))).toMatch(/^405/);
    await patch(`${widgets}/a`, { metadata: { finalizers: null } }).catch(() => {});
    await settle();
    expect(await failure(send('GET', `${crds}/widgets.example.com`))).toMatch(/^404/);
  });
});

describe('objects', () => {
  test('keep what the schema knows', async () => {
    await define(withSpec({ size: { type: 'integer' }, free: { 'x-kubernetes-preserve-unknown-fields': true } }));
    const body = widget('a', { size: 1, colour: 'red', free: { any: 1 } }, { extra: 1 });
    expect(await failure(post(body, { fieldValidation: 'Strict' }))).toBe(
      '400 Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.colour", unknown field "extra"',
    );
    const created = await post(body, { fieldValidation: 'Warn' });
    expect(created.warnings).toEqual(['unknown field "spec.colour"', 'unknown field "extra"']);
    expect(created.body.spec).toEqual({ size: 1, free: { any: 1 } });
    expect(created.body.extra).toBeUndefined();
  });

  test('get defaults when they are written and when they are read', async () => {
    const schema = withSpec({ size: { type: 'integer', default: 3 } }, { default: {} });
    await define(withSpec({}));
    await post({ ...widget('old', {}), spec: undefined });
    const { body } = await send('GET', `${crds}/widgets.example.com`);
    const spec = { ...body.spec, versions: [{ ...body.spec.versions[0], schema: { openAPIV3Schema: schema } }] };
    await send('PUT', `${crds}/widgets.example.com`, { body: { ...body, spec } });
    expect((await send('GET', `${widgets}/old`)).body.spec).toEqual({ size: 3 });
    expect((await post({ ...widget('new', {}), spec: { size: null } })).body.spec).toEqual({ size: 3 });
  });

  test('are patched as JSON and merge patches, not as strategic ones', async () => {
    await define(withSpec({ size: { type: 'integer' } }));
    await post(widget('a', { size: 1 }));
    expect((await patch(`${widgets}/a`, { spec: { size: 2 } })).body.spec.size).toBe(2);
    const steps = [{ op: 'replace', path: '/spec/size', value: 3 }];
    expect((await patch(`${widgets}/a`, steps, 'json-patch+json')).body.spec.size).toBe(3);
    expect(await failure(patch(`${widgets}/a`, { spec: { size: 4 } }, 'strategic-merge-patch+json'))).toBe(
      '415 the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    );
    const protobuf = { body: Buffer.from('k8s\0'), contentType: 'application/vnd.kubernetes.protobuf' };
    expect(await failure(send('POST', widgets, protobuf))).toMatch(/^415/);
  });

  test('are applied by list type and map keys', async () => {
    const item: JsonSchema = {
      type: 'object',
      required: ['name'],
      properties: { name: { type: 'string' }, port: { type: 'integer' } },
    };
    const ports: JsonSchema = {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: item,
    };
    const tags: JsonSchema = { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } };
    await define(withSpec({ ports, tags, size: { type: 'integer' } }));
    const apply = (manager: string, spec: object) =>
      patch(`${widgets}/a`, widget('a', spec), 'apply-patch+yaml', { fieldManager: manager });
    await apply('one', { ports: [{ name: 'a', port: 1 }], tags: ['x'], size: 1 });
    const { body } = await apply('two', { ports: [{ name: 'b', port: 2 }], tags: ['y'] });
    expect(body.spec).toEqual({
      ports: [
        { name: 'a', port: 1 },
        { name: 'b', port: 2 },
      ],
      tags: ['x', 'y'],
      size: 1,
    });
    expect(await failure(apply('two', { size: 2 }))).toBe(
      '409 Apply failed with 1 conflict: conflict with "one": .spec.size',
    );
    expect((await apply('one', { size: 1 })).body.spec).toEqual({
      ports: [{ name: 'b', port: 2 }],
      tags: ['y'],
      size: 1,
    });
  });

  test('have a status and a generation of their own', async () => {
    await define(withSpec({ size: { type: 'integer' } }), { subresources: { status: {} } });
    const { body } = await post(widget('a', { size: 1 }, { status: { phase: 'no' } }));
    expect([body.status, body.metadata.generation]).toEqual([undefined, 1]);
    const after = await patch(`${widgets}/a/status`, { status: { phase: 'Up' }, spec: { size: 9 } });
    expect([after.body.status, after.body.spec, after.body.metadata.generation]).toEqual([
      { phase: 'Up' },
      { size: 1 },
      1,
    ]);
    const changed = await patch(`${widgets}/a`, { status: { phase: 'Down' }, spec: { size: 2 } });
    expect([changed.body.status, changed.body.metadata.generation]).toEqual([{ phase: 'Up' }, 2]);
  });

  test('are scaled', async () => {
    const scale = {
      specReplicasPath: '.spec.size',
      statusReplicasPath: '.status.size',
      labelSelectorPath: '.status.selector',
    };
    await define(withSpec({ size: { type: 'integer' } }), { subresources: { status: {}, scale } });
    await post(widget('a', { size: 1 }));
    await patch(`${widgets}/a/status`, { status: { size: 1, selector: 'app=a' } });
    await patch(`${widgets}/a/scale`, { spec: { replicas: 5 } });
    const { body } = await send('GET', `${widgets}/a/scale`);
    expect([body.spec, body.status]).toEqual([{ replicas: 5 }, { replicas: 1, selector: 'app=a' }]);
    expect((await send('GET', `${widgets}/a`)).body.spec.size).toBe(5);
  });

  test('print as their columns say', async () => {
    await define(withSpec({ size: { type: 'integer' } }), {
      additionalPrinterColumns: [
        { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
        { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
        { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      ],
    });
    await post(widget('a', { size: 2 }, { status: { conditions: [{ type: 'Ready', status: 'True' }] } }));
    const { body } = await send('GET', widgets, { accept: table });
    expect(body.columnDefinitions.map(({ name }: any) => name)).toEqual(['Name', 'Size', 'Ready', 'Age']);
    expect(body.rows[0].cells).toEqual(['a', 2, 'True', '0s']);
  });

  test('are watched', async () => {
    await define(withSpec({ size: { type: 'integer' } }));
    const watch = collect(await send('GET', widgets, { query: { watch: 'true' } }));
    await post(widget('a', { size: 1 }));
    await patch(`${widgets}/a`, { spec: { size: 2 } });
    await send('DELETE', `${widgets}/a`);
    await settle();
    expect(watch.events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
    watch.close();
  });

  test('are the same in every version but for their apiVersion', async () => {
    const schema = withSpec({ size: { type: 'integer' } });
    const versions = [
      { name: 'v1beta1', served: true, storage: true, deprecated: true, schema: { openAPIV3Schema: schema } },
      { name: 'v1', served: true, storage: false, schema: { openAPIV3Schema: schema } },
      { name: 'v2', served: false, storage: false, schema: { openAPIV3Schema: schema } },
    ];
    await define(schema, {}, { versions });
    await post(widget('a', { size: 1 }));
    const beta = '/apis/example.com/v1beta1/namespaces/default/widgets';
    expect((await send('GET', `${beta}/a`)).body).toMatchObject({
      apiVersion: 'example.com/v1beta1',
      spec: { size: 1 },
    });
    expect((await send('GET', widgets)).body.items[0].apiVersion).toBe('example.com/v1');
    expect(bed.store.get('/registry/example.com/widgets/default/a')?.value.apiVersion).toBe('example.com/v1beta1');
    expect((await send('GET', '/apis/example.com')).body.versions.map(({ version }: any) => version)).toEqual([
      'v1',
      'v1beta1',
    ]);
    const old = await send('POST', beta, { body: { metadata: { name: 'b' }, spec: {} } });
    expect(old.warnings).toEqual(['example.com/v1beta1 Widget is deprecated']);
    expect(await failure(send('GET', '/apis/example.com/v2/widgets'))).toMatch(/^404/);
  });

  test('are selected by the fields that the definition names', async () => {
    await define(withSpec({ colour: { type: 'string' } }), { selectableFields: [{ jsonPath: '.spec.colour' }] });
    await post(widget('a', { colour: 'red' }));
    await post(widget('b', { colour: 'blue' }));
    const { body } = await send('GET', widgets, { query: { fieldSelector: 'spec.colour=blue' } });
    expect(body.items.map(({ metadata }: any) => metadata.name)).toEqual(['b']);
  });
});
