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
});
