import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resources } from '../../client/resources';
import { startStorageBed, type StorageBed } from './testing';

let bed: StorageBed;
beforeEach(async () => {
  bed = await startStorageBed();
});
afterEach(() => {
  bed.stop();
  expect(bed.problems).toEqual([]);
});

const remove = (name: string) => bed.client.delete(resources.persistentVolumeClaims, 'default', name);
const size = (storage: string) => ({ resources: { requests: { storage } } });
const holds = (storage: string, more: object = {}) => ({ capacity: { storage }, ...more });

describe('a claim', () => {
  it('is bound to the smallest volume that is big enough, and shows all of it', async () => {
    await bed.volume('big', holds('100Gi'));
    await bed.volume('fits', holds('20Gi'));
    await bed.volume('small', holds('1Gi'));
    await bed.claim('data', size('5Gi'));
    const { spec, status, metadata } = await bed.claimNow('data');
    expect(spec?.volumeName).toBe('fits');
    expect(status).toEqual({ phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '20Gi' } });
    expect(metadata.annotations).toEqual({
      'pv.kubernetes.io/bind-completed': 'yes',
      'pv.kubernetes.io/bound-by-controller': 'yes',
    });
    const volume = await bed.volumeNow('fits');
    expect(volume.spec?.claimRef).toMatchObject({
      kind: 'PersistentVolumeClaim',
      namespace: 'default',
      name: 'data',
      uid: metadata.uid,
    });
    expect(volume.metadata.annotations).toEqual({ 'pv.kubernetes.io/bound-by-controller': 'yes' });
    expect(await bed.volumeState('fits')).toBe('Bound default/data');
    expect(await bed.volumeState('big')).toBe('Available');
  });

  it('waits for a volume when none is big enough, and says so', async () => {
    await bed.volume('small', holds('1Gi'));
    await bed.claim('data', size('20Gi'));
    expect(await bed.claimState('data')).toBe('Pending');
    expect(await bed.events('data')).toEqual([
      'FailedBinding: no persistent volumes available for this claim and no storage class is set',
    ]);
    await bed.volume('enough', holds('20Gi'));
    expect(await bed.claimState('data')).toBe('Bound enough');
  });

  it.each([
    ['its class', { storageClassName: 'slow' }, { storageClassName: 'fast' }],
    ['none of a class for ""', {}, { storageClassName: 'fast' }],
    ['all its access modes', { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] }, {}],
    ['its volume mode', { volumeMode: 'Block' }, {}],
    ['the labels it selects', { selector: { matchLabels: { disk: 'ssd' } } }, {}],
  ])('takes a volume only with %s', async (_, claim, other) => {
    await bed.volume('other', other, { disk: 'hdd' });
    await bed.claim('data', claim);
    expect(await bed.claimState('data')).toBe('Pending');
    await bed.volume('right', { ...claim, selector: undefined }, { disk: 'ssd' });
    expect(await bed.claimState('data')).toBe('Bound right');
    expect(await bed.volumeState('other')).toBe('Available');
  });

  it('prefers the volume with the fewest modes beyond its own', async () => {
    await bed.volume('shared', holds('1Gi', { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] }));
    await bed.volume('own', holds('2Gi'));
    await bed.claim('data');
    expect(await bed.claimState('data')).toBe('Bound own');
  });

  it('has its volume alone', async () => {
    await bed.volume('only');
    await bed.claim('a');
    expect(await bed.claimState('a')).toBe('Bound only');
    await bed.claim('b');
    expect(await bed.claimState('b')).toBe('Pending');
    await Promise.all(['c', 'd', 'e'].map((name) => bed.claim(name)));
    await Promise.all(['x', 'y'].map((name) => bed.volume(name)));
    await bed.settle();
    const states = await Promise.all(['b', 'c', 'd', 'e'].map((name) => bed.claimState(name)));
    expect(states.filter((state) => state.startsWith('Bound')).toSorted()).toEqual(['Bound x', 'Bound y']);
  });

  it('that names a volume waits for that one', async () => {
    await bed.volume('near', holds('1Gi'));
    await bed.claim('data', { volumeName: 'far' });
    expect(await bed.claimState('data')).toBe('Pending far');
    await bed.volume('far', holds('9Gi'));
    expect(await bed.claimState('data')).toBe('Bound far');
    const { metadata } = await bed.claimNow('data');
    expect(metadata.annotations).toEqual({ 'pv.kubernetes.io/bind-completed': 'yes' });
  });

  it.each([
    [{ capacity: { storage: '1Mi' } }, 'requested PV is too small'],
    [{ storageClassName: 'fast' }, 'storageClassName does not match'],
    [{ volumeMode: 'Block' }, 'incompatible volumeMode'],
    [{ accessModes: ['ReadOnlyMany'] }, 'incompatible accessMode'],
  ])('that names a volume with %j hears why not', async (spec, why) => {
    await bed.volume('named', spec);
    await bed.claim('data', { volumeName: 'named' });
    expect(await bed.claimState('data')).toBe('Pending named');
    expect(await bed.events('data')).toEqual([`VolumeMismatch: Cannot bind to requested volume "named": ${why}`]);
  });

  it("that names another's volume hears that", async () => {
    await bed.volume('taken');
    await bed.claim('first');
    await bed.settle();
    await bed.claim('second', { volumeName: 'taken' });
    expect(await bed.claimState('second')).toBe('Pending taken');
    expect(await bed.events('second')).toEqual(['FailedBinding: volume "taken" already bound to a different claim.']);
  });

  it('gets the volume that is kept for it, and nobody else does', async () => {
    await bed.volume('kept', holds('50Gi', { claimRef: { namespace: 'default', name: 'mine' } }));
    await bed.volume('smaller', holds('2Gi'));
    await bed.claim('other');
    expect(await bed.claimState('other')).toBe('Bound smaller');
    await bed.claim('mine');
    expect(await bed.claimState('mine')).toBe('Bound kept');
    expect(
      (await bed.volumeNow('kept')).metadata.annotations?.['pv.kubernetes.io/bound-by-controller'],
    ).toBeUndefined();
  });

  it('is lost with its volume', async () => {
    await bed.volume('only');
    await bed.claim('data');
    await bed.settle();
    await bed.edit(resources.persistentVolumes, 'only', (draft) => {
      draft.metadata!.finalizers = [];
    });
    await bed.client.delete(resources.persistentVolumes, undefined, 'only');
    expect(await bed.claimState('data')).toBe('Lost only');
    expect(await bed.events('data')).toEqual([
      'ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!',
    ]);
  });
});

