import { PassThrough } from 'node:stream';
import { beforeEach, expect, it } from 'vitest';
import { podBody } from '../../../cluster/apiserver/testing';
import { createTestKubectl } from '../../testing';

const pods = '/api/v1/namespaces/default/pods';
let test: Awaited<ReturnType<typeof createTestKubectl>>;

const pod = async (name: string) => (await test.send('GET', `${pods}/${name}`)).body;

beforeEach(async () => {
  test = await createTestKubectl();
  const containers = [{ name: 'main', image: 'busybox', livenessProbe: { exec: { command: ['true'] } } }];
  const body = podBody('app', { nodeName: 'n1', containers });
  await test.send('POST', pods, { body: { ...body, metadata: { name: 'app', labels: { app: 'app' } } } });
});

it('adds a container that sees the processes of another', async () => {
  const { code, out } = await test.kubectl('debug app --image=tools --container=helper --target=main -- sh -c x');
  expect(code).toBe(0);
  expect(out).toMatch(/^Targeting container "main"\. If you don't see processes/);
  expect((await pod('app')).spec.ephemeralContainers).toMatchObject([
    {
      name: 'helper',
      image: 'tools',
      command: ['sh', '-c', 'x'],
      targetContainerName: 'main',
      securityContext: { capabilities: { add: ['SYS_PTRACE'] } },
    },
  ]);
  expect((await test.kubectl('debug app --image=tools --profile=legacy')).out).toMatch(
    /^Defaulting debug container name to debugger-[a-z0-9]{5}\.\n$/,
  );
  expect((await pod('app')).spec.ephemeralContainers).toHaveLength(2);
});

it('attaches once it runs', async () => {
  test.nodes.register('n1', {
    logs: () => Promise.reject(new Error('no logs')),
    portForward: () => Promise.reject(new Error('no ports')),
    async run(_namespace, _pod, { container }) {
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      stdout.end(`inside ${container}\n`);
      stderr.end();
      return { stdin: null, stdout, stderr, resize: () => {}, close: () => {}, done: Promise.resolve({ exitCode: 0 }) };
    },
  });
  const ran = test.start('debug app --image=tools --container=helper --attach'.split(' '));
  await expect.poll(async () => (await pod('app')).spec.ephemeralContainers?.length).toBe(1);
  const state = { running: { startedAt: '2026-01-01T00:00:00Z' } };
  const status = {
    phase: 'Running',
    ephemeralContainerStatuses: [{ name: 'helper', state, ready: false, restartCount: 0, image: 'tools', imageID: '' }],
  };
  await test.send('PUT', `${pods}/app/status`, { body: { ...(await pod('app')), status } });
  expect(await ran.done).toBe(0);
  expect(ran.out()).toBe('inside helper\n');
});

it('makes a copy that is nobody else’s', async () => {
  await test.kubectl('debug app --image=tools --copy-to=copy --container=helper --same-node');
  const copy = await pod('copy');
  expect(copy.metadata.labels).toBeUndefined();
  expect(copy.spec).toMatchObject({ nodeName: 'n1', shareProcessNamespace: true });
  expect(copy.spec.containers.map(({ name, image, livenessProbe }: any) => [name, image, livenessProbe])).toEqual([
    ['main', 'busybox', undefined],
    ['helper', 'tools', undefined],
  ]);
  await test.kubectl('debug app --copy-to=other --container=main -- sleep 9');
  const other = await pod('other');
  expect(other.spec.nodeName).toBeUndefined();
  expect(other.spec.containers).toMatchObject([{ name: 'main', image: 'busybox', command: ['sleep', '9'] }]);
  await test.kubectl('debug app --copy-to=third --set-image=*=new');
  expect((await pod('third')).spec.containers).toMatchObject([{ image: 'new' }]);
});

it('makes a pod on a node', async () => {
  await test.send('POST', '/api/v1/nodes', { body: { metadata: { name: 'n1' } } });
  const { out } = await test.kubectl('debug node/n1 --image=tools');
  const [, name] = /^Creating debugging pod (node-debugger-n1-\w{5}) with container debugger on node n1\.\n$/.exec(
    out,
  )!;
  expect((await pod(name!)).spec).toMatchObject({
    nodeName: 'n1',
    hostNetwork: true,
    hostPID: true,
    containers: [{ name: 'debugger', volumeMounts: [{ name: 'host-root', mountPath: '/host' }] }],
  });
});

it.each([
  ['', 'error: NAME or --filename is required for debug\n'],
  [' app', 'error: you must specify --image when not using --copy-to.\n'],
  [' app -t --image=x', 'error: -i/--stdin is required for containers with -t/--tty=true\n'],
  [' app --image=x --profile=none', 'error: unknown profile: none\n'],
  [' nobody --image=x', 'Error from server (NotFound): pods "nobody" not found\n'],
  [
    ' app --image=x --target=y --copy-to=z',
    'error: --target is incompatible with --copy-to. Use --share-processes instead.\n',
  ],
])('debug%s fails', async (line, err) => {
  const ran = await test.kubectl(`debug${line}`);
  expect([ran.code, ran.err]).toEqual([1, err]);
});
