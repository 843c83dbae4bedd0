import type { Endpoints, Service } from '@shared/k8s';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { resources } from '../../client/resources';

let bed: Testbed;
beforeEach(async () => {
  bed = await startTestbed();
});
afterEach(() => {
  expect(bed.problems).toEqual([]);
  bed.stop();
});

const service = (spec: object = {}) =>
  bed.client.create<Service>(resources.services, {
    metadata: { name: 'db', namespace: 'default' },
    spec: { ports: [{ port: 3306 }], ...spec },
  });
const endpoints = (subsets: object[], metadata: object = {}) =>
  bed.client.create<Endpoints>(resources.endpoints, {
    metadata: { name: 'db', namespace: 'default', ...metadata },
    subsets,
  });
const slices = async () => {
  await bed.settle();
  return (await bed.client.list(resources.endpointSlices, 'default')).items;
};
const addresses = async () =>
  (await slices()).map((slice) => (slice.endpoints ?? []).map((endpoint) => endpoint.addresses[0]));
const ports = [{ port: 3306 }];

describe('Endpoints made by hand', () => {
  it('are mirrored, whichever of the two comes first, and followed', async () => {
    const made = await endpoints(
      [{ addresses: [{ ip: '192.0.2.1' }], notReadyAddresses: [{ ip: '192.0.2.2' }], ports }],
      {
        labels: { site: 'b' },
        annotations: { note: 'x', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
      },
    );
    expect(await slices()).toEqual([]);
    await service();
    const [slice, ...others] = await slices();
    expect(others).toEqual([]);
    expect(slice).toMatchObject({
      metadata: {
        labels: {
          site: 'b',
          'kubernetes.io/service-name': 'db',
          'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
        },
        annotations: { note: 'x' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Endpoints', name: 'db', uid: made.metadata.uid }],
      },
      addressType: 'IPv4',
      endpoints: [
        { addresses: ['192.0.2.1'], conditions: { ready: true } },
        { addresses: ['192.0.2.2'], conditions: { ready: false } },
      ],
      ports: [{ name: '', port: 3306, protocol: 'TCP' }],
    });
    expect(Object.keys(slice!.metadata.annotations!)).toEqual(['note']);
    expect(slice!.metadata.name).toMatch(/^db-/);

    await bed.edit(resources.endpoints, 'db', (draft: any) => {
      draft.subsets = [{ addresses: [{ ip: '192.0.2.3' }, { ip: '2001:db8::1' }], ports }];
    });
    const after = await slices();
    expect(after.map(({ addressType }) => addressType).sort()).toEqual(['IPv4', 'IPv6']);
    expect(after.map(({ metadata }) => metadata.uid)).toContain(slice!.metadata.uid);

    await bed.client.delete(resources.endpoints, 'default', 'db');
    expect(await slices()).toEqual([]);
  });

  it('give way to the pods when the service gets a selector', async () => {
    await service();
    await endpoints([{ addresses: [{ ip: '192.0.2.1' }], ports }]);
    expect(await addresses()).toEqual([['192.0.2.1']]);
    await bed.edit(resources.services, 'db', (draft: any) => (draft.spec.selector = { app: 'db' }));
    const [slice, ...others] = await slices();
    expect(others).toEqual([]);
    expect(slice!.metadata.labels!['endpointslice.kubernetes.io/managed-by']).toBe('endpointslice-controller.k8s.io');
    expect(await addresses()).toEqual([[]]);
  });

  it('are left alone when they ask for it, and gone with the service', async () => {
    await service();
    await endpoints([{ addresses: [{ ip: '192.0.2.1' }], ports }], {
      labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
    });
    expect(await slices()).toEqual([]);
    await bed.edit(resources.endpoints, 'db', (draft: any) => delete draft.metadata.labels);
    expect(await addresses()).toEqual([['192.0.2.1']]);
    await bed.client.delete(resources.services, 'default', 'db');
    expect(await slices()).toEqual([]);
  });

  it('come back as one slice when somebody spoils it, and subsets of the same ports share it', async () => {
    await service();
    await endpoints([
      { addresses: [{ ip: '192.0.2.1' }], ports },
      { addresses: [{ ip: '192.0.2.2' }], ports },
      { addresses: [{ ip: '192.0.2.2' }], ports: [{ name: 'admin', port: 1 }] },
    ]);
    expect(await addresses()).toHaveLength(2);
    for (const { metadata } of await slices()) {
      await bed.client.delete(resources.endpointSlices, 'default', metadata.name);
    }
    expect((await addresses()).sort((a, b) => a.length - b.length)).toEqual([
      ['192.0.2.2'],
      ['192.0.2.1', '192.0.2.2'],
    ]);
  });

  it('are mirrored up to a thousand addresses', async () => {
    await service();
    const many = Array.from({ length: 1005 }, (_, index) => ({ ip: `192.0.${index >> 8}.${index & 255}` }));
    await endpoints([{ addresses: many, ports }]);
    expect((await addresses()).map((list) => list.length)).toEqual([1000]);
    expect(await bed.events('db')).toEqual([
      'TooManyAddressesToMirror: A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 5 addresses were skipped',
    ]);
  });
});