describe('a claim of a class', () => {
  it('says when there is no such class, and goes on when there is', async () => {
    await bed.claim('data', { storageClassName: 'later' });
    expect(await bed.events('data')).toEqual(['ProvisioningFailed: storageclass.storage.k8s.io "later" not found']);
    await bed.storageClass('later');
    expect((await bed.claimNow('data')).metadata.annotations).toMatchObject({
      'volume.kubernetes.io/storage-provisioner': 'example.com/disks',
      'volume.beta.kubernetes.io/storage-provisioner': 'example.com/disks',
    });
    expect((await bed.events('data')).at(-1)).toBe(
      "ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'example.com/disks' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
    );
  });

  it('is bound to what the provisioner makes for it', async () => {
    await bed.storageClass('made');
    const { metadata } = await bed.claim('data', { storageClassName: 'made' });
    const claimRef = { kind: 'PersistentVolumeClaim', namespace: 'default', name: 'data', uid: metadata.uid };
    await bed.volume('pvc-1', { storageClassName: 'made', claimRef, persistentVolumeReclaimPolicy: 'Delete' });
    expect(await bed.claimState('data')).toBe('Bound pvc-1');
    expect(await bed.volumeState('pvc-1')).toBe('Bound default/data');
  });

  it('takes a volume that is there before one is made', async () => {
    await bed.storageClass('made');
    await bed.volume('there', { storageClassName: 'made' });
    await bed.settle();
    await bed.claim('data', { storageClassName: 'made' });
    expect(await bed.claimState('data')).toBe('Bound there');
    expect(await bed.events('data')).toEqual([]);
  });

  it('whose volumes are made by hand says that there is none', async () => {
    await bed.storageClass('hand', { provisioner: 'kubernetes.io/no-provisioner' });
    await bed.claim('data', { storageClassName: 'hand' });
    expect(await bed.events('data')).toEqual([
      'ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner',
    ]);
  });

  it('that waits for its first pod is not bound before the scheduler chose', async () => {
    await bed.storageClass('late', { volumeBindingMode: 'WaitForFirstConsumer' });
    await bed.volume('there', { storageClassName: 'late' });
    await bed.claim('data', { storageClassName: 'late' });
    expect(await bed.claimState('data')).toBe('Pending');
    expect(await bed.events('data')).toEqual([
      'WaitForFirstConsumer: waiting for first consumer to be created before binding',
    ]);
    await bed.pod('a', 'data');
    expect((await bed.events('data')).at(-1)).toBe('WaitForPodScheduled: waiting for pod a to be scheduled');
    // The scheduler decides for the volume that is there.
    const claim = await bed.claimNow('data');
    await bed.edit<any>(resources.persistentVolumes, 'there', (draft) => {
      draft.metadata.annotations = { 'pv.kubernetes.io/bound-by-controller': 'yes' };
      draft.spec.claimRef = { namespace: 'default', name: 'data', uid: claim.metadata.uid };
    });
    expect(await bed.claimState('data')).toBe('Bound there');
  });

  it('that waits for its first pod is provisioned once that has a node', async () => {
    await bed.storageClass('late', { volumeBindingMode: 'WaitForFirstConsumer' });
    await bed.claim('data', { storageClassName: 'late' });
    await bed.settle();
    await bed.edit(resources.persistentVolumeClaims, 'data', (draft) => {
      draft.metadata!.annotations = { 'volume.kubernetes.io/selected-node': 'n1' };
    });
    expect((await bed.events('data')).at(-1)).toMatch(/^ExternalProvisioning: /);
    expect((await bed.claimNow('data')).metadata.annotations).toMatchObject({
      'volume.kubernetes.io/storage-provisioner': 'example.com/disks',
    });
  });

  it('is the default one, also where that comes later', async () => {
    await bed.claim('data', { storageClassName: undefined });
    expect((await bed.claimNow('data')).spec?.storageClassName).toBeUndefined();
    await bed.storageClass('standard', {}, true);
    expect((await bed.claimNow('data')).spec?.storageClassName).toBe('standard');
    await bed.claim('none', { storageClassName: '' });
    expect((await bed.claimNow('none')).spec?.storageClassName).toBe('');
  });
});

