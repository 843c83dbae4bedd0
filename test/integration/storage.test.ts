import type { Event, KubeList, PersistentVolume, PersistentVolumeClaim, Pod } from '@shared/k8s';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiClient, deleteCluster, startApp, type ApiClient, type RunningApp } from '../support/app';
import { busybox, containersOf, docker, ensureBusybox } from '../support/docker';

const timeout = 60_000;
const args = ['--runtime', 'docker', '--no-ui', '--nodes', '2'];

let app: RunningApp;
let api: ApiClient;
let clusterId: string;

const base = '/api/v1/namespaces/default';
const claims = `${base}/persistentvolumeclaims`;
const volumes = '/api/v1/persistentvolumes';
const sets = '/apis/apps/v1/namespaces/default/statefulsets';

async function create(path: string, body: object): Promise<void> {
  const { status, text } = await api.call('POST', path, body);
  if (status !== 201) throw new Error(text);
}
const remove = (path: string) => api.call('DELETE', path);
const patch = (path: string, body: object) =>
  api.call('PATCH', path, body, { 'content-type': 'application/merge-patch+json' });
const get = async <T>(path: string): Promise<T | undefined> => {
  const { status, body } = await api.call<T>('GET', path);
  return status === 200 ? body : undefined;
};
const isReady = (pod: Pod | undefined): boolean =>
  pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

/** The ready pods with a label `app`, none of which is on its way out, once there are so many. */
async function running(name: string, count = 1): Promise<Pod[]> {
  let found: Pod[] = [];
  await expect
    .poll(
      async () => {
        const { items } = (await get<KubeList<Pod>>(`${base}/pods?labelSelector=app%3D${name}`))!;
        found = items;
        return items.filter((pod) => isReady(pod) && !pod.metadata.deletionTimestamp).length;
      },
      { timeout, interval: 200 },
    )
    .toBe(count);
  return found.filter((pod) => !pod.metadata.deletionTimestamp);
}

/** Runs a command in the container of a pod, through Docker and not through the app. */
async function inPod(pod: Pod, script: string): Promise<string> {
  const found = await containersOf(clusterId, { 'gantry.dev/pod-uid': pod.metadata.uid, 'gantry.dev/kind': 'app' });
  const { Id } = found.find(({ State }) => State === 'running')!;
  const exec = await docker.getContainer(Id).exec({ Cmd: ['sh', '-c', script], AttachStdout: true, Tty: true });
  const stream = await exec.start({ Tty: true });
  let output = '';
  for await (const chunk of stream) output += String(chunk);
  return output.replaceAll('\r', '').trim();
}

const claimSpec = (more: object = {}) => ({
  accessModes: ['ReadWriteOnce'],
  resources: { requests: { storage: '1Gi' } },
  ...more,
});
const claim = (name: string, more: object = {}) => create(claims, { metadata: { name }, spec: claimSpec(more) });
const template = (name: string, volumeList: object[], mounts: object[], more: object = {}) => ({
  metadata: { labels: { app: name } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'main',
        image: busybox,
        command: ['sh', '-c', 'trap "exit 0" TERM; sleep 100000 & wait'],
        volumeMounts: mounts,
      },
    ],
    volumes: volumeList,
    ...more,
  },
});
const data = (claimName: string) => [{ name: 'data', persistentVolumeClaim: { claimName } }];
const atData = [{ name: 'data', mountPath: '/data' }];
const pod = (name: string, claimName: string, mounts: object[] = atData, more: object = {}) => {
  const { metadata, spec } = template(name, data(claimName), mounts, more);
  return create(`${base}/pods`, { metadata: { ...metadata, name }, spec });
};
/** The engine's volume behind a claim; undefined when there is none. */
async function engineVolume(handle: string): Promise<string | undefined> {
  const { Volumes } = await docker.listVolumes({ filters: { label: [`gantry.dev/cluster=${clusterId}`] } });
  return Volumes.find(({ Name }) => Name === handle)?.Name;
}
async function handleOf(claimName: string): Promise<{ volume: string; handle: string }> {
  const found = await get<PersistentVolumeClaim>(`${claims}/${claimName}`);
  const volume = found!.spec!.volumeName!;
  return { volume, handle: (await get<PersistentVolume>(`${volumes}/${volume}`))!.spec!.csi!.volumeHandle };
}
const events = async (name: string): Promise<string[]> =>
  (await get<KubeList<Event>>(`${base}/events?fieldSelector=involvedObject.name%3D${name}`))!.items.map(
    ({ reason, message }) => `${reason}: ${message}`,
  );
