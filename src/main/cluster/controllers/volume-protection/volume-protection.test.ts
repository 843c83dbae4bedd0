import { afterEach, beforeEach, expect, it } from 'vitest';
import { isNotFound } from '../../client/controller';
import { resources } from '../../client/resources';
import { startStorageBed, type StorageBed } from '../persistentvolume/testing';

let bed: StorageBed;
beforeEach(async () => {
  bed = await startStorageBed();
});
afterEach(() => {
  bed.stop();
  expect(bed.problems).toEqual([]);
});

const isGone = async (reading: Promise<unknown>): Promise<boolean> => {
  try {
    await reading;
    return false;
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
};

it('keeps a claim for as long as a pod uses it, and its volume for as long as the claim is there', async () => {
  await bed.volume('disk');
  await bed.claim('data');
  expect((await bed.claimNow('data')).metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
  expect((await bed.volumeNow('disk')).metadata.finalizers).toEqual(['kubernetes.io/pv-protection']);
  await bed.pod('user', 'data', { nodeName: 'n1' });
  await bed.pod('waiting', 'data');
  await bed.client.delete(resources.persistentVolumeClaims, 'default', 'data');
  await bed.client.delete(resources.persistentVolumes, undefined, 'disk');
  expect((await bed.claimNow('data')).metadata.deletionTimestamp).toBeDefined();
  expect((await bed.volumeNow('disk')).metadata.deletionTimestamp).toBeDefined();
  expect(await bed.volumeState('disk')).toBe('Bound default/data');

  await bed.client.delete(resources.pods, 'default', 'user', { gracePeriodSeconds: 0 });
  expect(await isGone(bed.claimNow('data'))).toBe(true);
  expect(await isGone(bed.volumeNow('disk'))).toBe(true);
});

it('lets unused ones go at once', async () => {
  await bed.claim('data');
  await bed.volume('disk', { storageClassName: 'other' });
  await bed.settle();
  await bed.client.delete(resources.persistentVolumeClaims, 'default', 'data');
  await bed.client.delete(resources.persistentVolumes, undefined, 'disk');
  expect(await isGone(bed.claimNow('data'))).toBe(true);
  expect(await isGone(bed.volumeNow('disk'))).toBe(true);
});
