import { afterEach, describe, expect, it } from 'vitest';
import type { PersistentVolumeClaim } from '@shared/k8s';
import { resources } from '../client/resources';
import { schedulerBed, type SchedulerBed } from '../../../../test/support/scheduler-bed';

let bed: SchedulerBed | undefined;
afterEach(() => bed?.stop());

const selectedNode = 'volume.kubernetes.io/selected-node';

async function setUp() {
  bed = await schedulerBed();
  const { api, node, pod, condition } = bed;
  await node('n1');
  await node('n2');
  const classes = [
    ['fast', 'Immediate', 'example.com/made'],
    ['late', 'WaitForFirstConsumer', 'example.com/made'],
    ['local', 'WaitForFirstConsumer', 'kubernetes.io/no-provisioner'],
  ] as const;
  for (const [name, volumeBindingMode, provisioner] of classes) {
    await api.create(resources.storageClasses, { metadata: { name }, provisioner, volumeBindingMode });
  }
  const claim = (name: string, storageClassName: string, more: object = {}) =>
    api.create(resources.persistentVolumeClaims, {
      metadata: { name, namespace: 'default' },
      spec: {
        storageClassName,
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        ...more,
      },
    });
  const volume = (name: string, on: string, more: object = {}) => {
    const matchExpressions = [{ key: 'kubernetes.io/hostname', operator: 'In', values: [on] }];
    return api.create(resources.persistentVolumes, {
      metadata: { name },
      spec: {
        capacity: { storage: '2Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'local',
        hostPath: { path: '/data' },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
        ...more,
      },
    });
  };
  return {
    ...bed,
    claim,
    volume,
    /** What the volume controller does. */
    async bind(name: string, volumeName: string) {
      const current = await api.get(resources.persistentVolumeClaims, 'default', name);
      const updated = await api.update(resources.persistentVolumeClaims, {
        ...current,
        spec: { ...current.spec, volumeName },
      });
      await api.updateStatus(resources.persistentVolumeClaims, { ...updated, status: { phase: 'Bound' } });
    },
    using: (name: string, claimName: string, spec: object = {}) =>
      pod(name, undefined, { volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }], ...spec }),
    claimNow: (name: string): Promise<PersistentVolumeClaim> =>
      api.get(resources.persistentVolumeClaims, 'default', name),
    why: async (name: string) => (await condition(name))?.message?.split(' preemption:')[0],
  };
}

describe('a pod with claims', () => {
  it('waits for them to exist, and goes on when they do', async () => {
    const { using, settle, advance, why, claim, claimNow } = await setUp();
    await using('a', 'data');
    await settle();
    expect(await why('a')).toBe('0/2 nodes are available: persistentvolumeclaim "data" not found.');
    await claim('data', 'late');
    await advance(1000);
    expect((await claimNow('data')).metadata.annotations?.[selectedNode]).toMatch(/^n[12]$/);
  });

  it('waits for those that are bound at once to be bound', async () => {
    const { using, settle, advance, why, claim, volume, bind, nodeOf } = await setUp();
    await claim('data', 'fast');
    await using('a', 'data');
    await settle();
    expect(await why('a')).toBe('0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.');
    await volume('pv', 'n2', { storageClassName: 'fast' });
    await bind('data', 'pv');
    await advance(10_000);
    expect(await nodeOf('a')).toBe('n2');
  });

  it('goes where its volume can be reached', async () => {
    const { using, settle, why, claim, volume, bind } = await setUp();
    await claim('data', 'fast');
    await volume('pv', 'n3', { storageClassName: 'fast' });
    await bind('data', 'pv');
    await using('a', 'data');
    await settle();
    expect(await why('a')).toBe('0/2 nodes are available: 2 node(s) had volume node affinity conflict.');
  });

  it('chooses the node for those that wait for it, and is bound when they are', async () => {
    const { using, settle, claim, volume, bind, nodeOf, claimNow, events } = await setUp();
    await claim('data', 'late');
    await using('a', 'data', { nodeSelector: { 'kubernetes.io/hostname': 'n2' } });
    await settle();
    expect((await claimNow('data')).metadata.annotations).toMatchObject({ [selectedNode]: 'n2' });
    expect(await nodeOf('a')).toBeUndefined();
    await volume('pv', 'n2', { storageClassName: 'late' });
    await bind('data', 'pv');
    await settle();
    expect(await nodeOf('a')).toBe('n2');
    expect((await events()).map(({ reason }) => reason)).toEqual(['Scheduled']);
  });

  it('looks again when they are not bound in time', async () => {
    const { using, settle, advance, claim, events, nodeOf } = await setUp();
    await claim('data', 'late');
    await using('a', 'data');
    await advance(600_000);
    await settle();
    expect(await events()).toMatchObject([
      {
        reason: 'FailedScheduling',
        message: 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded',
      },
    ]);
    expect(await nodeOf('a')).toBeUndefined();
  });

  it('looks again when the volume cannot be made where it was asked for', async () => {
    const { api, using, settle, advance, claim, claimNow, events } = await setUp();
    await claim('data', 'late');
    await using('a', 'data');
    await settle();
    const annotations = { [selectedNode]: null };
    await api.patch(resources.persistentVolumeClaims, 'default', 'data', { metadata: { annotations } });
    await settle();
    expect(await events()).toMatchObject([{ message: expect.stringMatching(/selectedNode annotation reset/) }]);
    await advance(1000);
    expect((await claimNow('data')).metadata.annotations?.[selectedNode]).toMatch(/^n[12]$/);
  });

  it('takes the smallest volume that will do, and no two pods the same', async () => {
    const { api, using, settle, claim, volume, why } = await setUp();
    await volume('big', 'n1', { capacity: { storage: '5Gi' } });
    await volume('small', 'n1');
    await claim('one', 'local');
    await claim('two', 'local');
    await claim('three', 'local');
    await using('a', 'one');
    await settle();
    await using('b', 'two');
    await using('c', 'three');
    await settle();
    const holder = async (name: string) =>
      (await api.get(resources.persistentVolumes, undefined, name)).spec?.claimRef?.name;
    expect([await holder('small'), await holder('big')]).toEqual(['one', 'two']);
    expect(await why('c')).toBe("0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.");
  });

  it('does not share one that is for a single pod', async () => {
    const { api, using, advance, why, claim, volume, bind, nodeOf } = await setUp();
    await claim('data', 'fast', { accessModes: ['ReadWriteOncePod'] });
    await volume('pv', 'n1', { storageClassName: 'fast', accessModes: ['ReadWriteOncePod'] });
    await bind('data', 'pv');
    await using('a', 'data');
    await advance(0);
    await using('b', 'data');
    await advance(0);
    expect(await why('b')).toBe(
      '0/2 nodes are available: 2 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode.',
    );
    await api.delete(resources.pods, 'default', 'a', { gracePeriodSeconds: 0 });
    await advance(1000);
    expect(await nodeOf('b')).toBe('n1');
  });

  it('is forgotten when it is deleted while it waits for its volume', async () => {
    const { api, using, settle, advance, claim, events, get } = await setUp();
    await claim('data', 'late');
    await using('a', 'data');
    await settle();
    await api.delete(resources.pods, 'default', 'a', { gracePeriodSeconds: 0 });
    await advance(700_000);
    expect(await events()).toEqual([]);
    await expect(get('a')).rejects.toThrow('not found');
  });
});
