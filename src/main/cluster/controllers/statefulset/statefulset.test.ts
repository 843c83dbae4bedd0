import type { KubeObject, PersistentVolumeClaim, Pod, StatefulSet } from '@shared/k8s';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { resources } from '../../client/resources';

let bed: Testbed;
beforeEach(async () => {
  bed = await startTestbed();
});
afterEach(() => bed.stop());

const manifest = (replicas: number, spec: object = {}): KubeObject => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    serviceName: 'web',
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'a', image: 'a:1' }] } },
    ...spec,
  },
});
const create = async (replicas: number, spec?: object) => {
  await bed.client.create<StatefulSet>(resources.statefulSets, manifest(replicas, spec));
  await bed.settle();
};
const edit = async (change: (draft: StatefulSet) => void) => {
  await bed.edit<StatefulSet>(resources.statefulSets, 'web', change);
  await bed.settle();
};
const scale = (replicas: number) => edit((draft) => void (draft.spec!.replicas = replicas));
const setImage = (image: string) => edit((draft) => void (draft.spec!.template.spec!.containers[0]!.image = image));
const get = () => bed.client.get(resources.statefulSets, 'default', 'web');
const pods = async () => (await bed.client.list(resources.pods, 'default')).items;
const pod = (name: string) => bed.client.get(resources.pods, 'default', name);
const names = async () => (await pods()).map(({ metadata }) => metadata.name).sort();
/** `NAME=IMAGE` of every pod. */
const images = async () =>
  (await pods()).map(({ metadata, spec }) => `${metadata.name}=${spec!.containers[0]!.image}`).sort();
const revisions = async () =>
  (await bed.client.list(resources.controllerRevisions, 'default')).items.sort((a, b) => a.revision - b.revision);
const run = async (name: string, ready = true) => {
  await bed.run(await pod(name), ready);
  await bed.settle();
};
/** Plays the kubelet only for pods that are deleted. */
const playDeletions = () => bed.play(() => false);

describe('a StatefulSet', () => {
  it('makes its pods in order, each after the one before is ready', async () => {
    await create(3);
    expect(await names()).toEqual(['web-0']);
    await run('web-0', false);
    expect(await names()).toEqual(['web-0']);
    await run('web-0');
    expect(await names()).toEqual(['web-0', 'web-1']);
    await run('web-1');
    await run('web-2');
    expect(await names()).toEqual(['web-0', 'web-1', 'web-2']);
    expect(await bed.events('web')).toEqual(
      [0, 1, 2].map((ordinal) => `SuccessfulCreate: create Pod web-${ordinal} in StatefulSet web successful`),
    );
    const [revision] = await revisions();
    const { metadata, spec } = await pod('web-2');
    expect(metadata.labels).toEqual({
      app: 'web',
      'apps.kubernetes.io/pod-index': '2',
      'controller-revision-hash': revision!.metadata.name,
      'statefulset.kubernetes.io/pod-name': 'web-2',
    });
    expect(spec).toMatchObject({ hostname: 'web-2', subdomain: 'web' });
    expect((await get()).status).toEqual({
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      currentRevision: revision!.metadata.name,
      updateRevision: revision!.metadata.name,
      observedGeneration: 1,
      collisionCount: 0,
    });
    expect(bed.problems).toEqual([]);
  });

  it('makes all at once with Parallel, from the ordinal it starts with', async () => {
    bed.play();
    await create(3, { podManagementPolicy: 'Parallel', ordinals: { start: 5 } });
    expect(await names()).toEqual(['web-5', 'web-6', 'web-7']);
    await scale(1);
    expect(await names()).toEqual(['web-5']);
  });

  it('scales down from the highest ordinal, one at a time', async () => {
    const template = manifest(1).spec!.template;
    const stop = bed.play();
    await create(3, { template: { ...template, spec: { ...template.spec, nodeName: 'n1' } } });
    stop();
    await scale(1);
    // Nobody ends the pod: the next one waits.
    const going = (await pods()).filter(({ metadata }) => metadata.deletionTimestamp);
    expect(going.map(({ metadata }) => metadata.name)).toEqual(['web-2']);
    playDeletions();
    await bed.settle();
    expect(await names()).toEqual(['web-0']);
    expect((await bed.events('web')).slice(3)).toEqual([
      'SuccessfulDelete: delete Pod web-2 in StatefulSet web successful',
      'SuccessfulDelete: delete Pod web-1 in StatefulSet web successful',
    ]);
  });

  it('gives a pod that is gone or failed its name again', async () => {
    bed.play();
    await create(2);
    const before = await pod('web-0');
    await bed.client.delete(resources.pods, 'default', 'web-0');
    await bed.settle();
    const second = await pod('web-0');
    expect(second.metadata.uid).not.toBe(before.metadata.uid);
    await bed.client.updateStatus<Pod>(resources.pods, { ...second, status: { ...second.status, phase: 'Failed' } });
    await bed.settle();
    expect((await pod('web-0')).metadata.uid).not.toBe(second.metadata.uid);
    expect(await bed.events('web')).toContain(
      'RecreatingFailedPod: StatefulSet default/web is recreating failed Pod web-0',
    );
    expect(await names()).toEqual(['web-0', 'web-1']);
  });

  it('waits for minReadySeconds', async () => {
    bed.play();
    await create(2, { minReadySeconds: 10 });
    expect(await names()).toEqual(['web-0']);
    expect((await get()).status).toMatchObject({ readyReplicas: 1, availableReplicas: 0 });
    await bed.advance(10_000);
    expect(await names()).toEqual(['web-0', 'web-1']);
  });

  it('says when a name is taken', async () => {
    const spec = { containers: [{ name: 'a', image: 'a' }] };
    await bed.client.create(resources.pods, { metadata: { name: 'web-0', namespace: 'default' }, spec });
    await create(1);
    expect(await bed.events('web')).toEqual([
      'FailedCreate: create Pod web-0 in StatefulSet web failed error: pods "web-0" already exists',
    ]);
  });

  it('adopts a pod of its name and leaves others alone', async () => {
    const spec = { containers: [{ name: 'a', image: 'a' }] };
    for (const name of ['web-0', 'other']) {
      await bed.client.create(resources.pods, {
        metadata: { name, namespace: 'default', labels: { app: 'web' } },
        spec,
      });
    }
    await create(1, { updateStrategy: { type: 'OnDelete' } });
    expect((await pod('web-0')).metadata).toMatchObject({
      labels: { 'statefulset.kubernetes.io/pod-name': 'web-0' },
      ownerReferences: [{ kind: 'StatefulSet', name: 'web' }],
    });
    expect((await pod('other')).metadata.ownerReferences).toBeUndefined();
  });
});

