import { mkdtemp, rm } from 'node:fs/promises';
import { request, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kindType } from '../api/schema/table';
import { systemClock } from '../clock';
import { silentLogger } from '../log';
import { widget, widgetDefinition, withSpec } from './custom/testing';
import { listenHttps, type HttpsListener } from './https';
import { loadOrCreatePki, type Pki } from './pki';
import { createTestServer } from './testing';

const protobuf = 'application/vnd.kubernetes.protobuf';
const partial = 'as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const configMaps = '/api/v1/namespaces/default/configmaps';
const widgets = '/apis/example.com/v1/namespaces/default/widgets';
let directory: string;
let pki: Pki;
let listener: HttpsListener;
let test: Awaited<ReturnType<typeof createTestServer>>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-protobuf-'));
  pki = await loadOrCreatePki(directory, { clock: systemClock });
  test = await createTestServer();
  listener = await listenHttps({ server: test.server, pki, port: 0, log: silentLogger });
  for (const name of ['a', 'b'])
    await test.send('POST', configMaps, { body: { metadata: { name }, data: { key: name } } });
  await test.send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    body: widgetDefinition(withSpec({ size: { type: 'integer' } })),
  });
  await test.send('POST', widgets, { body: widget('w', { size: 1 }) });
});

afterAll(async () => {
  await listener.close();
  await rm(directory, { recursive: true });
});

async function raw(path: string, accept: string, options: RequestOptions & { body?: Buffer } = {}) {
  const { caPem: ca, admin } = pki;
  const { body, ...rest } = options;
  const headers = { accept, ...(body ? { 'content-type': protobuf, 'content-length': body.length } : {}) };
  return new Promise<{ status: number; type: string; bytes: Buffer }>((resolve, reject) => {
    const sent = request(`${listener.url}${path}`, { ca, ...admin, headers, ...rest }, (response) => {
      const { statusCode: status = 0, headers: given } = response;
      buffer(response).then((bytes) => resolve({ status, type: String(given['content-type']), bytes }), reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

const decode = (bytes: Buffer) => test.server.context.schema.decodeProtobuf(bytes) as any;

it('answers objects, lists, metadata and errors in protobuf', async () => {
  const one = await raw(`${configMaps}/a`, protobuf);
  expect(one).toMatchObject({ status: 200, type: protobuf });
  expect(decode(one.bytes)).toEqual((await test.send('GET', `${configMaps}/a`)).body);

  const list = decode((await raw(configMaps, `${protobuf},application/json`)).bytes);
  expect(list).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1', items: [{ data: { key: 'a' } }, {}] });

  const metadata = decode((await raw(configMaps, `${protobuf};${partial}`)).bytes);
  expect(metadata.kind).toBe('PartialObjectMetadataList');
  expect(metadata.items[1].metadata.name).toBe('b');

  const missing = await raw(`${configMaps}/none`, protobuf);
  expect(missing).toMatchObject({ status: 404, type: protobuf });
  expect(decode(missing.bytes)).toMatchObject({ kind: 'Status', reason: 'NotFound', details: { name: 'none' } });
});

it('takes and gives protobuf in one request, deletion included', async () => {
  const body = test.server.context.schema.encodeProtobuf({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c' },
    binaryData: { k: 'AAE=' },
  } as never);
  const made = await raw(configMaps, protobuf, { method: 'POST', body });
  expect(made.status).toBe(201);
  expect(decode(made.bytes)).toMatchObject({ metadata: { name: 'c' }, binaryData: { k: 'AAE=' } });
  const options = test.server.context.schema.encodeProtobuf({
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    gracePeriodSeconds: 0,
  } as never);
  const gone = await raw(`${configMaps}/c`, protobuf, { method: 'DELETE', body: options });
  expect(decode(gone.bytes)).toMatchObject({ kind: 'Status', status: 'Success' });
});

it('frames the events of a watch', async () => {
  const query = 'watch=1&resourceVersion=0&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true';
  const answer = raw(`${configMaps}?${query}&resourceVersionMatch=NotOlderThan`, protobuf);
  const timer = setInterval(() => test.clock.advance(1000), 20);
  const { type, bytes } = await answer.finally(() => clearInterval(timer));
  expect(type).toBe('application/vnd.kubernetes.protobuf;stream=watch');
  const seen: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at);
    // The frame is a WatchEvent: its type, then the envelope of the object in two wrappings.
    const event = bytes.subarray(at + 4, end);
    const object = decode(event.subarray(event.indexOf('k8s\0')));
    seen.push(`${event.subarray(2, 2 + event[1]!)} ${object.kind} ${object.metadata.name ?? ''}`.trim());
    at = end;
  }
  expect(seen).toEqual(['ADDED ConfigMap a', 'ADDED ConfigMap b', 'BOOKMARK ConfigMap']);
});

it('gives of custom kinds JSON, and their metadata in protobuf', async () => {
  expect(await raw(widgets, protobuf)).toMatchObject({ status: 406, type: protobuf });
  expect(await raw(`${widgets}/w`, `${protobuf},application/json`)).toMatchObject({ type: 'application/json' });
  const { bytes } = await raw(`${widgets}/w`, `${protobuf};${partial},application/json;${partial}`);
  expect(decode(bytes)).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'w' } });
  const stored = test.store.list('/registry/example.com/').items.length;
  expect((await raw(widgets, protobuf, { method: 'POST' })).status).toBe(406);
  expect(test.store.list('/registry/example.com/').items).toHaveLength(stored);
});

it('tells in protobuf what is served', async () => {
  const decoded = async (path: string) => decode((await raw(path, protobuf)).bytes);
  expect((await raw('/api', protobuf)).type).toBe(protobuf);
  expect((await decoded('/apis')).groups.map((group: any) => group.name)).toContain('apps');
  const { resources } = await decoded('/apis/apps/v1');
  expect(resources.find((resource: any) => resource.name === 'deployments').verbs).toContain('watch');
  expect((await raw('/version', protobuf)).type).toBe('application/json');
  expect((await raw('/healthz', protobuf)).bytes.toString()).toBe('ok');
});

it('has a table for every kind and its list, so that none is left without its protobuf', () => {
  const kinds = test.server.context.registry.all().map(({ definition }) => definition);
  const missing = kinds
    .filter(({ custom }) => !custom)
    .flatMap(({ group, version, kind }) => {
      const apiVersion = group ? `${group}/${version}` : version;
      return [kind, `${kind}List`].filter((name) => !kindType(apiVersion, name)).map((name) => `${apiVersion} ${name}`);
    });
  expect(missing).toEqual([]);
});
