import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigMap, Secret } from '@shared/k8s';
import { resources } from '../../src/main/cluster/client/resources';
import { attachTo, ReadMarks } from '../../src/main/cluster/kubelet/runtime/docker-sessions';
import { busybox, docker } from '../support/docker';
import { createHarness, podOf, readAll, script, type Harness } from './kubelet-harness';

let cluster: Harness;
beforeAll(async () => {
  cluster = await createHarness();
});
afterAll(() => cluster?.close());

const forever = 'trap "exit 0" TERM; while true; do sleep 0.1; done';
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const encode = (text: string): string => Buffer.from(text).toString('base64');

describe('environment and volumes', () => {
  beforeAll(async () => {
    await cluster.create<ConfigMap>({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings', namespace: 'default' },
      data: { COLOR: 'green', 'app.conf': 'one\n' },
    });
    await cluster.create<Secret>({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'keys', namespace: 'default' },
      type: 'Opaque',
      data: { token: encode('s3cret') },
    });
  });

  it('gives containers what the spec refers to', async () => {
    const env = [
      { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'keys', key: 'token' } } },
      { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
      { name: 'GREETING', value: '$(NAME) is $(COLOR), $$(COLOR) and $(UNKNOWN) stay' },
    ];
    await cluster.create(
      podOf('env', {
        ...script(`env; echo "args: $0 $1"; ${forever}`),
        args: ['$(COLOR)', 'plain'],
        env,
        envFrom: [{ configMapRef: { name: 'settings' } }, { prefix: 'P_', secretRef: { name: 'keys' } }],
        resources: { limits: { memory: '64Mi' } },
      }),
    );
    const pod = await cluster.ready('env');
    // It runs before it has said all.
    await expect.poll(() => cluster.logs('env')).toContain('args: ');
    const lines = (await cluster.logs('env')).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'TOKEN=s3cret',
        'NAME=env',
        `IP=${pod.status!.podIP}`,
        'LIMIT=64',
        'COLOR=green',
        'P_token=s3cret',
        'GREETING=env is green, $(COLOR) and $(UNKNOWN) stay',
        'args: green plain',
        'HOSTNAME=env',
      ]),
    );
    expect((await cluster.run('env', ['cat', '/etc/hosts'])).output).toMatch(
      new RegExp(`^# Kubernetes-managed hosts file\\.[^]*\n${pod.status!.podIP}\tenv\n`),
    );
  });

  it('says what is missing, and goes on when it is there', async () => {
    await cluster.create(podOf('missing', { envFrom: [{ configMapRef: { name: 'later' } }] }));
    const pod = await cluster.until(
      'missing',
      'refused',
      (one) => one?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
    );
    expect(pod.status!.containerStatuses![0]!.state!.waiting!.message).toBe('configmap "later" not found');
    expect(await cluster.story('missing')).toContain('Warning Failed Error: configmap "later" not found');
    await cluster.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'later', namespace: 'default' },
      data: {},
    });
    await cluster.ready('missing');
  });

  it('mounts volumes and brings their files up to date', async () => {
    const volumes = [
      {
        name: 'conf',
        configMap: { name: 'settings', items: [{ key: 'app.conf', path: 'etc/app.conf', mode: 0o400 }] },
      },
      { name: 'keys', secret: { secretName: 'keys', defaultMode: 0o440 } },
      { name: 'scratch', emptyDir: {} },
      { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      { name: 'info', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
    ];
    const volumeMounts = [
      { name: 'conf', mountPath: '/conf' },
      { name: 'keys', mountPath: '/keys', readOnly: true },
      { name: 'scratch', mountPath: '/scratch' },
      { name: 'scratch', mountPath: '/part', subPath: 'a/b' },
      { name: 'memory', mountPath: '/memory' },
      { name: 'info', mountPath: '/info' },
    ];
    const writer = {
      name: 'writer',
      image: 'busybox:1',
      ...script('echo from-init > /scratch/file; echo hot > /memory/file'),
      volumeMounts,
    };
    await cluster.create(podOf('volumes', { volumeMounts }, { volumes, initContainers: [writer] }));
    await cluster.ready('volumes');
    const look = async (text: string): Promise<string> =>
      (await cluster.run('volumes', ['sh', '-c', text])).output.trim();
    expect(await look('cat /conf/etc/app.conf /keys/token /scratch/file /memory/file /info/labels')).toBe(
      'one\ns3cretfrom-init\nhot\napp="volumes"',
    );
    expect(await look('stat -L -c %a /conf/etc/app.conf /keys/token /scratch')).toBe('400\n440\n777');
    expect(await look('touch /part/x && ls /scratch/a/b')).toBe('x');
    expect(await look('df -k /memory | tail -1')).toMatch(/^tmpfs +1024 /);
    expect(await look('touch /keys/x')).toContain('Read-only file system');

    await cluster.client.patch(
      resources.configMaps,
      'default',
      'settings',
      { data: { 'app.conf': 'two\n' } },
      { type: 'merge' },
    );
    for (let tries = 0; (await look('cat /conf/etc/app.conf')) !== 'two' && tries < 50; tries++)
      await new Promise((done) => setTimeout(done, 100));
    expect(await look('cat /conf/etc/app.conf')).toBe('two');
  });

  it('waits for a volume that cannot be mounted yet', async () => {
    await cluster.create(podOf('unmounted', {}, { volumes: [{ name: 'v', configMap: { name: 'nowhere' } }] }));
    await expect
      .poll(() => cluster.story('unmounted'), { timeout: 10_000 })
      .toContain('Warning FailedMount MountVolume.SetUp failed for volume "v" : configmap "nowhere" not found');
    expect((await cluster.pod('unmounted'))!.status!.containerStatuses![0]!.state).toEqual({
      waiting: { reason: 'ContainerCreating' },
    });
    await cluster.remove('unmounted');
    await cluster.until('unmounted', 'gone', (pod) => !pod);
  });
});