describe('updating a StatefulSet', () => {
  it('goes from the highest ordinal down, each after the one before is ready', async () => {
    const stop = bed.play();
    await create(3);
    stop();
    playDeletions();
    await setImage('a:2');
    expect(await images()).toEqual(['web-0=a:1', 'web-1=a:1', 'web-2=a:2']);
    const [first, second] = await revisions();
    expect((await get()).status).toMatchObject({
      currentRevision: first!.metadata.name,
      updateRevision: second!.metadata.name,
      currentReplicas: 2,
      updatedReplicas: 1,
    });
    await run('web-2');
    expect(await images()).toEqual(['web-0=a:1', 'web-1=a:2', 'web-2=a:2']);
    await run('web-1');
    await run('web-0');
    expect(await images()).toEqual(['web-0=a:2', 'web-1=a:2', 'web-2=a:2']);
    expect((await get()).status).toMatchObject({
      currentRevision: second!.metadata.name,
      updateRevision: second!.metadata.name,
      currentReplicas: 3,
      updatedReplicas: 3,
    });
  });

  it('leaves the ordinals below the partition, also when it makes them anew', async () => {
    bed.play();
    await create(3, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } });
    await setImage('a:2');
    expect(await images()).toEqual(['web-0=a:1', 'web-1=a:1', 'web-2=a:2']);
    await bed.client.delete(resources.pods, 'default', 'web-0');
    await bed.settle();
    expect(await images()).toEqual(['web-0=a:1', 'web-1=a:1', 'web-2=a:2']);
    await edit((draft) => void (draft.spec!.updateStrategy!.rollingUpdate!.partition = 0));
    expect(await images()).toEqual(['web-0=a:2', 'web-1=a:2', 'web-2=a:2']);
  });

  it.each([
    [{ maxUnavailable: 2 }, 'OrderedReady', ['web-3', 'web-4']],
    [{ maxUnavailable: 2, partition: 4 }, 'OrderedReady', ['web-4']],
    [{ maxUnavailable: '50%' }, 'Parallel', ['web-3', 'web-4']],
    [{ maxUnavailable: '1%' }, 'Parallel', ['web-4']],
  ])('takes away as many at a time as %j says (%s)', async (rollingUpdate, podManagementPolicy, first) => {
    const stop = bed.play();
    await create(5, { podManagementPolicy, updateStrategy: { type: 'RollingUpdate', rollingUpdate } });
    stop();
    await setImage('a:2');
    const kept = (await pods())
      .filter(({ status }) => status?.phase === 'Running')
      .map(({ metadata }) => metadata.name);
    expect(['web-0', 'web-1', 'web-2', 'web-3', 'web-4'].filter((name) => !kept.includes(name))).toEqual(first);
    bed.play();
    await bed.settle();
    expect((await images()).filter((image) => image.endsWith('a:2'))).toHaveLength(
      'partition' in rollingUpdate ? 1 : 5,
    );
  });

  it('is refused with none or more than all at a time', async () => {
    for (const maxUnavailable of [0, '0%', '101%', -1]) {
      const refused = create(1, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable } } });
      await expect(refused).rejects.toMatchObject({ code: 422 });
    }
  });

  it('replaces what serves nobody before what serves, where pods need not be in order', async () => {
    const stop = bed.play((pod) => pod.metadata.name !== 'web-0');
    await create(3, { podManagementPolicy: 'Parallel' });
    stop();
    playDeletions();
    await setImage('a:2');
    expect(await images()).toEqual(['web-0=a:2', 'web-1=a:1', 'web-2=a:1']);
    await run('web-0');
    expect(await images()).toEqual(['web-0=a:2', 'web-1=a:1', 'web-2=a:2']);
  });

  it('that is broken goes on when it is taken back and the broken pod deleted', async () => {
    bed.play((pod) => pod.spec!.containers[0]!.image !== 'a:broken');
    await create(2);
    await setImage('a:broken');
    await setImage('a:1');
    // In order, nothing is done past a pod that is not ready.
    expect(await images()).toEqual(['web-0=a:1', 'web-1=a:broken']);
    await bed.client.delete(resources.pods, 'default', 'web-1');
    await bed.settle();
    expect(await images()).toEqual(['web-0=a:1', 'web-1=a:1']);
    expect((await get()).status).toMatchObject({ readyReplicas: 2, currentReplicas: 2, updatedReplicas: 2 });
  });

  it('waits for hands with OnDelete', async () => {
    bed.play();
    await create(2, { updateStrategy: { type: 'OnDelete' } });
    await setImage('a:2');
    expect(await images()).toEqual(['web-0=a:1', 'web-1=a:1']);
    await bed.client.delete(resources.pods, 'default', 'web-0');
    await bed.settle();
    expect(await images()).toEqual(['web-0=a:2', 'web-1=a:1']);
  });

  it('goes back to a former revision and forgets those beyond the limit', async () => {
    bed.play();
    await create(1, { revisionHistoryLimit: 1 });
    const first = (await revisions())[0]!;
    await setImage('a:2');
    await bed.client.patch(resources.statefulSets, 'default', 'web', first.data, { type: 'strategic' });
    await bed.settle();
    expect(await images()).toEqual(['web-0=a:1']);
    expect((await revisions()).map(({ revision }) => revision)).toEqual([2, 3]);
    expect((await get()).status).toMatchObject({ currentRevision: first.metadata.name, updatedReplicas: 1 });
    await setImage('a:3');
    await setImage('a:4');
    expect((await revisions()).map(({ revision }) => revision)).toEqual([4, 5]);
  });
});

