import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject, Pod } from '@shared/k8s';
import { resources } from '../../src/main/cluster/client/resources';
import { createDockerRuntime } from '../../src/main/cluster/kubelet/runtime/docker';
import { silentLogger } from '../../src/main/cluster/log';
import { containersOf, docker } from '../support/docker';
import { createHarness, podOf, readAll, script, type Harness } from './kubelet-harness';

let cluster: Harness;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-features-'));
  await mkdir(join(directory, 'seccomp'));
  cluster = await createHarness({ seccompDirectory: join(directory, 'seccomp') });
});
afterAll(async () => {
  await cluster?.close();
  await rm(directory, { recursive: true, force: true });
});

const look = async (pod: string, text: string, container = 'main'): Promise<string> =>
  (await cluster.run(pod, ['sh', '-c', text], container)).output.trim();
const part = (name: string, subresource: string, spec: object): Promise<Pod> =>
  cluster.client.patch(resources.pods, 'default', name, { spec }, { type: 'strategic', subresource });
const inspect = async (name: string) => {
  const [found] = await containersOf(cluster.clusterId, {
    'gantry.dev/pod-name': name,
    'gantry.dev/container-name': 'main',
  });
  return docker.getContainer(found!.Id).inspect();
};

describe('a running pod', () => {
  it('takes an ephemeral container that sees the processes of another', async () => {
    await cluster.create(podOf('debugged', script('sleep 4711')));
    await cluster.ready('debugged');
    const debug = { name: 'debugger', image: 'busybox:1', stdin: true, tty: true, targetContainerName: 'main' };
    await part('debugged', 'ephemeralcontainers', { ephemeralContainers: [debug] });
    const pod = await cluster.until(
      'debugged',
      'debugged',
      (one) => one?.status?.ephemeralContainerStatuses?.[0]?.state?.running !== undefined,
    );
    expect(pod.status!.ephemeralContainerStatuses![0]).toMatchObject({
      name: 'debugger',
      ready: false,
      restartCount: 0,
    });
    expect(await look('debugged', 'ps', 'debugger')).toContain('sleep 4711');
    const session = await cluster.kubelet.connection.run('default', 'debugged', {
      container: 'debugger',
      stdin: true,
      stdout: true,
      stderr: true,
      tty: true,
    });
    session.stdin!.write('exit 3\n');
    await readAll(session.stdout);
    const after = await cluster.until(
      'debugged',
      'left',
      (one) => one?.status?.ephemeralContainerStatuses?.[0]?.state?.terminated !== undefined,
    );
    expect(after.status!.ephemeralContainerStatuses![0]!.state!.terminated!.exitCode).toBe(3);
    expect(after.status!.phase).toBe('Running');
    await cluster.remove('debugged', 0);
  });

  it('gets other limits while it runs', async () => {
    const limits = { cpu: '500m', memory: '64Mi' };
    await cluster.create(podOf('resized', { resources: { limits, requests: { cpu: '100m', memory: '32Mi' } } }));
    await cluster.ready('resized');
    const before = await inspect('resized');
    await part('resized', 'resize', {
      containers: [{ name: 'main', resources: { limits: { cpu: '750m', memory: '96Mi' } } }],
    });
    await cluster.until(
      'resized',
      'resized',
      (one) => one?.status?.containerStatuses?.[0]?.resources?.limits?.memory === '96Mi',
    );
    const after = await inspect('resized');
    expect(after.Id).toBe(before.Id);
    expect(after.State.StartedAt).toBe(before.State.StartedAt);
    expect(after.HostConfig).toMatchObject({ Memory: 96 * 2 ** 20, NanoCpus: 750_000_000 });
    expect(await cluster.story('resized')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^Normal ResizeCompleted Pod resize completed: \{/)]),
    );
    await cluster.remove('resized', 0);
  });

  it('is evicted when it fills a volume over its limit', async () => {
    await cluster.create(
      podOf(
        'filling',
        {
          ...script('dd if=/dev/zero of=/scratch/file bs=1024 count=3000; sleep 3600'),
          volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
        },
        { volumes: [{ name: 'scratch', emptyDir: { sizeLimit: '1Mi' } }] },
      ),
    );
    const pod = await cluster.until('filling', 'evicted', (one) => one?.status?.phase === 'Failed', 60_000);
    expect(pod.status).toMatchObject({
      reason: 'Evicted',
      message: 'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". ',
    });
    await cluster.remove('filling', 0);
  });
});

