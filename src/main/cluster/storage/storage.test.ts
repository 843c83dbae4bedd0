import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StorageClass } from '@shared/k8s';
import { createStorage, type Storage } from '.';
import { isNotFound } from '../client/controller';
import { resources } from '../client/resources';
import { startStorageBed, type StorageBed } from '../controllers/persistentvolume/testing';
import { createLogger } from '../log';

let bed: StorageBed;
let storage: Storage;
/** The engine's volumes with their labels; those in use cannot be removed. */
let made: Map<string, Record<string, string>>;
let busy: boolean;
let broken: string | undefined;

beforeEach(async () => {
  bed = await startStorageBed();
  made = new Map();
  busy = false;
  broken = undefined;
  storage = start();
  await bed.settle();
});
afterEach(async () => {
  await storage.stop();
  bed.stop();
  expect(bed.problems).toEqual([]);
});

function start(): Storage {
  const storage = createStorage({
    client: bed.client,
    informers: bed.informers,
    clock: bed.clock,
    log: createLogger('test', 'warn', (line) => void bed.problems.push(line)),
    engine: {
      async createVolume(name, labels) {
        if (broken) throw new Error(broken);
        made.set(name, labels);
      },
      async removeVolumes(labels) {
        for (const [name, own] of made) {
          if (Object.entries(labels).some(([key, value]) => own[key] !== value)) continue;
          if (busy) throw new Error(`remove ${name}: volume is in use - [0123]`);
          made.delete(name);
        }
      },
    },
  });
  storage.start();
  return storage;
}

const node = (name: string, simulated = false) =>
  bed.client.create(resources.nodes, {
    metadata: { name, labels: simulated ? { 'gantry.dev/simulated': 'true' } : {} },
  });
/** What the scheduler does for a claim whose first pod it places. */
const select = (name: string, nodeName: string) =>
  bed.edit(resources.persistentVolumeClaims, name, (draft) => {
    draft.metadata!.annotations = {
      ...draft.metadata!.annotations,
      'volume.kubernetes.io/selected-node': nodeName,
    };
  });
const removeClaim = (name: string) => bed.client.delete(resources.persistentVolumeClaims, 'default', name);
const volumeNames = async () => {
  await bed.settle();
  return (await bed.client.list(resources.persistentVolumes)).items.map(({ metadata }) => metadata!.name!);
};
async function provisioned(spec: object = {}): Promise<string> {
  await node('n1');
  const claim = await bed.claim('data', { storageClassName: undefined, ...spec });
  await bed.settle();
  await select('data', 'n1');
  await bed.settle();
  return `pvc-${claim.metadata.uid}`;
}

describe('the class "standard"', () => {
  const get = () => bed.client.get<StorageClass>(resources.storageClasses, undefined, 'standard');

  it('is there from the start, is the default, and stays as it was made', async () => {
    expect(await get()).toMatchObject({
      metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'docker.gantry.dev',
      reclaimPolicy: 'Delete',
      volumeBindingMode: 'WaitForFirstConsumer',
      allowVolumeExpansion: true,
    });
    await storage.stop();
    await bed.edit<any>(resources.storageClasses, 'standard', (draft) => {
      draft.metadata.annotations = {};
    });
    storage = start();
    await bed.settle();
    expect((await get()).metadata.annotations).toEqual({});
  });

  it('is no default where there is one', async () => {
    await storage.stop();
    await bed.client.delete(resources.storageClasses, undefined, 'standard');
    await bed.storageClass('mine', {}, true);
    storage = start();
    await bed.settle();
    expect((await get()).metadata.annotations).toEqual({ 'storageclass.kubernetes.io/is-default-class': 'false' });
  });
});

