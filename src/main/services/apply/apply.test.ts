import type { ApplyResult, ParamsOf } from '@shared/bridge/contract';
import { beforeAll, describe, expect, it } from 'vitest';
import { ApiError, apiError } from '../../cluster/api/errors';
import { startTestApi } from '../test-api';
import { editorYaml } from '../yaml-text';
import { readDocuments } from './documents';
import { FaultMapper } from './faults';
import { applyText } from './index';
import { locate, splitPath } from './locate';

let api: Awaited<ReturnType<typeof startTestApi>>;
beforeAll(async () => {
  api = await startTestApi();
});

const apply = (yaml: string, more: Partial<ParamsOf<'kube.apply'>> = {}): Promise<ApplyResult[]> =>
  applyText(
    { cluster: 'gantry', yaml, dryRun: false, ...more },
    { transport: api.transport, kinds: api.kinds, signal: new AbortController().signal },
  );
const get = async (path: string) => (await api.transport.request({ method: 'GET', path })).body;
const exists = (path: string) =>
  get(path).then(
    () => true,
    () => false,
  );

const deployment = (name: string, change: (text: string) => string = (text) => text) =>
  change(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  replicas: 3
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
        - name: web
          image: nginx:1
          ports:
            - containerPort: 80
          resources:
            limits:
              cpu: 100m
`);

describe('hostile text', () => {
  it('is refused at its place instead of exhausting the stack', () => {
    const { documents } = readDocuments(`kind: Pod\nspec: ${'['.repeat(20_000)}`);
    expect(documents).toMatchObject([
      { objects: [], faults: [{ line: 2, message: 'This cannot be read: it nests deeper than 200 levels.' }] },
    ]);
  });
});

describe('faults of a text', () => {
  /** name, text, line, column, part of the message, path */
  const cases: [string, string, number, number, string, string?][] = [
    ['bad indentation', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n name: b\n', 5, 2, ''],
    ['a tab', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: a\n', 4, 1, 'tab'],
    ['an open quote', 'apiVersion: v1\nkind: "ConfigMap\nmetadata:\n  name: a\n', 5, 1, 'quote'],
    ['a key twice', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  name: b\n', 5, 3, 'twice'],
    ['no object', '- a\n- b\n', 1, 1, 'not an object'],
    ['no kind', 'apiVersion: v1\nmetadata:\n  name: a\n', 1, 1, "Object 'Kind' is missing", 'kind'],
    ['no name', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n', 1, 1, 'name may not be empty', 'metadata.name'],
    [
      'an unknown kind',
      'apiVersion: apps/v1\nkind: Deploymint\nmetadata:\n  name: a\n',
      2,
      7,
      'no matches for kind "Deploymint" in version "apps/v1"',
      'kind',
    ],
    [
      'a kind of another version',
      'apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata:\n  name: a\n',
      2,
      7,
      'no matches for kind "Deployment" in version "extensions/v1beta1"',
    ],
    [
      'an unknown field',
      deployment('bad', (text) => text.replace('replicas:', 'replcas:')),
      6,
      3,
      'unknown field "spec.replcas"',
      'spec.replcas',
    ],
    [
      'an unknown field in a list',
      deployment('bad', (text) => text.replace('image:', 'imagee:')),
      17,
      11,
      'unknown field "spec.template.spec.containers[0].imagee"',
    ],
    [
      'a wrong type',
      deployment('bad', (text) => text.replace('replicas: 3', 'replicas: three')),
      6,
      13,
      'whole number',
      'spec.replicas',
    ],
    [
      'a quoted number',
      deployment('bad', (text) => text.replace('containerPort: 80', 'containerPort: "80"')),
      19,
      30,
      'whole number',
    ],
    [
      'a list instead of a map',
      deployment('bad', (text) => text.replace('        app: web\n    spec', '        - app\n    spec')),
      12,
      7,
      'must be a map',
    ],
    [
      'a bad quantity',
      deployment('bad', (text) => text.replace('100m', '100x')),
      22,
      20,
      'quantities must match',
      'spec.template.spec.containers[0].resources.limits.cpu',
    ],
    [
      'a missing image',
      deployment('bad', (text) => text.replace(/ +image: .*\n/, '')),
      16,
      11,
      'containers[0].image: Required value',
    ],
    [
      'a selector that does not match',
      deployment('bad', (text) => text.replace('        app: web\n    spec', '        app: other\n    spec')),
      12,
      7,
      '`selector` does not match template `labels`',
    ],
    [
      'a negative number',
      deployment('bad', (text) => text.replace('replicas: 3', 'replicas: -3')),
      6,
      13,
      'must be greater than or equal to 0',
      'spec.replicas',
    ],
    [
      'a namespace that is not there',
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: nowhere\n',
      5,
      14,
      'namespaces "nowhere" not found',
    ],
    [
      'a bad name',
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: Under_Score\n',
      4,
      9,
      'metadata.name',
      'metadata.name',
    ],
    [
      'bad base64',
      'apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\ndata:\n  good: YQ==\n  bad: not base64\n',
      7,
      8,
      'illegal base64',
      'data.bad',
    ],
    [
      'a number where a map of strings is',
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  one: "1"\n  two: 2\n',
      7,
      8,
      'must be a string',
    ],
  ];

  it.each(cases)('%s is shown where it stands', async (_, text, line, column, message, path) => {
    const prefix = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: first\n---\n# a comment\n';
    const shift = prefix.split('\n').length - 1;
    for (const dryRun of [true, false]) {
      const results = await apply(prefix + text, { dryRun });
      expect(results).toHaveLength(2);
      expect(results[0]!.faults).toEqual([]);
      const failed = results[1]!;
      expect(failed).toMatchObject({ document: 1, action: 'failed' });
      const fault = failed.faults[0]!;
      expect([fault.line! - shift, fault.column, fault.message]).toEqual([
        line,
        column,
        expect.stringContaining(message),
      ]);
      if (path) expect(fault.path).toBe(path);
    }
    expect(await exists('/api/v1/namespaces/default/configmaps/a')).toBe(false);
    expect(await exists('/apis/apps/v1/namespaces/default/deployments/bad')).toBe(false);
  });

  it('shows several unknown fields at once', async () => {
    const [result] = await apply(
      deployment('bad', (text) => text.replace('replicas:', 'replcas:').replace('image:', 'imagee:')),
    );
    expect(result!.faults.map((fault) => fault.line)).toEqual([6, 17]);
  });

  it('are found in a change of what exists as well, and nothing of it is stored', async () => {
    await apply(deployment('standing'));
    for (const [from, to, line] of [
      ['replicas: 3', 'replicas: three', 6],
      ['replicas: 3', 'replcas: 4', 6],
      ['image: nginx:1', 'image: [nginx]', 17],
      ['app: web\n  template', 'app: other\n  template', 12],
    ] as const) {
      const [result] = await apply(deployment('standing', (text) => text.replace(from, to)));
      expect(result, to).toMatchObject({ action: 'failed' });
      expect(result!.faults[0]!.line, JSON.stringify(result!.faults)).toBe(line);
    }
    const stored = await get('/apis/apps/v1/namespaces/default/deployments/standing');
    expect(stored.spec).toMatchObject({ replicas: 3, selector: { matchLabels: { app: 'web' } } });
  });
});

describe('what other servers say', () => {
  const text = readDocuments(deployment('x'));
  const mapper = new FaultMapper(text.documents[0]!.objects[0]!, text.position);
  const bad = (message: string) => mapper.map(apiError(400, 'BadRequest', message))[0]!;

  it('finds a field named by its Go struct alone', () => {
    const wrong = readDocuments(deployment('x', (source) => source.replace('image: nginx:1', 'image: 5')));
    const fault = new FaultMapper(wrong.documents[0]!.objects[0]!, wrong.position).map(
      apiError(400, 'BadRequest', 'json: cannot unmarshal number into Go struct field Container.image of type string'),
    )[0]!;
    expect(fault).toMatchObject({ line: 17, column: 18, path: 'spec.template.spec.containers[0].image' });
  });

  it('keeps the words of what it cannot place, at the start of the document', () => {
    expect(bad('admission webhook "x" denied the request: no')).toEqual({
      line: 1,
      column: 1,
      message: 'admission webhook "x" denied the request: no',
    });
  });

  it('follows keys with dots and indices', () => {
    expect(splitPath('spec.containers[2].env["a.b"].x[key]')).toEqual([
      'spec',
      'containers',
      '2',
      'env',
      'a.b',
      'x',
      'key',
    ]);
    const source = readDocuments('apiVersion: v1\nkind: X\nmetadata:\n  name: x\n  annotations:\n    a.b/c: 1\n');
    const found = locate(source.documents[0]!.objects[0]!.node, 'metadata.annotations.a.b/c');
    expect(found.depth).toBe(4);
    expect(source.position(found.at.range![0])).toEqual({ line: 6, column: 5 });
  });
});

describe('applying', () => {
  it('creates, finds nothing to do, configures, and shows both sides', async () => {
    const [created] = await apply(deployment('web'));
    expect(created).toMatchObject({
      action: 'created',
      kind: 'Deployment',
      name: 'web',
      namespace: 'default',
      line: 1,
    });
    expect(created!.before).toBeUndefined();
    expect(created!.after).toContain('strategy:');
    const [again] = await apply(deployment('web'));
    expect(again!.action).toBe('unchanged');
    const [changed] = await apply(deployment('web', (text) => text.replace('nginx:1', 'nginx:2')));
    expect(changed!.action).toBe('configured');
    expect(changed!.before).toContain('image: nginx:1');
    expect(changed!.after).toContain('image: nginx:2');
    expect(changed!.after).not.toContain('managedFields');
    expect(changed!.after).not.toContain('\nstatus:');
  });

  it('keeps what others set and removes what was applied and is gone', async () => {
    await apply(deployment('merge'));
    await api.transport.request({
      method: 'PATCH',
      path: '/apis/apps/v1/namespaces/default/deployments/merge',
      contentType: 'application/merge-patch+json',
      body: { metadata: { labels: { theirs: 'yes' } }, spec: { minReadySeconds: 7 } },
    });
    const [result] = await apply(
      deployment('merge', (text) => text.replace(/ +resources:[\s\S]*$/, '').replace('  replicas: 3\n', '')),
    );
    expect(result!.action).toBe('configured');
    const stored = await get('/apis/apps/v1/namespaces/default/deployments/merge');
    expect(stored.metadata.labels).toEqual({ theirs: 'yes' });
    expect(stored.spec.minReadySeconds).toBe(7);
    expect(stored.spec.template.spec.containers[0].resources).toEqual({});
    expect(stored.spec.replicas).toBe(1);
  });

  it('stores nothing as a dry run, also in a namespace that the text creates', async () => {
    const text =
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  namespace: fresh\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: fresh\n';
    const preview = await apply(text, { dryRun: true });
    expect(preview.map(({ action, document, faults }) => ({ action, document, faults }))).toEqual([
      { action: 'created', document: 0, faults: [] },
      { action: 'created', document: 1, faults: [] },
    ]);
    expect(preview[0]!.after).toContain('namespace: fresh');
    expect(await exists('/api/v1/namespaces/fresh')).toBe(false);
    const real = await apply(text);
    expect(real.map((result) => result.action)).toEqual(['created', 'created']);
    expect(await exists('/api/v1/namespaces/fresh/configmaps/c')).toBe(true);
  });

  it('reads octal numbers, lists of objects, comments and empty documents as kubectl does', async () => {
    const text = `# nothing
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: { name: one }
  - apiVersion: v1
    kind: ConfigMap
    metadata: { name: Two }
---
---
apiVersion: v1
kind: Pod
metadata: { name: octal }
spec:
  containers: [{ name: a, image: b, env: [{ name: FLAG, value: "on" }] }]
  volumes: [{ name: v, configMap: { name: one, defaultMode: 0644 } }]
`;
    const results = await apply(text);
    expect(results.map(({ line, action, name }) => [line, action, name])).toEqual([
      [6, 'created', 'one'],
      [9, 'failed', 'Two'],
      [14, 'created', 'octal'],
    ]);
    expect(results[1]!.faults[0]).toMatchObject({ line: 11 });
    expect((await get('/api/v1/namespaces/default/pods/octal')).spec.volumes[0].configMap.defaultMode).toBe(420);
  });

  it('puts documents without a namespace where it is told', async () => {
    await apply('apiVersion: v1\nkind: Namespace\nmetadata: { name: chosen }\n');
    const [result] = await apply('apiVersion: v1\nkind: ConfigMap\nmetadata: { name: here }\n', {
      namespace: 'chosen',
    });
    expect(result!.namespace).toBe('chosen');
    expect(await exists('/api/v1/namespaces/chosen/configmaps/here')).toBe(true);
  });

  it('saves an edited object only at the version it was read at', async () => {
    await apply('apiVersion: v1\nkind: ConfigMap\nmetadata: { name: edited }\ndata: { a: "1", b: "2" }\n');
    const path = '/api/v1/namespaces/default/configmaps/edited';
    const { resourceVersion } = (await get(path)).metadata;
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: edited }\ndata: { a: "9" }\n';
    const [saved] = await apply(text, { resourceVersion });
    expect(saved!.action).toBe('configured');
    expect((await get(path)).data).toEqual({ a: '9' });
    const failure = await apply(text, { resourceVersion }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ApiError);
    expect((failure as ApiError).status).toMatchObject({ code: 409, reason: 'Conflict' });
    expect((failure as ApiError).message).toContain('the object has been modified');
  });

  it('takes a change of nothing but status for no conflict', async () => {
    expect(await apply(deployment('busy'))).toMatchObject([{ action: 'created' }]);
    const path = '/apis/apps/v1/namespaces/default/deployments/busy';
    const loaded = await get(path);
    const base = editorYaml(loaded);
    const status = { ...loaded, status: { observedGeneration: 1, replicas: 3 } };
    await api.transport.request({ method: 'PUT', path: `${path}/status`, body: status });
    const edit = { resourceVersion: loaded.metadata.resourceVersion as string, base };
    const [saved] = await apply(base.replace('image: nginx:1', 'image: nginx:2'), edit);
    expect(saved).toMatchObject({ action: 'configured', faults: [] });
    expect(saved!.before).not.toContain('status');
    expect((await get(path)).status).toMatchObject({ replicas: 3 });
    // Now the spec itself has moved on.
    await expect(apply(base.replace('image: nginx:1', 'image: nginx:3'), edit)).rejects.toMatchObject({
      reason: 'Conflict',
    });
  });
});