const start = async (dataDirectory?: string): Promise<void> => {
  app = await startApp({ dataDirectory, args });
  api = await apiClient(app.kubeconfig);
};

beforeAll(async () => {
  await ensureBusybox();
  await start();
  clusterId = /cluster=([0-9a-f]+)/.exec(app.log())![1]!;
});

afterAll(async () => {
  api?.close();
  await app?.stop();
  if (!app) return;
  await deleteCluster(app.dataDirectory);
  const { Volumes } = await docker.listVolumes({ filters: { label: [`gantry.dev/cluster=${clusterId}`] } });
  expect(Volumes ?? []).toEqual([]);
}, 120_000);

describe('a database with a claim', () => {
  test('finds its data again: in a new pod, and after the app was killed', { timeout: 180_000 }, async () => {
    await claim('mysql-pv-claim');
    expect((await get<PersistentVolumeClaim>(`${claims}/mysql-pv-claim`))?.spec?.storageClassName).toBe('standard');
    await create('/apis/apps/v1/namespaces/default/deployments', {
      metadata: { name: 'mysql' },
      spec: {
        strategy: { type: 'Recreate' },
        selector: { matchLabels: { app: 'mysql' } },
        template: template('mysql', data('mysql-pv-claim'), [{ name: 'data', mountPath: '/var/lib/mysql' }]),
      },
    });
    const [first] = await running('mysql');
    await inPod(first!, 'echo one > /var/lib/mysql/table');
    await remove(`${base}/pods/${first!.metadata.name}`);
    const [second] = await running('mysql');
    expect(second!.metadata.uid).not.toBe(first!.metadata.uid);
    expect(await inPod(second!, 'cat /var/lib/mysql/table')).toBe('one');
    await inPod(second!, 'echo two >> /var/lib/mysql/table');

    api.close();
    await app.kill();
    await start(app.dataDirectory);
    const [same] = await running('mysql');
    expect(same!.metadata.uid).toBe(second!.metadata.uid);
    await remove(`${base}/pods/${second!.metadata.name}`);
    const [third] = await running('mysql');
    expect(await inPod(third!, 'cat /var/lib/mysql/table')).toBe('one\ntwo');

    const { volume } = await handleOf('mysql-pv-claim');
    expect((await get<PersistentVolume>(`${volumes}/${volume}`))?.status?.phase).toBe('Bound');
    await patch(`${claims}/mysql-pv-claim`, { spec: { resources: { requests: { storage: '3Gi' } } } });
    await expect
      .poll(async () => (await get<PersistentVolumeClaim>(`${claims}/mysql-pv-claim`))?.status?.capacity, { timeout })
      .toEqual({ storage: '3Gi' });
  });
});

describe('a StatefulSet', () => {
  test('has its claims again when it is scaled, or made anew', { timeout: 180_000 }, async () => {
    const set = {
      metadata: { name: 'db' },
      spec: {
        replicas: 2,
        serviceName: 'db',
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: { app: 'db' } },
        template: template('db', [], atData),
        volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claimSpec() }],
      },
    };
    await create(sets, set);
    for (const one of await running('db', 2)) await inPod(one, `echo ${one.metadata.name} > /data/name`);
    await patch(`${sets}/db`, { spec: { replicas: 1 } });
    await running('db', 1);
    await patch(`${sets}/db`, { spec: { replicas: 2 } });
    const names = async () =>
      Promise.all((await running('db', 2)).map(async (one) => [one.metadata.name, await inPod(one, 'cat /data/name')]));
    expect((await names()).sort()).toEqual([
      ['db-0', 'db-0'],
      ['db-1', 'db-1'],
    ]);
    await remove(`${sets}/db`);
    await running('db', 0);
    await expect.poll(() => get(`${base}/pods/db-0`), { timeout }).toBeUndefined();
    await expect.poll(() => get(`${base}/pods/db-1`), { timeout }).toBeUndefined();
    await create(sets, set);
    expect((await names()).sort()).toEqual([
      ['db-0', 'db-0'],
      ['db-1', 'db-1'],
    ]);
    await remove(`${sets}/db`);
  });
});