describe('security and namespaces', () => {
  it('runs as the user, with the rights and namespaces of the spec', async () => {
    const securityContext = {
      runAsUser: 1000,
      runAsGroup: 2000,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    };
    await cluster.create(
      podOf(
        'secure',
        { securityContext },
        { shareProcessNamespace: true, securityContext: { fsGroup: 3000 }, hostname: 'box', subdomain: 'boxes' },
      ),
    );
    await cluster.ready('secure');
    const look = async (text: string): Promise<string> =>
      (await cluster.run('secure', ['sh', '-c', text])).output.trim();
    expect(await look('id -u; id -g; id -G')).toBe('1000\n2000\n2000 3000');
    expect(await look('touch /x')).toContain('Read-only file system');
    expect(await look('grep CapEff /proc/self/status')).toMatch(/0000000000000000$/);
    expect(await look('ps')).toContain('/pause');
    expect(await look('hostname')).toBe('box');
    expect(await look('cat /etc/hosts')).toContain('box.boxes.default.svc.cluster.local\tbox');
  });

  it('refuses to run as root what may not', async () => {
    await cluster.create(podOf('rootless', { securityContext: { runAsNonRoot: true } }));
    const pod = await cluster.until(
      'rootless',
      'refused',
      (one) => one?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
    );
    expect(pod.status!.containerStatuses![0]!.state!.waiting!.message).toContain(
      'container has runAsNonRoot and image will run as root',
    );
  });
});