describe('the security context', () => {
  it('gives volumes to the group of the pod', async () => {
    await cluster.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'sealed', namespace: 'default' },
      data: { key: Buffer.from('open').toString('base64') },
    });
    const volumes = [
      { name: 'scratch', emptyDir: {} },
      { name: 'memory', emptyDir: { medium: 'Memory' } },
      { name: 'secret', secret: { secretName: 'sealed', defaultMode: 0o400 } },
    ];
    const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }));
    await cluster.create(
      podOf(
        'grouped',
        { volumeMounts },
        { volumes, securityContext: { runAsUser: 1000, runAsGroup: 1000, fsGroup: 2345 } },
      ),
    );
    await cluster.ready('grouped');
    expect(await look('grouped', 'cat /secret/key')).toBe('open');
    expect(await look('grouped', 'touch /scratch/a /memory/a && stat -c %g /scratch/a /memory/a')).toBe('2345\n2345');
    await cluster.remove('grouped', 0);
  });

  it('confines as asked', async () => {
    const profile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }],
    };
    await writeFile(join(directory, 'seccomp', 'no-mkdir.json'), JSON.stringify(profile, undefined, 2));
    const localhost = { type: 'Localhost', localhostProfile: 'no-mkdir.json' };
    await cluster.create(
      podOf('confined', { securityContext: { seccompProfile: localhost, allowPrivilegeEscalation: false } }),
    );
    await cluster.create(
      podOf(
        'unconfined',
        { lifecycle: { stopSignal: 'SIGUSR1' } },
        {
          os: { name: 'linux' },
          securityContext: { seccompProfile: { type: 'Unconfined' }, supplementalGroups: [77] },
        },
      ),
    );
    await cluster.create(
      podOf('unread', { securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'none.json' } } }),
    );
    await Promise.all([cluster.ready('confined'), cluster.ready('unconfined')]);
    expect(await look('confined', 'mkdir /tmp/x 2>&1; grep -E "NoNewPrivs|Seccomp:" /proc/1/status')).toMatch(
      /Operation not permitted\nNoNewPrivs:\t1\nSeccomp:\t2/,
    );
    expect(await look('unconfined', 'mkdir /tmp/x; grep Seccomp: /proc/1/status; id -G')).toMatch(/Seccomp:\t0\n0 77$/);
    expect((await inspect('unconfined')).Config).toMatchObject({ StopSignal: 'SIGUSR1' });
    const refused = await cluster.until(
      'unread',
      'refused',
      (one) => one?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
    );
    expect(refused.status!.containerStatuses![0]!.state!.waiting!.message).toContain('cannot load seccomp profile');
    await cluster.create(
      podOf('forbidden', {}, { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }),
    );
    expect((await cluster.until('forbidden', 'refused', (one) => one?.status?.phase === 'Failed')).status!.reason).toBe(
      'SysctlForbidden',
    );
    await Promise.all(['confined', 'unconfined', 'unread', 'forbidden'].map((name) => cluster.remove(name, 0)));
  });
});

