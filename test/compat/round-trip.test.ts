import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '@shared/k8s';
import { kinds } from '../../src/main/cluster/api';
import { apiVersionOf, type KindDefinition } from '../../src/main/cluster/api/kind';
import { loadSchema } from '../../src/main/cluster/api/schema';
import { kindType } from '../../src/main/cluster/api/schema/table';
import { createTestServer } from '../../src/main/cluster/apiserver/testing';
import { parseYaml } from '../../src/main/cluster/apiserver/yaml';
import { FakeClock } from '../../src/main/cluster/clock';
import { openMemoryStore } from '../../src/main/cluster/store';

// The examples that the API's own packages are tested with: every field of every kind, set.
const directory = resolve('.cache/api-examples');
if (!existsSync(directory)) {
  throw new Error(`${directory} is missing: npm test fetches it (scripts/lib/test-environment.mjs, ensureApiExamples)`);
}

const schema = loadSchema();
const read = (name: string, form: string) => readFileSync(join(directory, `${name}.${form}`));
const readObject = (name: string) => JSON.parse(read(name, 'json').toString()) as KubeObject;
const examples = readdirSync(directory)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.slice(0, -'.json'.length))
  .map((name) => ({ name, object: readObject(name) }))
  .filter(({ object }) => kindType(object.apiVersion, object.kind));

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex');
const isOf = (kind: KindDefinition, { apiVersion, kind: name }: KubeObject) =>
  apiVersionOf(kind) === apiVersion && kind.kind === name;

/** Kinds whose package has no examples of its own. */
const withoutExample = (apiVersion: string) => /^api(extensions|registration)\.k8s\.io\/v1$/.test(apiVersion);

it('has an example of every kind that is served', () => {
  const known = new Set(examples.map(({ object }) => `${object.apiVersion} ${object.kind}`));
  const missing = kinds
    .map((kind) => [apiVersionOf(kind), kind.kind] as const)
    .filter(([apiVersion, kind]) => !withoutExample(apiVersion) && !known.has(`${apiVersion} ${kind}`));
  expect(missing).toEqual([]);
  expect(examples.length).toBeGreaterThan(60);
});

describe.each(examples)('$name', ({ name, object }) => {
  it('JSON stays as it is', () => {
    expect(schema.check(object)).toEqual([]);
    expect(schema.prune(object)).toEqual(object);
  });

  it('YAML says the same', () => {
    const fromYaml = parseYaml(read(name, 'yaml').toString()) as KubeObject;
    expect(schema.prune(fromYaml)).toEqual(object);
  });

  it('protobuf says the same', () => expect(schema.decodeProtobuf(read(name, 'pb'))).toEqual(object));

  it('protobuf has the same bytes again', () => expect(hex(schema.encodeProtobuf(object))).toBe(hex(read(name, 'pb'))));
});

const kept = examples.filter(({ object }) => kinds.some((kind) => isOf(kind, object)));

describe.each(kept)('$name', ({ name }) => {
  it('comes out of the store with the bytes it came in with', async () => {
    const store = openMemoryStore({ clock: new FakeClock() });
    const given = schema.decodeProtobuf(read(name, 'pb'));
    const { value } = await store.create(`/registry/core/examples/${name}`, given);
    // The store stamps a revision of its own; all the rest is as it was.
    const { resourceVersion } = given.metadata!;
    const back = { ...value, metadata: { ...value.metadata, resourceVersion } };
    expect(hex(schema.encodeProtobuf(back))).toBe(hex(read(name, 'pb')));
  });
});

/** Names that an API server takes, as long as those of the examples. */
const acceptable = (text: string) => text.replace(/(name|namespace|handler)Value/g, (word) => word.toLowerCase());

/** The example's bytes with such names, and without a resourceVersion of its own. */
function acceptableBytes(bytes: Buffer): Buffer {
  // Field 6 of the metadata becomes field 15, which nothing has. Only the first: references have a field 6 too.
  const text = bytes.toString('latin1').replace('\x32\x14resourceVersionValue', '\x7a\x14resourceVersionValue');
  return Buffer.from(acceptable(text), 'latin1');
}

describe('through the server', () => {
  it.each([
    ['core.v1.ConfigMap', '/api/v1/namespaces/namespacevalue/configmaps'],
    ['core.v1.ServiceAccount', '/api/v1/namespaces/namespacevalue/serviceaccounts'],
    ['apps.v1.ControllerRevision', '/apis/apps/v1/namespaces/namespacevalue/controllerrevisions'],
    ['node.k8s.io.v1.RuntimeClass', '/apis/node.k8s.io/v1/runtimeclasses'],
  ])('%s', async (name, path) => {
    const { send } = await createTestServer();
    await send('POST', '/api/v1/namespaces', { body: { metadata: { name: 'namespacevalue' } } });
    const body = acceptableBytes(read(name, 'pb'));
    await send('POST', path, { body, contentType: 'application/vnd.kubernetes.protobuf' });
    const { metadata, ...stored } = (await send('GET', `${path}/namevalue`)).body as KubeObject;
    const { metadata: given, ...wanted } = JSON.parse(acceptable(read(name, 'json').toString())) as KubeObject;
    expect(stored).toEqual(wanted);
    expect(metadata!.labels).toEqual(given!.labels);
    expect(metadata!.annotations).toEqual(given!.annotations);
  });
});
