import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  ApiException,
  AppsV1Api,
  Attach,
  BatchV1Api,
  CoreV1Api,
  Exec,
  Health,
  KubeConfig,
  KubernetesObjectApi,
  Log,
  makeInformer,
  Metrics,
  PatchStrategy,
  PortForward,
  setHeaderOptions,
  topPods,
  VersionApi,
  Watch,
  type KubernetesObject,
  type V1ConfigMap,
  type V1Deployment,
  type V1Status,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deleteCluster, startApp, type RunningApp } from '../support/app';
import { eventually } from '../support/kubectl';

const namespace = 'default';

let app: RunningApp;
let config: KubeConfig;
let core: CoreV1Api;

beforeAll(async () => {
  app = await startApp({ args: ['--runtime', 'docker', '--no-ui'] });
  config = new KubeConfig();
  config.loadFromFile(app.kubeconfig);
  core = config.makeApiClient(CoreV1Api);
  await eventually('the account of the pods', async () =>
    core.readNamespacedServiceAccount({ name: 'default', namespace }),
  );
  await core.createNamespacedPod({
    namespace,
    body: {
      metadata: { name: 'box', labels: { app: 'box' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'box',
            image: 'busybox:1',
            stdin: true,
            command: ['sh', '-c', 'nc -ll -p 9000 -e cat & while read line; do echo "got $line"; done; sleep 1000'],
          },
        ],
      },
    },
  });
  await eventually('the pod runs', async () => {
    const pod = await core.readNamespacedPod({ name: 'box', namespace });
    return pod.status?.phase === 'Running';
  });
});
afterAll(async () => {
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
});

const collect = () => {
  const stream = new PassThrough();
  return { stream, text: text(stream) };
};
/** The status of an answer that is an error. */
async function refusal(call: Promise<unknown>): Promise<{ code: number; reason: string; message: string }> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApiException)) throw new Error(`no answer of the API: ${String(error)}`);
  const status = JSON.parse(error.body as string);
  return { code: error.code, reason: status.reason, message: status.message };
}
const configMap = (name: string, data: Record<string, string>, labels?: Record<string, string>): V1ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace, labels },
  data,
});

test('knows the server and finds it healthy', async () => {
  expect((await config.makeApiClient(VersionApi).getCode()).gitVersion).toMatch(/^v1\.\d+/);
  const health = new Health(config);
  expect([await health.readyz({}), await health.livez({})]).toEqual([true, true]);
});

test('typed calls: create, read, replace, list in pages, delete, and what is refused', async () => {
  const created = await core.createNamespacedConfigMap({ namespace, body: configMap('typed', { a: '1' }) });
  expect(created.metadata!.creationTimestamp).toBeInstanceOf(Date);
  expect(await refusal(core.createNamespacedConfigMap({ namespace, body: configMap('typed', {}) }))).toEqual({
    code: 409,
    reason: 'AlreadyExists',
    message: 'configmaps "typed" already exists',
  });
  const replaced = await core.replaceNamespacedConfigMap({
    name: 'typed',
    namespace,
    body: { ...created, data: { a: '2' } },
  });
  expect(replaced.data).toEqual({ a: '2' });
  expect(
    await refusal(core.replaceNamespacedConfigMap({ name: 'typed', namespace, body: { ...created, data: {} } })),
  ).toMatchObject({ code: 409, reason: 'Conflict' });
  for (const name of ['p1', 'p2', 'p3'])
    await core.createNamespacedConfigMap({ namespace, body: configMap(name, {}, { paged: 'yes' }) });
  const first = await core.listNamespacedConfigMap({ namespace, labelSelector: 'paged', limit: 2 });
  expect([first.items.length, first.metadata!.remainingItemCount ?? 1]).toEqual([2, 1]);
  const rest = await core.listNamespacedConfigMap({
    namespace,
    labelSelector: 'paged',
    limit: 2,
    _continue: first.metadata!._continue,
  });
  expect(rest.items.map((item) => item.metadata!.name)).toEqual(['p3']);
  await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'paged' });
  await core.deleteNamespacedConfigMap({ name: 'typed', namespace });
  expect(await refusal(core.readNamespacedConfigMap({ name: 'typed', namespace }))).toMatchObject({ code: 404 });
  expect(await refusal(core.createNamespacedConfigMap({ namespace, body: configMap('Not A Name', {}) }))).toMatchObject(
    { code: 422, reason: 'Invalid', message: expect.stringContaining('metadata.name: Invalid value') },
  );
});