describe('a claim of class standard', () => {
  it('gets a volume of the engine once its pod has a node', async () => {
    await node('n1');
    const { metadata } = await bed.claim('data', { storageClassName: undefined });
    expect(await bed.claimState('data')).toBe('Pending');
    expect(made.size).toBe(0);
    await select('data', 'n1');
    const name = `pvc-${metadata.uid}`;
    expect(await bed.claimState('data')).toBe(`Bound ${name}`);
    expect([...made]).toEqual([
      [`gantry-${name}`, { 'gantry.dev/persistent-volume': name, 'gantry.dev/claim': 'default/data' }],
    ]);
    const volume = await bed.volumeNow(name);
    expect(volume.spec).toMatchObject({
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      persistentVolumeReclaimPolicy: 'Delete',
      storageClassName: 'standard',
      csi: { driver: 'docker.gantry.dev', volumeHandle: `gantry-${name}` },
    });
    expect(volume.spec?.nodeAffinity).toBeUndefined();
    expect(volume.metadata.annotations).toEqual({ 'pv.kubernetes.io/provisioned-by': 'docker.gantry.dev' });
    const events = await bed.events('data');
    expect(events).toContain('WaitForFirstConsumer: waiting for first consumer to be created before binding');
    expect(events).toContain('Provisioning: External provisioner is provisioning volume for claim "default/data"');
    expect(events).toContain(`ProvisioningSucceeded: Successfully provisioned volume ${name}`);
  });

  it('takes its volume and the data with it when it goes', async () => {
    const name = await provisioned();
    expect(await bed.volumeState(name)).toBe('Bound default/data');
    await removeClaim('data');
    expect(await volumeNames()).toEqual([]);
    expect(made.size).toBe(0);
  });

  it('has its volume removed once nothing uses that any more', async () => {
    const name = await provisioned();
    busy = true;
    await removeClaim('data');
    expect(await bed.volumeState(name)).toBe('Released default/data');
    expect(await bed.events(name)).toEqual([`VolumeFailedDelete: remove gantry-${name}: volume is in use - [0123]`]);
    busy = false;
    await bed.advance(30_000);
    expect(await volumeNames()).toEqual([]);
    expect(made.size).toBe(0);
  });

  it('loses nothing when its volume is deleted first', async () => {
    const name = await provisioned();
    await bed.client.delete(resources.persistentVolumes, undefined, name);
    expect(await bed.volumeState(name)).toBe('Bound default/data');
    expect(made.size).toBe(1);
    await removeClaim('data');
    expect(await volumeNames()).toEqual([]);
    expect(made.size).toBe(0);
  });

  it('grows when it asks for more', async () => {
    const name = await provisioned();
    await bed.edit<any>(resources.persistentVolumeClaims, 'data', (draft) => {
      draft.spec.resources.requests.storage = '5Gi';
    });
    expect((await bed.claimNow('data')).status?.capacity).toEqual({ storage: '5Gi' });
    expect((await bed.volumeNow(name)).spec?.capacity).toEqual({ storage: '5Gi' });
    const events = await bed.events('data');
    expect(events).toContain(`Resizing: External resizer is resizing volume ${name}`);
    expect(events).toContain('VolumeResizeSuccessful: Resize volume succeeded');
  });

  it('hears what the engine says, and gets its volume when that works again', async () => {
    broken = 'connect ENOENT /var/run/docker.sock';
    await provisioned();
    expect(await bed.claimState('data')).toBe('Pending');
    expect(await bed.events('data')).toContain(
      'ProvisioningFailed: failed to provision volume with StorageClass "standard": connect ENOENT /var/run/docker.sock',
    );
    broken = undefined;
    await bed.advance(1000);
    expect(await bed.claimState('data')).toMatch(/^Bound/);
  });

  it.each([
    [{ volumeMode: 'Block' }, 'volumes of mode Block are not supported: container engines mount file systems only'],
    [{ selector: { matchLabels: { a: 'b' } } }, 'claim.Spec.Selector is not supported'],
    [
      { dataSource: { kind: 'PersistentVolumeClaim', name: 'other' } },
      'claim.Spec.DataSource is not supported: volumes are made empty',
    ],
  ])('is refused with %j', async (spec, why) => {
    await provisioned(spec);
    expect(await bed.events('data')).toContain(
      `ProvisioningFailed: failed to provision volume with StorageClass "standard": ${why}`,
    );
    expect(made.size).toBe(0);
  });

  it('is placed again when its node went meanwhile', async () => {
    await bed.claim('data', { storageClassName: undefined });
    await bed.settle();
    await select('data', 'gone');
    const { metadata } = await bed.claimNow('data');
    expect(metadata.annotations?.['volume.kubernetes.io/selected-node']).toBeUndefined();
    expect(await bed.events('data')).toContain(
      'ProvisioningFailed: failed to provision volume with StorageClass "standard": error getting selected node "gone": node "gone" not found',
    );
  });

  it('has no real volume on a simulated node, and none that a real one could use', async () => {
    await node('n1');
    await node('sim', true);
    const { metadata } = await bed.claim('data', { storageClassName: undefined });
    await bed.settle();
    await select('data', 'sim');
    const name = `pvc-${metadata.uid}`;
    const { spec } = await bed.volumeNow(name);
    expect(made.size).toBe(0);
    expect(spec?.csi?.volumeAttributes).toEqual({ 'gantry.dev/simulated': 'true' });
    expect(spec?.nodeAffinity?.required?.nodeSelectorTerms).toEqual([
      { matchExpressions: [{ key: 'gantry.dev/simulated', operator: 'In', values: ['true'] }] },
    ]);
    await removeClaim('data');
    expect(await volumeNames()).toEqual([]);
  });
});

it('keeps what is to be retained', async () => {
  await bed.storageClass('keep', { provisioner: 'docker.gantry.dev', reclaimPolicy: 'Retain' });
  await node('n1');
  const claim = await bed.claim('data', { storageClassName: 'keep' });
  const name = `pvc-${claim.metadata.uid}`;
  expect(await bed.claimState('data')).toBe(`Bound ${name}`);
  await removeClaim('data');
  expect(await bed.volumeState(name)).toBe('Released default/data');
  await bed.client.delete(resources.persistentVolumes, undefined, name);
  expect(await volumeNames()).toEqual([]);
  expect([...made.keys()]).toEqual([`gantry-${name}`]);
});

it('makes a volume for a class that does not wait as soon as there is a node, once', async () => {
  await bed.storageClass('now', { provisioner: 'docker.gantry.dev' });
  const claim = await bed.claim('data', { storageClassName: 'now' });
  expect(await bed.events('data')).toContain(
    'ProvisioningFailed: failed to provision volume with StorageClass "now": there is no node yet',
  );
  await node('n1');
  await bed.advance(2000);
  expect(await bed.claimState('data')).toBe(`Bound pvc-${claim.metadata.uid}`);
  await storage.stop();
  storage = start();
  await bed.advance(30_000);
  expect(await volumeNames()).toHaveLength(1);
});

it('leaves the volumes of others alone', async () => {
  await bed.storageClass('theirs');
  await node('n1');
  await bed.claim('data', { storageClassName: 'theirs' });
  expect(await bed.claimState('data')).toBe('Pending');
  expect(made.size).toBe(0);
  const error = await bed.client.get(resources.persistentVolumes, undefined, 'x').catch((failure: unknown) => failure);
  expect(isNotFound(error)).toBe(true);
});
