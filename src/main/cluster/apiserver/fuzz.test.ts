import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ApiError } from '../api/errors';
import { collect, createTestServer, deploymentBody, type TestRequest } from './testing';

// Whatever comes in, the answer is a Status with a code below 500, what was refused left nothing behind, and the
// server goes on answering.

const runs = (numRuns: number) => ({ numRuns, seed: 20_240_607 });
const configMaps = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const contentTypes = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'text/plain',
  'application/json; charset=utf-8',
  '',
];
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

let test: Awaited<ReturnType<typeof createTestServer>>;
beforeAll(async () => {
  test = await createTestServer();
  await test.send('POST', configMaps, { body: { metadata: { name: 'there' }, data: { a: '1' } } });
  await test.send('POST', deployments, { body: deploymentBody('web', 0) });
});

/** Sends what may be refused and checks that it was refused, or answered, as it should be. */
async function attempt(method: string, path: string, request: TestRequest = {}): Promise<number> {
  const before = test.store.revision;
  try {
    const answer = await test.send(method, path, request);
    if (answer.payload.type === 'watch') collect(answer).close();
    expect(answer.status).toBeLessThan(400);
    return answer.status;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { status } = error;
    expect(status, JSON.stringify(request).slice(0, 2000)).toMatchObject({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
    });
    // A revision that is not reached yet is answered with 504, an applied field that does not exist with 500,
    // as Kubernetes does.
    const known = status.reason === 'Timeout' || status.message!.startsWith('failed to create typed patch object');
    if (!known) expect(status.code, `${method} ${path} ${status.message}`).toBeLessThan(500);
    expect(status.message).not.toBe('');
    expect(test.store.revision, 'a refused request changed the store').toBe(before);
    return status.code!;
  }
}