describe('claims', () => {
  const bind = async (name: string, source: object, accessModes = ['ReadWriteOnce']): Promise<void> => {
    const spec = { accessModes, capacity: { storage: '1Gi' }, storageClassName: '', ...source };
    const claim = await cluster.create<KubeObject>({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name, namespace: 'default' },
      spec: {
        accessModes,
        resources: { requests: { storage: '1Gi' } },
        storageClassName: '',
        volumeName: `pv-${name}`,
      },
    });
    const claimRef = { kind: 'PersistentVolumeClaim', namespace: 'default', name, uid: claim.metadata!.uid };
    await cluster.create({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: `pv-${name}` },
      spec: { ...spec, claimRef },
    });
    await cluster.client.updateStatus(resources.persistentVolumeClaims, {
      ...claim,
      status: { phase: 'Bound' },
    } as never);
  };
  const user = (name: string, claim = name): KubeObject =>
    podOf(
      name,
      { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
      { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim } }] },
    );

  it('are mounted from paths of the host and volumes of the engine', async () => {
    const path = join(directory, 'local');
    await mkdir(path);
    const volume = `gantry-${cluster.clusterId}-claimed`;
    await docker.createVolume({ Name: volume, Driver: 'local', Labels: { 'gantry.dev/cluster': cluster.clusterId } });
    await bind('host', { hostPath: { path: join(directory, 'made'), type: 'DirectoryOrCreate' } });
    await bind('local', {
      local: { path },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node-1'] }] },
          ],
        },
      },
    });
    await bind('engine', { csi: { driver: 'docker.gantry.dev', volumeHandle: volume } });
    for (const name of ['host', 'local', 'engine']) await cluster.create(user(name));
    for (const name of ['host', 'local', 'engine']) {
      await cluster.ready(name);
      await look(name, `echo ${name} > /data/file`);
    }
    expect((await stat(join(directory, 'made', 'file'))).size).toBe(5);
    await cluster.remove('engine', 0);
    await cluster.until('engine', 'gone', (pod) => !pod);
    await cluster.create(user('again', 'engine'));
    await cluster.ready('again');
    expect(await look('again', 'cat /data/file')).toBe('engine');
  });

  it('belong to the group of the pod, all that is in them or only where the top does not yet', async () => {
    const volume = `gantry-${cluster.clusterId}-owned`;
    await docker.createVolume({ Name: volume, Driver: 'local', Labels: { 'gantry.dev/cluster': cluster.clusterId } });
    await bind('owned', { csi: { driver: 'docker.gantry.dev', volumeHandle: volume } });
    const visit = async (name: string, fsGroup: number, fsGroupChangePolicy: string, text: string) => {
      const { spec, ...pod } = user(name, 'owned');
      await cluster.create({
        ...pod,
        spec: { ...(spec as object), securityContext: { fsGroup, fsGroupChangePolicy } },
      });
      await cluster.ready(name);
      const said = await look(name, text);
      await cluster.remove(name, 0);
      await cluster.until(name, 'gone', (one) => !one);
      return said;
    };
    const groups = 'stat -c %g /data /data/file';
    expect(await visit('first', 2001, 'Always', `touch /data/file; ${groups}; chgrp 5 /data/file`)).toBe('2001\n2001');
    expect(await visit('kept', 2001, 'OnRootMismatch', groups)).toBe('2001\n5');
    // Only root reaches into the engine's volumes.
    const all = process.getuid?.() === 0;
    expect(await visit('always', 2001, 'Always', `${groups}; chgrp 5 /data/file`)).toBe(all ? '2001\n2001' : '2001\n5');
    expect(await visit('other', 2002, 'OnRootMismatch', groups)).toBe(all ? '2002\n2002' : '2002\n5');
    const runtime = createDockerRuntime({ clusterId: cluster.clusterId, log: silentLogger });
    await runtime.giveVolume!(volume, 2003);
    expect(await visit('last', 2003, 'OnRootMismatch', 'stat -c "%g %a" /data')).toBe('2003 2775');
  });

  it('are refused in words when they cannot be mounted', async () => {
    await bind('theirs', { csi: { driver: 'docker.gantry.dev', volumeHandle: 'somebody-elses' } });
    await cluster.create(user('theirs'));
    await cluster.create(user('nowhere'));
    await expect
      .poll(() => cluster.story('theirs'), { timeout: 10_000 })
      .toContain(
        'Warning FailedMount MountVolume.SetUp failed for volume "pv-theirs" : the engine has no volume "somebody-elses" that belongs to this cluster',
      );
    await expect
      .poll(() => cluster.story('nowhere'), { timeout: 10_000 })
      .toContain(
        'Warning FailedMount Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to process volumes=[data]: error processing PVC default/nowhere: failed to fetch PVC from API server: persistentvolumeclaims "nowhere" not found',
      );
  });
});
