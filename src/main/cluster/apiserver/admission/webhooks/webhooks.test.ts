import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { connect, createServer as createSilentServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '@shared/k8s';
import { systemClock } from '../../../clock';
import { loadOrCreatePki, type Pki } from '../../pki';
import { widget, widgetDefinition, withSpec } from '../../custom/testing';
import { createTestServer, podBody } from '../../testing';

type Answer = (request: any) => object | Promise<object> | number;

let directory: string;
let pki: Pki;
let server: Server;
let reviews: any[];
let answers: Record<string, Answer>;
let bed: Awaited<ReturnType<typeof createTestServer>>;
const pods = '/api/v1/namespaces/default/pods';
const group = '/apis/admissionregistration.k8s.io/v1';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'webhooks-'));
  pki = await loadOrCreatePki(directory, { clock: systemClock });
});
afterAll(() => rm(directory, { recursive: true }));

beforeEach(async () => {
  reviews = [];
  answers = {};
  server = createServer(pki.serving, (request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', async () => {
      const review = JSON.parse(text);
      const path = new URL(request.url!, 'https://x').pathname;
      reviews.push({ path, query: request.url!.split('?')[1], host: request.headers.host, ...review });
      const said = await answers[path]!(review.request);
      if (typeof said === 'number') return response.writeHead(said).end('broken');
      const answer = { apiVersion: review.apiVersion, kind: 'AdmissionReview' };
      response.end(JSON.stringify({ ...answer, response: { uid: review.request.uid, ...said } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  bed = await createTestServer();
});
afterEach(async () => {
  bed.server.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const port = () => (server.address() as AddressInfo).port;
const caBundle = () => Buffer.from(pki.caPem).toString('base64');

async function configure(kind: 'Mutating' | 'Validating', ...hooks: { path: string; [field: string]: unknown }[]) {
  const webhooks = hooks.map(({ path, ...more }) => ({
    name: `${path.slice(1)}.example.com`,
    clientConfig: { url: `https://127.0.0.1:${port()}${path}`, caBundle: caBundle() },
    rules: [{ operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    ...more,
  }));
  const name = `${kind.toLowerCase()}-${hooks[0]!.path.slice(1)}`;
  await bed.send('POST', `${group}/${kind.toLowerCase()}webhookconfigurations`, {
    body: { metadata: { name }, webhooks },
  });
}

const create = (body: KubeObject, query: Record<string, string> = {}) =>
  bed.send('POST', pods, { body, query }).then(
    (answer) => answer,
    (error) => `${error.code} ${error.reason} ${error.message}` as const,
  );
const patch = (...operations: object[]) => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});
const label = (value: string) => ({ op: 'add', path: '/metadata/labels', value: { by: value } });

test('changes what a mutating webhook patches, and defaults and validates it again', async () => {
  answers['/side'] = () =>
    patch(label('hook'), { op: 'add', path: '/spec/containers/-', value: { name: 'side', image: 'proxy' } });
  await configure('Mutating', { path: '/side' });
  const { body } = (await create(podBody('one'))) as { body: any };
  expect(body.metadata.labels).toEqual({ by: 'hook' });
  expect(body.spec.containers[1]).toMatchObject({ name: 'side', terminationMessagePolicy: 'File' });
  expect(reviews[0]).toMatchObject({
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    query: 'timeout=10s',
    request: {
      operation: 'CREATE',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      name: 'one',
      namespace: 'default',
      userInfo: { username: 'tester' },
      object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'one' } },
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions' },
    },
  });
  answers['/side'] = () => patch({ op: 'add', path: '/spec/containers/-', value: { name: 'NO', image: 'x' } });
  expect(await create(podBody('two'))).toContain('422 Invalid Pod "two" is invalid: spec.containers[1].name');
});

test('what a webhook adds goes through the plugins before it', async () => {
  await bed.send('POST', '/api/v1/namespaces/default/limitranges', {
    body: { metadata: { name: 'r' }, spec: { limits: [{ type: 'Container', defaultRequest: { cpu: '10m' } }] } },
  });
  answers['/side'] = () => patch({ op: 'add', path: '/spec/containers/-', value: { name: 'side', image: 'proxy' } });
  await configure('Mutating', { path: '/side' });
  const { body } = (await create(podBody('one'))) as { body: any };
  expect(body.spec.containers[1].resources.requests).toEqual({ cpu: '10m' });
});

test('asks again who wants to know of later changes', async () => {
  answers['/a'] = ({ object }) => (object.metadata.labels ? patch(label('a-again')) : { allowed: true });
  answers['/b'] = () => patch(label('b'));
  await configure('Mutating', { path: '/a', reinvocationPolicy: 'IfNeeded' }, { path: '/b' });
  const { body } = (await create(podBody('one'))) as { body: any };
  expect(reviews.map(({ path }) => path)).toEqual(['/a', '/b', '/a']);
  expect(body.metadata.labels).toEqual({ by: 'a-again' });
});

test('refuses in the words of the webhook, and shows its warnings', async () => {
  answers['/judge'] = ({ object }) =>
    object.metadata.name === 'bad'
      ? { allowed: false, status: { code: 403, message: 'not that name' } }
      : { allowed: true, warnings: ['mind the gap'] };
  answers['/silent'] = ({ object }) => ({ allowed: object.metadata.name !== 'silent' });
  await configure('Validating', { path: '/judge' }, { path: '/silent' });
  expect(await create(podBody('bad'))).toBe(
    '403 Forbidden admission webhook "judge.example.com" denied the request: not that name',
  );
  expect(await create(podBody('silent'))).toBe(
    '400 BadRequest admission webhook "silent.example.com" denied the request without explanation',
  );
  expect(((await create(podBody('good'))) as any).warnings).toContain('mind the gap');
  expect((await bed.send('GET', pods)).body.items).toHaveLength(1);
});

test('a webhook that fails keeps the request out, unless it may be ignored', async () => {
  answers['/broken'] = () => 500;
  answers['/open'] = () => 500;
  await configure('Validating', { path: '/broken' });
  expect(await create(podBody('one'))).toBe(
    '500 InternalError Internal error occurred: failed calling webhook "broken.example.com": failed to call webhook: an error on the server ("broken") has prevented the request from succeeding',
  );
  await bed.send('DELETE', `${group}/validatingwebhookconfigurations/validating-broken`);
  await configure('Validating', { path: '/open', failurePolicy: 'Ignore' });
  expect(await create(podBody('one'))).toMatchObject({ status: 201 });
  expect(reviews).toHaveLength(2);
});

test('says what is wrong on the way to a webhook', async () => {
  const url = 'https://127.0.0.1:1/gone';
  await configure('Validating', { path: '/gone', clientConfig: { url, caBundle: caBundle() } });
  expect(await create(podBody('one'))).toBe(
    '500 InternalError Internal error occurred: failed calling webhook "gone.example.com": failed to call webhook: Post "https://127.0.0.1:1/gone?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused',
  );
  await bed.send('DELETE', `${group}/validatingwebhookconfigurations/validating-gone`);
  await configure('Validating', { path: '/x', clientConfig: { url: `https://127.0.0.1:${port()}/x` } });
  expect(await create(podBody('one'))).toContain('tls: failed to verify certificate');
  expect(reviews).toEqual([]);
});

test('waits as long as it is told', async () => {
  let asked!: () => void;
  const reached = new Promise<void>((resolve) => (asked = resolve));
  answers['/slow'] = () => {
    asked();
    return new Promise<object>(() => {});
  };
  await configure('Validating', { path: '/slow', timeoutSeconds: 3 });
  const answer = create(podBody('one'));
  await reached;
  await bed.clock.advance(3000);
  expect(await answer).toContain('?timeout=3s": context deadline exceeded');
});

test('leaves no connection to a webhook that never says a word', async () => {
  const silent = createSilentServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const arrived = new Promise<Socket>((resolve) => silent.once('connection', resolve));
  const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
  await configure('Validating', { path: '/silent', timeoutSeconds: 3, clientConfig: { url, caBundle: caBundle() } });
  const answer = create(podBody('one'));
  const connection = await arrived;
  const closed = new Promise((resolve) => connection.resume().once('close', resolve));
  await bed.clock.advance(3000);
  expect(await answer).toContain('context deadline exceeded');
  await closed;
  silent.close();
});

test('asks only about what is meant', async () => {
  for (const path of ['/ns', '/labels', '/condition', '/update']) answers[path] = () => ({ allowed: true });
  await configure(
    'Validating',
    { path: '/ns', namespaceSelector: { matchLabels: { watched: 'yes' } } },
    { path: '/labels', objectSelector: { matchLabels: { app: 'web' } } },
    { path: '/condition', matchConditions: [{ name: 'c', expression: "object.metadata.name.startsWith('web')" }] },
    {
      path: '/update',
      rules: [{ operations: ['UPDATE'], apiGroups: ['*'], apiVersions: ['*'], resources: ['pods/status'] }],
    },
  );
  const called = async (body: KubeObject) => {
    reviews = [];
    const { body: made } = (await create(body)) as any;
    const paths = reviews.map(({ path }) => path).sort();
    return { made, paths };
  };
  expect((await called(podBody('one'))).paths).toEqual([]);
  const web = podBody('web-1');
  const { made, paths } = await called({ ...web, metadata: { ...web.metadata, labels: { app: 'web' } } });
  expect(paths).toEqual(['/condition', '/labels']);
  reviews = [];
  await bed.send('PUT', `${pods}/web-1/status`, { body: { ...made, status: { ...made.status, message: 'x' } } });
  expect(reviews.map(({ path, request }) => [path, request.operation, request.subResource])).toEqual([
    ['/update', 'UPDATE', 'status'],
  ]);
});

test('tells of dry runs and of deletions', async () => {
  answers['/all'] = ({ operation, oldObject }) => ({
    allowed: operation !== 'DELETE' || oldObject.metadata.name !== 'keep',
  });
  const rules = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }];
  await configure('Validating', { path: '/all', rules });
  await create(podBody('keep'), { dryRun: 'All' });
  expect(reviews.at(-1).request).toMatchObject({ dryRun: true });
  await create(podBody('keep'));
  await expect(bed.send('DELETE', `${pods}/keep`)).rejects.toThrow('denied the request');
  expect(reviews.at(-1).request).toMatchObject({ operation: 'DELETE', object: null });
  reviews = [];
  await bed.send('DELETE', `${group}/validatingwebhookconfigurations/validating-all`);
  expect(reviews).toEqual([]);
});

test('refuses conditions that do not compile', async () => {
  await expect(
    configure('Validating', { path: '/x', matchConditions: [{ name: 'c', expression: 'object.' }] }),
  ).rejects.toThrow('webhooks[0].matchConditions[0].expression: Invalid value: "object.": compilation failed');
});

test('reaches a webhook behind a service on one of its pods', async () => {
  answers['/'] = () => ({ allowed: false, status: { message: 'from inside' } });
  await bed.send('POST', '/api/v1/namespaces/default/services', {
    body: { metadata: { name: 'kubernetes' }, spec: { ports: [{ port: 443, targetPort: 8443 }] } },
  });
  await bed.send('POST', pods, { body: { ...podBody('hook-1', { nodeName: 'node' }) } });
  const asked: [string, number][] = [];
  bed.nodes.register('node', {
    portForward: async (_namespace: string, name: string, number: number) => {
      asked.push([name, number]);
      return connect(port(), '127.0.0.1');
    },
  } as any);
  const service = { namespace: 'default', name: 'kubernetes' };
  await configure('Validating', { path: '/service', clientConfig: { service, caBundle: caBundle() } });
  expect(await create(podBody('one'))).toContain(
    'failed to call webhook: Post "https://kubernetes.default.svc:443/?timeout=10s": no endpoints available for service "kubernetes"',
  );
  await bed.send('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    body: {
      metadata: { name: 'hook-x', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
      addressType: 'IPv4',
      ports: [{ port: 8443 }],
      endpoints: [{ addresses: ['10.0.0.9'], targetRef: { kind: 'Pod', name: 'hook-1' } }],
    },
  });
  expect(await create(podBody('one'))).toBe(
    '400 BadRequest admission webhook "service.example.com" denied the request: from inside',
  );
  expect(asked).toEqual([['hook-1', 8443]]);
  expect(reviews[0].host).toBe('kubernetes.default.svc');
});

test('is asked about connections, and may change what they are to do', async () => {
  bed.nodes.register('n1', { run: async (_namespace: string, _pod: string, options: object) => options } as never);
  await bed.send('POST', pods, { body: podBody('p', { nodeName: 'n1' }) });
  const rules = [
    { operations: ['CONNECT'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods/exec', 'pods/portforward'] },
  ];
  answers['/tame'] = () => ({
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from('[{"op":"replace","path":"/command/0","value":"true"}]').toString('base64'),
  });
  answers['/guard'] = ({ object }) => ({ allowed: object.kind === 'PodExecOptions', status: { message: 'no way in' } });
  await configure('Mutating', { path: '/tame', rules: [{ ...rules[0], resources: ['pods/exec'] }] });
  await configure('Validating', { path: '/guard', rules });
  const exec = new URLSearchParams('command=rm&command=-rf&stdout=true&container=main');
  const request = { method: 'POST', query: exec, user: { name: 'jane', groups: ['system:masters'] } };
  const { payload } = await bed.server.handle({ ...request, path: `${pods}/p/exec` });
  if (payload.type !== 'run') throw new Error('not a run');
  expect(payload.options.command).toEqual(['true', '-rf']);
  expect(reviews[0].request).toMatchObject({
    operation: 'CONNECT',
    kind: { group: '', version: 'v1', kind: 'PodExecOptions' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    subResource: 'exec',
    name: 'p',
    namespace: 'default',
    object: { kind: 'PodExecOptions', apiVersion: 'v1', command: ['rm', '-rf'], stdout: true, container: 'main' },
    oldObject: null,
    options: null,
  });
  const forward = bed.server.handle({
    ...request,
    path: `${pods}/p/portforward`,
    query: new URLSearchParams('ports=80'),
  });
  await expect(forward).rejects.toMatchObject({ message: expect.stringContaining('denied the request: no way in') });
  expect(reviews.at(-1).request.object).toEqual({ kind: 'PodPortForwardOptions', apiVersion: 'v1', ports: [80] });
});

test('is asked in the version that it knows', async () => {
  const scaler = (version: string, spec: object) => ({
    apiVersion: `autoscaling/${version}`,
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'h' },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3, ...spec },
  });
  answers['/old'] = () => ({
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from('[{"op":"replace","path":"/spec/targetCPUUtilizationPercentage","value":70}]').toString(
      'base64',
    ),
  });
  answers['/exact'] = () => ({ allowed: false });
  const rules = [
    {
      operations: ['CREATE'],
      apiGroups: ['autoscaling'],
      apiVersions: ['v1'],
      resources: ['horizontalpodautoscalers'],
    },
  ];
  await configure('Mutating', { path: '/old', rules });
  await configure('Validating', { path: '/exact', rules, matchPolicy: 'Exact' });
  const cpu = (averageUtilization: number) => ({
    type: 'Resource',
    resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
  });
  const { body } = await bed.send('POST', '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', {
    body: scaler('v2', { metrics: [cpu(50)] }),
  });
  expect(body.apiVersion).toBe('autoscaling/v2');
  expect(body.spec.metrics).toEqual([cpu(70)]);
  expect(reviews).toHaveLength(1);
  expect(reviews[0].request).toMatchObject({
    kind: { group: 'autoscaling', version: 'v1', kind: 'HorizontalPodAutoscaler' },
    resource: { version: 'v1' },
    requestKind: { group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler' },
    requestResource: { version: 'v2' },
    object: { apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 50 } },
  });
});

test('leaves what it notes in the audit log', async () => {
  answers['/noted'] = () => ({ allowed: true, auditAnnotations: { why: 'as always' } });
  answers['/open'] = () => 500;
  await configure('Mutating', { path: '/noted' });
  await configure('Validating', { path: '/open', failurePolicy: 'Ignore' });
  const noted: Record<string, string> = {};
  await bed.server.handle({
    method: 'POST',
    path: pods,
    query: new URLSearchParams(),
    body: podBody('p'),
    user: { name: 'jane', groups: ['system:masters'] },
    annotate: (key, value) => void (noted[key] = value),
  });
  expect(noted).toMatchObject({
    'noted.example.com/why': 'as always',
    'mutation.webhook.admission.k8s.io/round_0_index_0':
      '{"configuration":"mutating-noted","webhook":"noted.example.com","mutated":false}',
    'failed-open.validating.webhook.admission.k8s.io/round_0_index_0': 'open.example.com',
  });
});

test('is asked about custom objects in the version that it knows', async () => {
  const versions = ['v1', 'v2'].map((name) => ({
    name,
    served: true,
    storage: name === 'v1',
    schema: { openAPIV3Schema: withSpec({ size: { type: 'integer' } }) },
  }));
  await bed.send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    body: widgetDefinition(withSpec({}), {}, { versions }),
  });
  answers['/widgets'] = () => ({
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from('[{"op":"replace","path":"/spec/size","value":2}]').toString('base64'),
  });
  const rules = [{ operations: ['*'], apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['widgets'] }];
  await configure('Mutating', { path: '/widgets', rules });
  const path = '/apis/example.com/v2/namespaces/default/widgets';
  const { body } = await bed.send('POST', path, {
    body: { ...widget('w', { size: 1 }), apiVersion: 'example.com/v2' },
  });
  expect(body).toMatchObject({ apiVersion: 'example.com/v2', spec: { size: 2 } });
  expect(reviews[0].request).toMatchObject({
    resource: { version: 'v1' },
    requestResource: { version: 'v2' },
    object: { apiVersion: 'example.com/v1', spec: { size: 1 } },
  });
});