const anyName = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.constantFrom('..', 'a/b', 'a%2Fb', '%', '%zz', '%00', '%2e%2e', '__proto__', 'constructor', 'A', ''),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
/** JSON with the words that mean something here. */
const key = fc.oneof(
  fc.constantFrom('metadata', 'name', 'namespace', 'labels', 'annotations', 'finalizers', 'ownerReferences', 'data'),
  fc.constantFrom('spec', 'status', 'template', 'containers', 'replicas', 'selector', 'matchLabels', 'managedFields'),
  fc.constantFrom('$patch', '$retainKeys', '$setElementOrder/containers', '$deleteFromPrimitiveList/finalizers'),
  fc.constantFrom('kind', 'apiVersion', 'resourceVersion', 'uid', '__proto__', 'constructor', 'toJSON', ''),
);
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, 0, -1, 1.5, 1e300, '', 'a', 'default', 'there', 'web', 'replace', 'delete', '5Gi'),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(key, tie('json'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const body = fc.oneof(
  json.map((value) => JSON.stringify(value)),
  fc.string(),
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.concat([Buffer.from('k8s\0'), bytes])),
);

describe('bodies', () => {
  it('of any kind and type', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<[string, string]>(
          ['POST', configMaps],
          ['POST', deployments],
          ['PUT', `${configMaps}/there`],
          ['PUT', `${deployments}/web`],
          ['PUT', `${deployments}/web/status`],
          ['PUT', `${deployments}/web/scale`],
          ['POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'],
          ['POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews'],
          ['POST', '/apis/authentication.k8s.io/v1/tokenreviews'],
          ['POST', '/api/v1/namespaces/default/bindings'],
          ['POST', '/api/v1/namespaces/default/pods'],
          ['POST', '/api/v1/namespaces/default/services'],
          ['DELETE', `${configMaps}/nope`],
        ),
        fc.constantFrom(...contentTypes),
        body,
        async ([method, path], contentType, text) => void (await attempt(method, path, { body: text, contentType })),
      ),
      runs(800),
    );
  });

  it('cut short', async () => {
    const whole = JSON.stringify(deploymentBody('cut'));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: whole.length - 1 }), async (length) => {
        const request = { body: whole.slice(0, length), contentType: 'application/json' };
        expect(await attempt('POST', deployments, request)).toBe(400);
      }),
      runs(60),
    );
  });

  it('nested without end', async () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const deep = `${open.repeat(10_000)}1${close.repeat(10_000)}`;
      for (const contentType of ['application/json', 'application/yaml']) {
        expect(await attempt('POST', configMaps, { body: deep, contentType })).toBe(400);
      }
      for (const contentType of patchTypes) {
        const query = { fieldManager: 'm' };
        expect(await attempt('PATCH', `${configMaps}/there`, { body: deep, contentType, query })).toBe(400);
      }
    }
  });

  it('of YAML that grows when it is read', async () => {
    const layers = ['a: &l0 [x,x,x,x,x,x,x,x,x,x]'];
    for (let layer = 1; layer < 12; layer++) {
      layers.push(
        `b${layer}: &l${layer} [${Array(10)
          .fill(`*l${layer - 1}`)
          .join(',')}]`,
      );
    }
    const bomb = layers.join('\n');
    const started = performance.now();
    expect(await attempt('POST', configMaps, { body: bomb, contentType: 'application/yaml' })).toBe(400);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('addresses', () => {
  it('with any names', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'PUT', 'PATCH', 'DELETE', 'POST', 'OPTIONS', 'BREW'),
        fc.constantFrom('namespaces', 'nodes', 'namespaces/default/configmaps', 'namespaces/default/pods', 'nonsense'),
        fc.array(anyName, { maxLength: 4 }),
        async (method, start, names) => {
          const path = `/api/v1/${start}${names.map((name) => `/${name.replace(/[?#]/g, '')}`).join('')}`;
          // The objects of the other tests stay.
          if (method === 'DELETE' && /^\/api\/v1\/namespaces(\/|\/default\/\w*\/*)?$/.test(path)) return;
          await attempt(method, path, { body: '{}', contentType: 'application/json' });
        },
      ),
      runs(500),
    );
  });

  it('with any query', async () => {
    const value = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.constantFrom('', '0', '-1', '1', '99999999999999999999', 'true', 'false', 'NaN', 'Exact', 'NotOlderThan'),
      fc.constantFrom('a=b', 'a in (b', '!', 'a notin (),,', '((', 'a>x', 'metadata.name=', 'spec.nope=1', '\\', '=,='),
      fc.base64String({ maxLength: 40 }),
      json.map((one) => Buffer.from(JSON.stringify(one)).toString('base64url')),
    );
    const names = ['labelSelector', 'fieldSelector', 'resourceVersion', 'resourceVersionMatch', 'limit', 'continue'];
    const others = ['watch', 'timeoutSeconds', 'sendInitialEvents', 'allowWatchBookmarks', 'pretty', 'includeObject'];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(
          configMaps,
          '/api/v1/configmaps',
          '/api/v1/events',
          `${configMaps}/there`,
          '/api/v1/watch/pods',
        ),
        fc.dictionary(fc.constantFrom(...names, ...others), value, { maxKeys: 4, noNullPrototype: true }),
        fc.constantFrom(
          undefined,
          'application/json;as=Table;v=v1;g=meta.k8s.io',
          'application/yaml',
          '*/*',
          'a/b,;;q',
        ),
        async (path, query, accept) => void (await attempt('GET', path, { query, accept })),
      ),
      runs(800),
    );
  });
});

describe('patches of a stored object', () => {
  const operation = fc.record(
    {
      op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'nonsense'),
      path: fc.oneof(
        fc.constantFrom(
          '',
          '/',
          '/data/a',
          '/metadata/labels',
          '/spec/template/spec/containers/0',
          '/spec/x/-',
          '/a~2',
        ),
        fc.constantFrom(
          '/metadata/name',
          '/metadata/managedFields/0',
          '/__proto__/x',
          '/spec/template/spec/containers/9e9',
        ),
      ),
      from: fc.constantFrom('', '/data', '/metadata', '/spec/template'),
      value: json,
    },
    { requiredKeys: ['op', 'path'] },
  );
  const anyPatch = fc.oneof(
    fc.tuple(fc.constant(patchTypes[0]!), fc.array(operation, { maxLength: 4 })),
    fc.tuple(fc.constantFrom(...patchTypes), json),
    fc.tuple(
      fc.constantFrom(...patchTypes.slice(1)),
      json.map((one) => ({ apiVersion: 'apps/v1', kind: 'Deployment', spec: one })),
    ),
    fc.tuple(
      fc.constantFrom(...patchTypes.slice(1)),
      json.map((one) => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { labels: one } })),
    ),
  );

  it('that puts a hole into a list', async () => {
    const body = JSON.stringify([{ op: 'add', path: '/spec/template/spec/containers/0', value: null }]);
    expect(await attempt('PATCH', `${deployments}/web`, { body, contentType: patchTypes[0] })).toBe(422);
  });

  it('of every type', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('', '/status', '/scale'),
        anyPatch,
        fc.constantFrom('Strict', 'Warn', 'Ignore'),
        async (subresource, [contentType, value], fieldValidation) => {
          const query = { fieldValidation, fieldManager: 'fuzz', dryRun: 'All' };
          const request = { body: JSON.stringify(value), contentType, query };
          await attempt('PATCH', `${deployments}/web${subresource}`, request);
          await attempt('PATCH', `${configMaps}/there`, request);
        },
      ),
      runs(600),
    );
    expect((await test.send('GET', `${configMaps}/there`)).body.data).toEqual({ a: '1' });
  });
});