describe('init containers and sidecars', () => {
  it('run in order before the others, a sidecar beside them', async () => {
    const volumes = [{ name: 'log', emptyDir: {} }];
    const volumeMounts = [{ name: 'log', mountPath: '/log' }];
    const step = (name: string): object => ({
      name,
      image: 'busybox:1',
      volumeMounts,
      ...script(`echo ${name} >> /log/order`),
    });
    const sidecar = {
      name: 'side',
      image: 'busybox:1',
      restartPolicy: 'Always',
      volumeMounts,
      ...script(`echo side >> /log/order; ${forever}`),
    };
    await cluster.create(
      podOf(
        'staged',
        { volumeMounts, ...script('cat /log/order; sleep 0.5') },
        { volumes, initContainers: [step('a'), sidecar, step('b')], restartPolicy: 'Never' },
      ),
    );
    const pod = await cluster.until('staged', 'over', (one) => one?.status?.phase === 'Succeeded');
    expect(await cluster.logs('staged')).toBe('a\nside\nb\n');
    expect(pod.status!.initContainerStatuses!.map((one) => one.state?.terminated?.reason)).toEqual([
      'Completed',
      'Completed',
      'Completed',
    ]);
    expect(pod.status!.conditions!.find((one) => one.type === 'Initialized')).toMatchObject({
      status: 'True',
      reason: 'PodCompleted',
    });
  });

  it('that fail for good fail the pod', async () => {
    const init = { name: 'init', image: 'busybox:1', ...script('exit 3') };
    await cluster.create(podOf('stillborn', {}, { initContainers: [init], restartPolicy: 'Never' }));
    const pod = await cluster.until('stillborn', 'failed', (one) => one?.status?.phase === 'Failed');
    expect(pod.status!.initContainerStatuses![0]!.state!.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
    expect(pod.status!.containerStatuses![0]!.state).toEqual({ waiting: { reason: 'PodInitializing' } });
  });
});

describe('hooks, host paths and host ports', () => {
  it('a postStart hook holds the container unready; one that fails ends it', async () => {
    const hook = (text: string): object => ({ lifecycle: { postStart: { exec: script(text) } } });
    await cluster.create(podOf('hooked', { ...script(forever), ...hook('sleep 1; touch /hooked') }));
    const early = await cluster.running('hooked');
    expect(early.status!.containerStatuses![0]).toMatchObject({ ready: false, started: false });
    await cluster.ready('hooked');
    expect((await cluster.run('hooked', ['ls', '/hooked'])).exitCode).toBe(0);

    await cluster.create(podOf('unhooked', { ...script(forever), ...hook('exit 1') }));
    await cluster.until('unhooked', 'restarted', (pod) => (pod?.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0);
    expect(await cluster.story('unhooked')).toEqual(
      expect.arrayContaining([
        'Warning FailedPostStartHook PostStartHook failed',
        'Normal Killing FailedPostStartHook',
      ]),
    );
    await cluster.remove('unhooked');
  });

  it('a port of the host leads to the pod, a path of the host is shared with it', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'gantry-host-'));
    const port = await freePort();
    await writeFile(join(directory, 'index.html'), 'from the host');
    const container = {
      ...script('httpd -f -p 8080 -h /host'),
      ports: [{ containerPort: 8080, hostPort: port, hostIP: '127.0.0.1' }],
      volumeMounts: [{ name: 'host', mountPath: '/host' }],
    };
    await cluster.create(
      podOf('hosted', container, { volumes: [{ name: 'host', hostPath: { path: directory, type: 'Directory' } }] }),
    );
    await cluster.ready('hosted');
    const fetched = () => fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text(), String);
    await expect.poll(fetched, { timeout: 5000 }).toBe('from the host');
    await rm(directory, { recursive: true });
  });
});