describe('a volume whose claim is gone', () => {
  const released = async (spec: object) => {
    await bed.volume('disk', spec);
    await bed.claim('data');
    expect(await bed.claimState('data')).toBe('Bound disk');
    await remove('data');
    return bed.volumeState('disk');
  };

  it('is kept, and given to nobody else, when it is to be retained', async () => {
    expect(await released({})).toBe('Released default/data');
    await bed.claim('data');
    expect(await bed.claimState('data')).toBe('Pending');
    // What an administrator does to use it again.
    await bed.edit<any>(resources.persistentVolumes, 'disk', (draft) => {
      delete draft.spec.claimRef;
    });
    expect(await bed.claimState('data')).toBe('Bound disk');
  });

  it('fails when nobody can delete it', async () => {
    expect(await released({ persistentVolumeReclaimPolicy: 'Delete' })).toBe('Failed default/data');
    const why = 'error getting deleter volume plugin for volume "disk": no deletable volume plugin matched';
    expect(await bed.events('disk')).toEqual([`VolumeFailedDelete: ${why}`]);
    expect((await bed.volumeNow('disk')).status?.message).toBe(why);
  });

  it('fails when it is to be recycled', async () => {
    expect(await released({ persistentVolumeReclaimPolicy: 'Recycle' })).toBe('Failed default/data');
    expect(await bed.events('disk')).toEqual(['VolumeFailedRecycle: No recycler plugin found for the volume!']);
  });

  it('is left to the provisioner that made it', async () => {
    const csi = { driver: 'example.com', volumeHandle: 'h' };
    expect(await released({ persistentVolumeReclaimPolicy: 'Delete', hostPath: undefined, csi })).toBe(
      'Released default/data',
    );
  });

  it('goes back to the others when its claim took another', async () => {
    const claim = await bed.claim('data', { volumeName: 'mine' });
    const claimRef = { namespace: 'default', name: 'data', uid: claim.metadata.uid };
    await bed.volume('wrong', { claimRef });
    expect(await bed.volumeState('wrong')).toBe('Available default/data');
    expect((await bed.volumeNow('wrong')).spec?.claimRef?.uid).toBeUndefined();
  });
});
