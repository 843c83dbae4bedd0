import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deploymentManifest, startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { resources } from '../../client/resources';

let bed: Testbed;
beforeEach(async () => {
  bed = await startTestbed();
  await bed.client.create(resources.deployments, deploymentManifest('web', 2));
  await bed.settle();
});
afterEach(() => {
  expect(bed.problems).toEqual([]);
  bed.stop();
});

const count = async () => {
  const [deployments, sets, pods] = await Promise.all(
    [resources.deployments, resources.replicaSets, resources.pods].map((ref) =>
      bed.client.list(ref as never, 'default'),
    ),
  );
  return [deployments!.items.length, sets!.items.length, pods!.items.length];
};
const own = (name: string, owners: object[], finalizers?: string[]) =>
  bed.client.create(resources.configMaps, {
    metadata: { name, namespace: 'default', ownerReferences: owners as never, ...(finalizers ? { finalizers } : {}) },
  });
const configMaps = async () =>
  (await bed.client.list(resources.configMaps, 'default')).items.map(({ metadata }) => metadata.name);

describe('garbage collection', () => {
  it('takes what is owned after its owner (background)', async () => {
    expect(await count()).toEqual([1, 1, 2]);
    await bed.client.delete(resources.deployments, 'default', 'web');
    await bed.settle();
    expect(await count()).toEqual([0, 0, 0]);
  });

  it('takes what is owned before its owner (foreground)', async () => {
    await own('held', [], ['example.com/slow']);
    const set = (await bed.client.list(resources.replicaSets, 'default')).items[0]!;
    const reference = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: set.metadata.name, uid: set.metadata.uid };
    await bed.client.patch(resources.configMaps, 'default', 'held', {
      metadata: { ownerReferences: [{ ...reference, blockOwnerDeletion: true }] },
    });
    await bed.client.delete(resources.deployments, 'default', 'web', { propagationPolicy: 'Foreground' });
    await bed.settle();
    expect(await count()).toEqual([1, 1, 0]);
    await bed.client.patch(resources.configMaps, 'default', 'held', { metadata: { finalizers: null } });
    await bed.settle();
    expect(await count()).toEqual([0, 0, 0]);
  });

  it('leaves what is owned alone, without owner (orphan)', async () => {
    await bed.client.delete(resources.deployments, 'default', 'web', { propagationPolicy: 'Orphan' });
    await bed.settle();
    expect(await count()).toEqual([0, 1, 2]);
    const set = (await bed.client.list(resources.replicaSets, 'default')).items[0]!;
    expect(set.metadata.ownerReferences ?? []).toEqual([]);
  });

  it('keeps what another owner still owns and takes the reference that leads nowhere', async () => {
    const deployment = await bed.client.get(resources.deployments, 'default', 'web');
    const alive = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: deployment.metadata.uid };
    await own('shared', [alive, { apiVersion: 'v1', kind: 'Secret', name: 'gone', uid: 'no-such-uid' }]);
    await own('stale', [{ ...alive, uid: 'another-life' }]);
    await own('foreign', [{ apiVersion: 'example.com/v1', kind: 'Thing', name: 'x', uid: 'y' }]);
    await bed.settle();
    expect(await configMaps()).toEqual(['foreign', 'shared']);
    const shared = await bed.client.get(resources.configMaps, 'default', 'shared');
    expect(shared.metadata.ownerReferences).toEqual([alive]);
  });

  it('follows owners of every kind, by whichever version they are named', async () => {
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'a' }] } };
    const job = await bed.client.create(resources.jobs, {
      metadata: { name: 'once', namespace: 'default' },
      spec: { template },
    });
    const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
    const scaler = await bed.client.create(resources.horizontalPodAutoscalers, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { scaleTargetRef: target, maxReplicas: 3 },
    });
    const uid = (object: { metadata?: { uid?: string } }) => object.metadata!.uid!;
    await own('of-job', [{ apiVersion: 'batch/v1', kind: 'Job', name: 'once', uid: uid(job) }]);
    await own('of-scaler', [
      { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', name: 'web', uid: uid(scaler) },
    ]);
    await bed.settle();
    expect(await configMaps()).toEqual(['of-job', 'of-scaler']);
    await bed.client.delete(resources.jobs, 'default', 'once');
    await bed.client.delete(resources.horizontalPodAutoscalers, 'default', 'web');
    await bed.settle();
    expect(await configMaps()).toEqual([]);
  });

  it('takes the lease of a node with the node', async () => {
    const node = await bed.client.create(resources.nodes, { metadata: { name: 'n' } });
    const owner = { apiVersion: 'v1', kind: 'Node', name: 'n', uid: (node.metadata as { uid: string }).uid };
    const lease = { metadata: { name: 'n', namespace: 'kube-node-lease', ownerReferences: [owner] }, spec: {} };
    await bed.client.create(resources.leases, lease);
    await bed.settle();
    expect((await bed.client.list(resources.leases)).items).toHaveLength(1);
    await bed.client.delete(resources.nodes, undefined, 'n');
    await bed.settle();
    expect((await bed.client.list(resources.leases)).items).toHaveLength(0);
  });
});