describe('a claim', () => {
  test(
    'is kept while a pod uses it; its volume then goes or stays as its class says',
    { timeout: 150_000 },
    async () => {
      await create('/apis/storage.k8s.io/v1/storageclasses', {
        metadata: { name: 'keep' },
        provisioner: 'docker.gantry.dev',
        reclaimPolicy: 'Retain',
      });
      for (const [name, storageClassName] of Object.entries({ goes: 'standard', stays: 'keep' })) {
        await claim(name, { storageClassName });
        await pod(name, name);
      }
      await running('goes');
      await running('stays');
      const [goes, stays] = [await handleOf('goes'), await handleOf('stays')];
      await remove(`${claims}/goes`);
      expect((await get<PersistentVolumeClaim>(`${claims}/goes`))?.metadata.deletionTimestamp).toBeDefined();
      expect(await engineVolume(goes.handle)).toBe(goes.handle);
      await remove(`${base}/pods/goes`);
      await remove(`${base}/pods/stays`);
      await remove(`${claims}/stays`);
      await expect.poll(() => get(`${claims}/goes`), { timeout }).toBeUndefined();
      await expect.poll(() => get(`${volumes}/${goes.volume}`), { timeout }).toBeUndefined();
      expect(await engineVolume(goes.handle)).toBeUndefined();
      await expect
        .poll(async () => (await get<PersistentVolume>(`${volumes}/${stays.volume}`))?.status?.phase, { timeout })
        .toBe('Released');
      expect(await engineVolume(stays.handle)).toBe(stays.handle);
    },
  );

  test(
    'of one node is not used on a second one; parts of it can be mounted read-only',
    { timeout: 150_000 },
    async () => {
      const nodes = (await get<KubeList<Pod>>('/api/v1/nodes'))!.items.map(({ metadata }) => metadata.name);
      await claim('shared');
      await pod('here', 'shared', atData, {
        nodeSelector: { 'kubernetes.io/hostname': nodes[0] },
        securityContext: { runAsUser: 1000, fsGroup: 2000 },
      });
      const [here] = await running('here');
      await inPod(here!, 'mkdir /data/part && echo found > /data/part/file');
      await pod('there', 'shared', atData, { nodeSelector: { 'kubernetes.io/hostname': nodes[1] } });
      const { volume } = await handleOf('shared');
      await expect
        .poll(() => events('there'), { timeout })
        .toContain(
          `FailedAttachVolume: Multi-Attach error for volume "${volume}" Volume is already used by pod(s) here`,
        );
      const mounts = [
        { name: 'data', mountPath: '/part', subPath: 'part', readOnly: true },
        { name: 'data', mountPath: '/made', subPath: 'not/there' },
      ];
      await pod('part', 'shared', mounts, { nodeSelector: { 'kubernetes.io/hostname': nodes[0] } });
      const [part] = await running('part');
      expect(await inPod(part!, 'cat /part/file; echo no > /part/file')).toMatch(/^found\n.*Read-only file system/);
      await inPod(part!, 'echo new > /made/file');
      expect(await inPod(here!, 'cat /data/not/there/file; stat -c %g /data/part')).toBe('new\n2000');
      const used = async () => {
        const { status, text } = await api.call('GET', `/api/v1/nodes/${nodes[0]}/proxy/stats/summary`);
        const stats = status === 200 ? JSON.parse(text) : { pods: [] };
        return stats.pods.find(({ podRef }: any) => podRef.name === 'here')?.volume;
      };
      // The node is sampled from time to time.
      await expect.poll(used, { timeout, interval: 500 }).toEqual([
        expect.objectContaining({
          name: 'data',
          pvcRef: { name: 'shared', namespace: 'default' },
          capacityBytes: 2 ** 30,
          usedBytes: expect.any(Number),
        }),
      ]);
      await Promise.all(['here', 'part'].map((name) => remove(`${base}/pods/${name}`)));
      const [there] = await running('there');
      expect(await inPod(there!, 'cat /data/part/file')).toBe('found');
    },
  );
});