describe('the claims of a StatefulSet', () => {
  const claimTemplate = {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
  const claims = async () =>
    (await bed.client.list<PersistentVolumeClaim>(resources.persistentVolumeClaims, 'default')).items;

  it('are one per pod, and outlive it', async () => {
    bed.play();
    const containers = [{ name: 'a', image: 'a:1', volumeMounts: [{ name: 'data', mountPath: '/data' }] }];
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers } };
    await create(2, { template, volumeClaimTemplates: [claimTemplate] });
    expect((await claims()).map(({ metadata }) => [metadata.name, metadata.labels])).toEqual([
      ['data-web-0', { app: 'web' }],
      ['data-web-1', { app: 'web' }],
    ]);
    expect((await pod('web-1')).spec!.volumes).toContainEqual({
      name: 'data',
      persistentVolumeClaim: { claimName: 'data-web-1' },
    });
    expect(await bed.events('web')).toContain(
      'SuccessfulCreate: create Claim data-web-1 Pod web-1 in StatefulSet web success',
    );
    await scale(1);
    await bed.client.delete(resources.statefulSets, 'default', 'web', { propagationPolicy: 'Background' });
    await bed.settle();
    expect(await names()).toEqual([]);
    expect(await claims()).toHaveLength(2);
  });

  it('are made anew for a pod that waits for one that is gone', async () => {
    await create(1, { volumeClaimTemplates: [claimTemplate] });
    const [before] = await claims();
    await bed.client.patch(
      resources.persistentVolumeClaims,
      'default',
      'data-web-0',
      { metadata: { finalizers: null } },
      { type: 'merge' },
    );
    await bed.client.delete(resources.persistentVolumeClaims, 'default', 'data-web-0');
    await bed.settle();
    const [after] = await claims();
    expect(after!.metadata.uid).not.toBe(before!.metadata.uid);
  });

  it('go with the pod or the set when the policy says so', async () => {
    bed.play();
    await create(2, {
      volumeClaimTemplates: [claimTemplate],
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
    });
    const owners = (claim: PersistentVolumeClaim) => claim.metadata.ownerReferences?.map(({ kind }) => kind);
    expect((await claims()).map(owners)).toEqual([['StatefulSet'], ['StatefulSet']]);
    let deleted: string | undefined;
    bed.intercept = ({ method, path }) => {
      if (method === 'DELETE' && path.includes('/persistentvolumeclaims/')) deleted = path;
    };
    await scale(1);
    expect(deleted).toMatch(/data-web-1$/);
  });
});