test('a Job runs to its end', async () => {
  const batch = config.makeApiClient(BatchV1Api);
  await batch.createNamespacedJob({
    namespace,
    body: {
      metadata: { name: 'once' },
      spec: {
        template: {
          spec: {
            restartPolicy: 'Never',
            containers: [{ name: 'main', image: 'busybox:1', command: ['echo', 'done'] }],
          },
        },
      },
    },
  });
  const job = await eventually('the job is complete', async () => {
    const found = await batch.readNamespacedJob({ name: 'once', namespace });
    return found.status?.succeeded === 1 && found;
  });
  expect(job.status!.completionTime).toBeInstanceOf(Date);
  await batch.deleteNamespacedJob({ name: 'once', namespace, propagationPolicy: 'Background' });
});

test('patches of every kind', async () => {
  await core.createNamespacedConfigMap({ namespace, body: configMap('patched', { a: '1' }) });
  const patch = (body: object, strategy: PatchStrategy) =>
    core.patchNamespacedConfigMap({ name: 'patched', namespace, body }, setHeaderOptions('Content-Type', strategy));
  expect((await patch([{ op: 'add', path: '/data/b', value: '2' }], PatchStrategy.JsonPatch)).data).toEqual({
    a: '1',
    b: '2',
  });
  expect((await patch({ data: { a: null } }, PatchStrategy.MergePatch)).data).toEqual({ b: '2' });
  expect((await patch({ data: { c: '3' } }, PatchStrategy.StrategicMergePatch)).data).toEqual({ b: '2', c: '3' });
  expect(await refusal(patch([{ op: 'test', path: '/data/b', value: 'no' }], PatchStrategy.JsonPatch))).toMatchObject({
    code: 422,
  });
  await core.deleteNamespacedConfigMap({ name: 'patched', namespace });
});

test('server-side apply: fields have owners, conflicts name them, force takes them', async () => {
  const apps = config.makeApiClient(AppsV1Api);
  const deployment = (replicas: number | undefined, image: string): V1Deployment => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'applied' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'applied' } },
      template: {
        metadata: { labels: { app: 'applied' } },
        spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'web', image }] },
      },
    },
  });
  const apply = (fieldManager: string, body: object, force?: boolean) =>
    apps.patchNamespacedDeployment(
      { name: 'applied', namespace, body, fieldManager, force },
      setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply),
    );
  const made = await apply('one', deployment(0, 'gantry-test/web:v1'));
  expect(made.metadata!.managedFields).toMatchObject([{ manager: 'one', operation: 'Apply' }]);
  expect(await refusal(apply('two', deployment(0, 'gantry-test/web:v2')))).toEqual({
    code: 409,
    reason: 'Conflict',
    message: 'Apply failed with 1 conflict: conflict with "one": .spec.template.spec.containers[name="web"].image',
  });
  const forced = await apply('two', deployment(undefined, 'gantry-test/web:v2'), true);
  expect(forced.spec!.template.spec!.containers[0]!.image).toBe('gantry-test/web:v2');
  expect(forced.spec!.replicas).toBe(0);
  await apps.deleteNamespacedDeployment({ name: 'applied', namespace });
});

test('objects of any kind, found by discovery', async () => {
  const objects = KubernetesObjectApi.makeApiClient(config);
  const created = await objects.create(configMap('any', { a: '1' }));
  expect(
    await objects.read({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'any', namespace } }),
  ).toMatchObject({ data: { a: '1' } });
  const patched = await objects.patch(configMap('any', { a: '2' }), undefined, undefined, 'them');
  expect((patched as V1ConfigMap).data).toEqual({ a: '2' });
  const applied = await objects.patch(
    configMap('any', { a: '3' }),
    undefined,
    undefined,
    'them',
    true,
    PatchStrategy.ServerSideApply,
  );
  expect((applied as V1ConfigMap).data).toEqual({ a: '3' });
  const replaced = await objects.replace({ ...applied, data: { a: '4' } } as V1ConfigMap);
  expect(replaced.data).toEqual({ a: '4' });
  expect((await objects.list('v1', 'ConfigMap', namespace)).items.map((item) => item.metadata!.name)).toContain('any');
  await objects.delete(created);
  const role = await objects.create<KubernetesObject>({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'any', namespace },
  });
  expect(role.metadata!.uid).toMatch(/^[0-9a-f-]{36}$/);
  await objects.delete(role);
});

test('a watch from a revision tells what happened since', async () => {
  const { metadata } = await core.listNamespacedConfigMap({ namespace });
  await core.createNamespacedConfigMap({ namespace, body: configMap('seen', { a: '1' }) });
  const events: string[] = [];
  let ended: unknown = 'not yet';
  const watch = await new Watch(config).watch(
    `/api/v1/namespaces/${namespace}/configmaps`,
    { resourceVersion: metadata!.resourceVersion, fieldSelector: 'metadata.name=seen', allowWatchBookmarks: true },
    (phase, object: V1ConfigMap) => phase !== 'BOOKMARK' && events.push(`${phase} ${object.data?.a}`),
    (error: unknown) => (ended = error),
  );
  await eventually('the first event', async () => events.length === 1);
  await core.replaceNamespacedConfigMap({ name: 'seen', namespace, body: configMap('seen', { a: '2' }) });
  await core.deleteNamespacedConfigMap({ name: 'seen', namespace });
  await eventually('all events', async () => events.length === 3);
  expect(events).toEqual(['ADDED 1', 'MODIFIED 2', 'DELETED 2']);
  watch.abort();
  await eventually('the end', async () => ended !== 'not yet');
});

