import { afterEach, expect, test } from 'vitest';
import type { ResourceQuota } from '@shared/k8s';
import { startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { resources } from '../../client/resources';

let bed: Testbed;
afterEach(() => bed.stop());

const pod = (name: string, cpu: string) => ({
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'c', image: 'web:1', resources: { requests: { cpu } } }] },
});

async function quota(hard: Record<string, string>): Promise<() => Promise<ResourceQuota['status']>> {
  bed = await startTestbed();
  await bed.client.create(resources.resourceQuotas, { metadata: { name: 'q', namespace: 'default' }, spec: { hard } });
  return async () => {
    await bed.settle();
    return (await bed.client.get<ResourceQuota>(resources.resourceQuotas, 'default', 'q')).status;
  };
}

test('reports what is used, as it comes and goes', async () => {
  const status = await quota({ pods: '5', 'requests.cpu': '2', 'count/configmaps': '9' });
  const before = await status();
  expect(before?.hard).toEqual({ pods: '5', 'requests.cpu': '2', 'count/configmaps': '9' });
  expect(before?.used).toMatchObject({ pods: '0', 'requests.cpu': '0' });
  await bed.client.create(resources.pods, pod('a', '250m'));
  await bed.client.create(resources.pods, pod('b', '1'));
  expect((await status())?.used).toMatchObject({ pods: '2', 'requests.cpu': '1250m' });
  await bed.client.delete(resources.pods, 'default', 'b', { gracePeriodSeconds: 0 });
  expect((await status())?.used).toMatchObject({ pods: '1', 'requests.cpu': '250m' });
  expect(bed.problems).toEqual([]);
});

test('follows the limits it is given', async () => {
  const status = await quota({ pods: '5' });
  await bed.edit<ResourceQuota>(resources.resourceQuotas, 'q', (draft) => {
    draft.spec!.hard = { services: '3' };
  });
  expect(await status()).toEqual({ hard: { services: '3' }, used: { services: expect.any(String) } });
});

test('counts kinds that it does not follow every five minutes', async () => {
  const status = await quota({ 'count/leases.coordination.k8s.io': '5' });
  await status();
  await bed.client.create(resources.leases, { metadata: { name: 'mine', namespace: 'default' }, spec: {} });
  expect((await status())?.used).toEqual({ 'count/leases.coordination.k8s.io': '0' });
  await bed.advance(5 * 60_000);
  expect((await status())?.used).toEqual({ 'count/leases.coordination.k8s.io': '1' });
});
