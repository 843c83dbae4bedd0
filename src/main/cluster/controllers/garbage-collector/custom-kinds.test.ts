import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { widgetDefinition, withSpec } from '../../apiserver/custom/testing';
import { resources } from '../../client/resources';

const widgets = { group: 'example.com', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true };

let bed: Testbed;
beforeEach(async () => {
  bed = await startTestbed();
  await bed.client.create(resources.customResourceDefinitions, widgetDefinition(withSpec({})) as never);
  await bed.settle();
});
afterEach(() => {
  expect(bed.problems).toEqual([]);
  bed.stop();
});

const names = async (ref: Parameters<typeof bed.client.list>[0]) =>
  (await bed.client.list(ref, 'default')).items.map(({ metadata }) => metadata!.name);
const make = (ref: Parameters<typeof bed.client.list>[0], name: string, owner?: { uid?: string; name?: string }) =>
  bed.client.create(ref, {
    metadata: {
      name,
      namespace: 'default',
      ...(owner
        ? { ownerReferences: [{ apiVersion: 'example.com/v1', kind: 'Widget', name: owner.name!, uid: owner.uid! }] }
        : {}),
    },
  });

test('custom objects own and are owned', async () => {
  const { metadata } = await make(widgets, 'owner');
  await make(widgets, 'dependent', metadata);
  await make(resources.configMaps as never, 'settings', metadata);
  await bed.settle();
  await bed.client.delete(widgets, 'default', 'owner');
  await bed.settle();
  expect(await names(widgets)).toEqual([]);
  expect(await names(resources.configMaps as never)).not.toContain('settings');
});

test('orphans stay', async () => {
  const { metadata } = await make(widgets, 'owner');
  await make(widgets, 'dependent', metadata);
  await bed.settle();
  await bed.client.delete(widgets, 'default', 'owner', { propagationPolicy: 'Orphan' });
  await bed.settle();
  expect(await names(widgets)).toEqual(['dependent']);
  expect((await bed.client.get(widgets, 'default', 'dependent')).metadata!.ownerReferences).toBeUndefined();
});

test('a namespace takes its custom objects along', async () => {
  await bed.client.create(resources.namespaces, { metadata: { name: 'team' } } as never);
  await bed.client.create(widgets, { metadata: { name: 'a', namespace: 'team' } });
  await bed.client.delete(resources.namespaces, undefined, 'team');
  await bed.settle();
  expect((await bed.client.list(widgets)).items).toEqual([]);
  await expect(bed.client.get(resources.namespaces, undefined, 'team')).rejects.toMatchObject({ code: 404 });
});

test('a kind that goes is followed no longer', async () => {
  await make(widgets, 'a');
  await bed.client.delete(resources.customResourceDefinitions, undefined, 'widgets.example.com');
  await bed.advance(60_000);
  await expect(bed.client.list(widgets)).rejects.toMatchObject({ code: 404 });
});