test('exec: input, both outputs and the exit code', async () => {
  const [stdout, stderr] = [collect(), collect()];
  const command = ['sh', '-c', 'cat; echo oops >&2; exit 4'];
  const status = await new Promise<V1Status>((done, reject) => {
    new Exec(config)
      .exec(namespace, 'box', 'box', command, stdout.stream, stderr.stream, Readable.from(['in']), false, done)
      .catch(reject);
  });
  expect(status).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode' });
  expect(status.details!.causes).toContainEqual({ reason: 'ExitCode', message: '4' });
  stdout.stream.end();
  stderr.stream.end();
  expect([await stdout.text, await stderr.text]).toEqual(['in', 'oops\n']);
});

test('attach and logs', async () => {
  const [stdout, input] = [collect(), new PassThrough()];
  const socket = await new Attach(config).attach(namespace, 'box', 'box', stdout.stream, null, input, false);
  let heard = '';
  stdout.stream.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  input.write('hello\n');
  await eventually('an answer', async () => heard.includes('got hello\n'));
  socket.close();
  expect(await core.readNamespacedPodLog({ name: 'box', namespace })).toBe('got hello\n');
  const log = collect();
  const follow = await new Log(config).log(namespace, 'box', 'box', log.stream, { follow: true, tailLines: 1 });
  let lines = '';
  log.stream.on('data', (chunk: Buffer) => (lines += chunk.toString()));
  await eventually('the log is followed', async () => lines === 'got hello\n');
  follow.abort();
});

test('port-forward', async () => {
  const server = createServer((socket) => {
    void new PortForward(config).portForward(namespace, 'box', [9000], socket, null, socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('there and back');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toBe('there and back');
  socket.destroy();
  server.close();
});

test('metrics', async () => {
  const metrics = new Metrics(config);
  const usage = await eventually('usage of the pod', async () =>
    (await metrics.getPodMetrics(namespace)).items.find((pod) => pod.metadata.name === 'box'),
  );
  expect(usage.containers[0]!.usage.memory).toMatch(/^\d+Ki$/);
  expect((await metrics.getNodeMetrics()).items[0]!.usage.cpu).toMatch(/^\d+[nmu]?$/);
  const [box] = (await topPods(core, metrics, namespace)).filter(({ Pod }) => Pod.metadata!.name === 'box');
  expect(Number(box!.Memory.CurrentUsage)).toBeGreaterThan(0);
});

test('an informer has what the cluster has, also after the API was away', async () => {
  const informer = makeInformer<V1ConfigMap>(
    config,
    `/api/v1/namespaces/${namespace}/configmaps`,
    () => core.listNamespacedConfigMap({ namespace, labelSelector: 'informed' }),
    'informed',
  );
  const events: string[] = [];
  for (const verb of ['add', 'update', 'delete'] as const)
    informer.on(verb, (object) => events.push(`${verb} ${object.metadata!.name} ${object.data?.a}`));
  let stopped = false;
  // As its documentation has it: whoever uses it starts it again after an error.
  informer.on('error', () => {
    if (!stopped) setTimeout(() => void informer.start().catch(() => {}), 200);
  });
  const informed = (name: string, a: string) => configMap(name, { a }, { informed: 'yes' });
  await core.createNamespacedConfigMap({ namespace, body: informed('one', '1') });
  await informer.start();
  await core.createNamespacedConfigMap({ namespace, body: informed('two', '1') });
  await core.replaceNamespacedConfigMap({ name: 'one', namespace, body: informed('one', '2') });
  await core.deleteNamespacedConfigMap({ name: 'two', namespace });
  await eventually('four events', async () => events.length === 4);
  expect(events).toEqual(['add one 1', 'add two 1', 'update one 2', 'delete two 1']);
  expect(informer.list(namespace).map(({ metadata }) => metadata!.name)).toEqual(['one']);

  const port = new URL(app.api).port;
  await app.stop();
  app = await startApp({
    dataDirectory: app.dataDirectory,
    args: ['--runtime', 'docker', '--no-ui', '--api-port', port],
  });
  await core.createNamespacedConfigMap({ namespace, body: informed('three', '1') });
  await core.replaceNamespacedConfigMap({ name: 'one', namespace, body: informed('one', '3') });
  await eventually('the informer caught up', async () => {
    const have = informer.list(namespace).map(({ metadata, data }) => `${metadata!.name} ${data!.a}`);
    return have.sort().join() === 'one 3,three 1';
  });
  stopped = true;
  await informer.stop();
});
