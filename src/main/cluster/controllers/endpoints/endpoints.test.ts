import type { EndpointSlice, Pod, Service } from '@shared/k8s';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { resources } from '../../client/resources';
import type { PodEndpoint } from './pods';
import { planSlices } from './slices';

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
    metadata: { name: 'web', namespace: 'default', labels: { tier: 'front' } },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }], ...spec },
  });
const pod = async (name: string, spec: object = {}) => {
  const ports = [{ name: 'web', containerPort: 8080 }];
  const created = await bed.client.create<Pod>(resources.pods, {
    metadata: { name, namespace: 'default', labels: { app: 'web' } },
    spec: { containers: [{ name: 'a', image: 'a', ports }], ...spec },
  });
  return created;
};
const slices = async () => (await bed.client.list(resources.endpointSlices, 'default')).items;
const endpoints = () => bed.client.get(resources.endpoints, 'default', 'web');

describe('endpoints of a service', () => {
  it('follow its pods through their life', async () => {
    await bed.client.create(resources.nodes, {
      metadata: { name: 'n', labels: { 'topology.kubernetes.io/zone': 'here' } },
    });
    const { metadata } = await service();
    await bed.settle();
    expect((await slices())[0]).toMatchObject({
      metadata: {
        labels: {
          tier: 'front',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        ownerReferences: [{ kind: 'Service', uid: metadata.uid }],
      },
      addressType: 'IPv4',
      endpoints: [],
    });
    const created = await pod('a', { nodeName: 'n' });
    await bed.settle();
    expect((await slices())[0]!.endpoints).toEqual([]);
    let running = await bed.run(created, false);
    await bed.settle();
    const ip = running.status!.podIP!;
    const targetRef = { kind: 'Pod', namespace: 'default', name: 'a', uid: created.metadata.uid };
    const ports = [{ name: 'http', port: 8080, protocol: 'TCP' }];
    expect((await endpoints()).subsets).toEqual([{ notReadyAddresses: [{ ip, nodeName: 'n', targetRef }], ports }]);

    running = await bed.run(running);
    await bed.settle();
    expect(await slices()).toHaveLength(1);
    expect((await slices())[0]).toMatchObject({
      endpoints: [
        {
          addresses: [ip],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: 'n',
          zone: 'here',
          targetRef,
        },
      ],
      ports,
    });
    expect((await endpoints()).subsets).toEqual([{ addresses: [{ ip, nodeName: 'n', targetRef }], ports }]);

    await bed.client.delete(resources.pods, 'default', 'a');
    await bed.settle();
    expect((await slices())[0]!.endpoints![0]!.conditions).toEqual({ ready: false, serving: true, terminating: true });
    expect((await endpoints()).subsets ?? []).toEqual([]);
    await bed.client.delete(resources.pods, 'default', 'a', { gracePeriodSeconds: 0 });
    await bed.settle();
    expect((await slices())[0]!.endpoints).toEqual([]);

    await bed.client.delete(resources.services, 'default', 'web');
    await bed.settle();
    expect(await slices()).toEqual([]);
    await expect(endpoints()).rejects.toMatchObject({ code: 404 });
  });

  it('publish unready pods when told, and names of pods of a headless service', async () => {
    await service({ clusterIP: 'None', publishNotReadyAddresses: true });
    await bed.run(await pod('a', { hostname: 'db-0', subdomain: 'web' }), false);
    await bed.settle();
    const [slice] = await slices();
    expect(slice!.metadata.labels).toHaveProperty(['service.kubernetes.io/headless'], '');
    expect(slice!.endpoints).toMatchObject([
      { hostname: 'db-0', conditions: { ready: true, serving: false, terminating: false } },
    ]);
    expect((await endpoints()).subsets![0]!.addresses).toMatchObject([{ hostname: 'db-0' }]);
  });

  it('are left alone for a service without selector', async () => {
    await service({ selector: undefined });
    await bed.client.create(resources.endpoints, { metadata: { name: 'web', namespace: 'default' }, subsets: [] });
    await bed.settle();
    expect(await slices()).toEqual([]);
    expect((await endpoints()).metadata.labels).toBeUndefined();
  });

  it('come back when somebody spoils them', async () => {
    await service();
    await bed.run(await pod('a'));
    await bed.settle();
    const [slice] = await slices();
    await bed.client.delete(resources.endpointSlices, 'default', slice!.metadata.name);
    await bed.client.patch(resources.endpoints, 'default', 'web', { subsets: [] });
    await bed.settle();
    expect(await slices()).toHaveLength(1);
    expect((await slices())[0]!.endpoints).toHaveLength(1);
    expect((await endpoints()).subsets).toHaveLength(1);
  });
});

describe('planSlices', () => {
  const owner = {
    metadata: { name: 'web', namespace: 'default', uid: 'u' },
    spec: { selector: { a: 'b' } },
  } as unknown as Service;
  const endpoint = (index: number, port = 80): PodEndpoint => ({
    pod: { metadata: { name: `p${index}`, namespace: 'default', uid: `u${index}` } } as Pod,
    ip: `10.0.${index >> 8}.${index & 255}`,
    ports: [{ name: '', port, protocol: 'TCP' }],
    ready: true,
    serving: true,
    terminating: false,
  });
  const many = (count: number, port?: number) => Array.from({ length: count }, (_, index) => endpoint(index, port));
  let id = 0;
  const stored = (slice: object) =>
    ({ ...slice, metadata: { ...(slice as EndpointSlice).metadata, name: `s${id++}` } }) as EndpointSlice;
  const sizes = (list: { endpoints?: unknown[] }[]) => list.map(({ endpoints }) => endpoints!.length);

  it('puts a hundred endpoints into a slice and fills up before it makes another', () => {
    const first = planSlices(owner, many(250), []);
    expect(sizes(first.create as never)).toEqual([100, 100, 50]);
    const existing = first.create.map(stored);
    const second = planSlices(owner, many(260), existing);
    expect(second.create).toEqual([]);
    expect(second.remove).toEqual([]);
    expect(sizes(second.update)).toEqual([60]);
    expect(planSlices(owner, many(250), existing)).toEqual({ create: [], update: [], remove: [] });
  });

  it('touches only the slice of the endpoint that changed and drops what is empty', () => {
    const existing = planSlices(owner, many(250), []).create.map(stored);
    const changed = many(200);
    changed[150] = { ...changed[150]!, ready: false };
    const plan = planSlices(owner, changed, existing);
    expect(plan.create).toEqual([]);
    expect(plan.update.map(({ metadata }) => metadata.name)).toEqual([existing[1]!.metadata.name]);
    expect(plan.remove.map(({ metadata }) => metadata.name)).toEqual([existing[2]!.metadata.name]);
  });

  it('separates endpoints whose named port is another number', () => {
    const plan = planSlices(owner, [endpoint(1, 80), endpoint(2, 81)], []);
    expect(plan.create.map((slice) => slice.ports[0].port)).toEqual([80, 81]);
  });
});
