import { afterEach, beforeEach, expect, it } from 'vitest';
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

const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: '' };
const volumes = [
  { name: 'scratch', ephemeral: { volumeClaimTemplate: { metadata: { labels: { kind: 'scratch' } }, spec } } },
];

it('makes the claim of an ephemeral volume, which goes with its pod', async () => {
  await bed.pod('worker', '', { volumes });
  const { metadata } = await bed.claimNow('worker-scratch');
  expect(metadata.labels).toEqual({ kind: 'scratch' });
  expect(metadata.ownerReferences).toMatchObject([{ kind: 'Pod', name: 'worker', controller: true }]);
  await bed.client.delete(resources.pods, 'default', 'worker', { gracePeriodSeconds: 0 });
  await bed.settle();
  expect((await bed.client.list(resources.persistentVolumeClaims, 'default')).items).toEqual([]);
});

it('leaves a claim of that name that is not its own alone, and says so', async () => {
  await bed.claim('worker-scratch');
  await bed.settle();
  await bed.pod('worker', '', { volumes });
  expect(await bed.events('worker')).toEqual([
    'FailedBinding: ephemeral volume: PVC default/worker-scratch was not created for pod default/worker (pod is not owner)',
  ]);
  expect((await bed.claimNow('worker-scratch')).metadata.ownerReferences).toBeUndefined();
});