describe('exec and attach', () => {
  beforeAll(async () => {
    await cluster.create(podOf('shell', { ...script('while read line; do echo "got $line"; done'), stdin: true }));
    await cluster.ready('shell');
  });

  it('keeps both outputs apart and gives the exit code', async () => {
    const { connection } = cluster.kubelet;
    const session = await connection.run('default', 'shell', {
      container: 'main',
      command: ['sh', '-c', 'cat; echo problem >&2; exit 7'],
      stdin: true,
      stdout: true,
      stderr: true,
      tty: false,
    });
    session.stdin!.end('a line\n');
    const [out, err, done] = await Promise.all([readAll(session.stdout), readAll(session.stderr), session.done]);
    expect([out, err, done]).toEqual(['a line\n', 'problem\n', { exitCode: 7 }]);
  });

  it('carries a terminal and its size', async () => {
    const session = await cluster.kubelet.connection.run('default', 'shell', {
      container: 'main',
      command: ['sh'],
      stdin: true,
      stdout: true,
      stderr: true,
      tty: true,
    });
    session.resize(101, 33);
    let text = '';
    session.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()));
    session.stdin!.write('sleep 0.3; stty size; tty; exit 4\n');
    expect(await session.done).toEqual({ exitCode: 4 });
    expect(session.stderr).toBeNull();
    expect(text).toMatch(/33 101\r\n\/dev\/pts\/\d/);
  });

  it('reaches the process itself', async () => {
    const session = await cluster.kubelet.connection.run('default', 'shell', {
      container: 'main',
      stdin: true,
      stdout: true,
      stderr: true,
      tty: false,
    });
    const answer = new Promise<string>((resolve) =>
      session.stdout!.once('data', (chunk: Buffer) => resolve(chunk.toString())),
    );
    session.stdin!.write('word\n');
    expect(await answer).toBe('got word\n');
    session.close();
  });

  const attaching = { stdin: true, stdout: true, stderr: true, tty: false };

  it('gives what a container said that was only just started, and all of it until it ends', async () => {
    const text = 'echo at once; sleep 1; echo later; echo problem >&2; exit 5';
    await cluster.create(podOf('brief', { ...script(text), stdin: true }, { restartPolicy: 'Never' }));
    await cluster.running('brief');
    const session = await cluster.kubelet.connection.run('default', 'brief', { container: 'main', ...attaching });
    const [out, err, done] = await Promise.all([readAll(session.stdout), readAll(session.stderr), session.done]);
    expect([out, err, done]).toEqual(['at once\nlater\n', 'problem\n', { exitCode: 5 }]);
  });

  it('says nothing twice that was read from the log, and hears on for a while when there is no more input', async () => {
    const text = 'echo at once; read line; sleep 0.5; echo "heard $line"; sleep 0.5; echo later; sleep 100';
    await cluster.create(podOf('heard', { ...script(text), stdin: true }));
    await cluster.running('heard');
    await expect.poll(() => cluster.logs('heard')).toBe('at once\n');
    const session = await cluster.kubelet.connection.run('default', 'heard', { container: 'main', ...attaching });
    session.stdin!.end('word\n');
    expect(await readAll(session.stdout)).toBe('heard word\nlater\n');
    await session.done;
  });

  it('gives what a container said that has ended meanwhile', async () => {
    const container = await docker.createContainer({
      Image: busybox,
      Cmd: ['sh', '-c', 'echo all of it; echo problem >&2; exit 3'],
      OpenStdin: true,
      Labels: { 'gantry.dev/cluster': cluster.clusterId },
    });
    await container.start();
    await container.wait();
    const session = await attachTo(docker, container.id, attaching, new ReadMarks());
    const [out, err, done] = await Promise.all([readAll(session.stdout), readAll(session.stderr), session.done]);
    expect([out, err, done]).toEqual(['all of it\n', 'problem\n', { exitCode: 3 }]);
  });

  it('forwards a port', async () => {
    await cluster.create(podOf('web', script('echo served > /tmp/index.html; httpd -f -p 8080 -h /tmp')));
    await cluster.ready('web');
    await new Promise((done) => setTimeout(done, 300));
    const socket = await cluster.kubelet.connection.portForward('default', 'web', 8080);
    socket.write('GET / HTTP/1.0\r\n\r\n');
    expect(await readAll(socket)).toContain('served');
  });
});
