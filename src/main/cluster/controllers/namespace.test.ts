import { afterEach, describe, expect, it } from 'vitest';
import { deploymentManifest, startTestbed, type Testbed } from '../../../../test/support/testbed';
import { findCondition } from '../client/conditions';
import { resources } from '../client/resources';

let bed: Testbed;
afterEach(() => bed.stop());

const namespaces = async () => (await bed.client.list(resources.namespaces)).items.map(({ metadata }) => metadata.name);

describe('namespaces', () => {
  it('of the system are there from the start, each with an account and the CA', async () => {
    bed = await startTestbed({ rootCA: 'PEM' });
    expect(await namespaces()).toEqual(['default', 'kube-node-lease', 'kube-public', 'kube-system']);
    for (const name of await namespaces()) {
      await bed.client.get(resources.serviceAccounts, name, 'default');
      const published = await bed.client.get(resources.configMaps, name, 'kube-root-ca.crt');
      expect(published.data).toEqual({ 'ca.crt': 'PEM' });
    }
    await bed.client.delete(resources.serviceAccounts, 'default', 'default');
    await bed.client.patch(resources.configMaps, 'default', 'kube-root-ca.crt', { data: { 'ca.crt': 'other' } });
    await bed.settle();
    await bed.client.get(resources.serviceAccounts, 'default', 'default');
    expect((await bed.client.get(resources.configMaps, 'default', 'kube-root-ca.crt')).data).toEqual({
      'ca.crt': 'PEM',
    });
    expect(bed.problems).toEqual([]);
  });

  it('go with everything in them, pods first', async () => {
    bed = await startTestbed({ rootCA: 'PEM' });
    await bed.client.create(resources.nodes, { metadata: { name: 'n' } });
    await bed.client.create(resources.namespaces, { metadata: { name: 'shop' } });
    await bed.settle();
    const manifest = deploymentManifest('web', 3);
    manifest.spec.template.spec.nodeName = 'n';
    await bed.client.create(resources.deployments, { ...manifest, metadata: { name: 'web', namespace: 'shop' } });
    const service = {
      metadata: { name: 'web', namespace: 'shop' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    };
    await bed.client.create(resources.services, service);
    await bed.client.create(resources.secrets, { metadata: { name: 's', namespace: 'shop' }, data: {} });
    await bed.settle();
    await bed.client.delete(resources.namespaces, undefined, 'shop');
    await bed.settle();

    const going = await bed.client.get(resources.namespaces, undefined, 'shop');
    expect(going.status!.phase).toBe('Terminating');
    expect(findCondition(going.status!.conditions, 'NamespaceContentRemaining')).toMatchObject({
      status: 'True',
      reason: 'SomeResourcesRemain',
      message: 'Some resources are remaining: pods. has 3 resource instances',
    });
    // The pods still run on their node: what they use must stay.
    await bed.client.get(resources.secrets, 'shop', 's');
    const { items } = await bed.client.list(resources.pods, 'shop');
    expect(items.map((pod) => pod.metadata.deletionGracePeriodSeconds)).toEqual([30, 30, 30]);
    for (const { metadata } of items) {
      await bed.client.delete(resources.pods, 'shop', metadata.name, { gracePeriodSeconds: 0 });
    }
    await bed.settle();
    expect(await namespaces()).not.toContain('shop');
    expect(bed.store.list('/registry/').items.filter(({ key }) => key.includes('/shop'))).toEqual([]);
    expect(bed.problems).toEqual([]);
  });

  it('wait for finalizers and say which', async () => {
    bed = await startTestbed();
    await bed.client.create(resources.namespaces, { metadata: { name: 'shop' } });
    const held = { metadata: { name: 'held', namespace: 'shop', finalizers: ['example.com/slow'] } };
    await bed.client.create(resources.configMaps, held);
    await bed.client.delete(resources.namespaces, undefined, 'shop');
    await bed.settle();
    const going = await bed.client.get(resources.namespaces, undefined, 'shop');
    expect(findCondition(going.status!.conditions, 'NamespaceFinalizersRemaining')).toMatchObject({
      status: 'True',
      message: 'Some content in the namespace has finalizers remaining: example.com/slow in 1 resource instances',
    });
    await bed.client.patch(resources.configMaps, 'shop', 'held', { metadata: { finalizers: null } });
    await bed.advance(1500);
    expect(await namespaces()).not.toContain('shop');
  });

  it('are emptied although a server behind the API is down, and go when it is back or given up', async () => {
    bed = await startTestbed();
    await bed.client.create(resources.namespaces, { metadata: { name: 'shop' } });
    await bed.client.create(resources.configMaps, { metadata: { name: 'prices', namespace: 'shop' } });
    await bed.client.create(resources.apiServices, {
      metadata: { name: 'v1.hats.example.com' },
      spec: {
        group: 'hats.example.com',
        version: 'v1',
        service: { namespace: 'shop', name: 'hats' },
        insecureSkipTLSVerify: true,
        groupPriorityMinimum: 100,
        versionPriority: 100,
      },
    });
    await bed.settle();
    await bed.client.delete(resources.namespaces, undefined, 'shop');
    await bed.settle();
    const condition = async (type: string) =>
      findCondition((await bed.client.get(resources.namespaces, undefined, 'shop')).status!.conditions, type);
    expect(await condition('NamespaceDeletionDiscoveryFailure')).toMatchObject({
      status: 'True',
      reason: 'DiscoveryFailed',
      message:
        'Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: hats.example.com/v1: stale GroupVersion discovery: hats.example.com/v1',
    });
    expect(await condition('NamespaceContentRemaining')).toMatchObject({ status: 'False', reason: 'ContentRemoved' });
    expect(bed.store.count('/registry/core/configmaps/shop/')).toBe(0);
    await bed.client.delete(resources.apiServices, undefined, 'v1.hats.example.com');
    await bed.advance(1500);
    expect(await namespaces()).not.toContain('shop');
    expect(bed.problems).toEqual([]);
  });
});
