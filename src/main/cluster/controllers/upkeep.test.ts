import { afterEach, describe, expect, it } from 'vitest';
import { startTestbed, type Testbed } from '../../../../test/support/testbed';
import { microTimestamp, timestamp } from '../clock';
import { resources } from '../client/resources';

let bed: Testbed;
afterEach(() => bed.stop());

describe('the kubernetes Service', () => {
  it('leads to the API server and is put right when it changes', async () => {
    bed = await startTestbed({ apiEndpoint: { ip: '172.18.0.2', port: 6443 } });
    const service = await bed.client.get(resources.services, 'default', 'kubernetes');
    expect(service.spec).toMatchObject({
      clusterIP: '10.96.0.1',
      ports: [{ name: 'https', port: 443, targetPort: 6443, protocol: 'TCP' }],
    });
    await bed.client.patch(resources.endpoints, 'default', 'kubernetes', { subsets: [] });
    await bed.client.delete(resources.endpointSlices, 'default', 'kubernetes');
    await bed.settle();
    expect((await bed.client.get(resources.endpoints, 'default', 'kubernetes')).subsets).toEqual([
      { addresses: [{ ip: '172.18.0.2' }], ports: [{ name: 'https', port: 6443, protocol: 'TCP' }] },
    ]);
    expect(await bed.client.get(resources.endpointSlices, 'default', 'kubernetes')).toMatchObject({
      metadata: { labels: { 'kubernetes.io/service-name': 'kubernetes' } },
      endpoints: [{ addresses: ['172.18.0.2'], conditions: { ready: true } }],
    });
    expect(bed.problems).toEqual([]);
  });

  it('follows the API server to where pods reach it', async () => {
    let tell: ((endpoint: { ip: string; port: number }) => void) | undefined;
    bed = await startTestbed({
      apiEndpoint: { ip: '127.0.0.1', port: 6443 },
      onApiEndpoint: (listener) => (tell = listener),
    });
    tell!({ ip: '172.18.0.1', port: 6444 });
    await bed.settle();
    expect(await bed.client.get(resources.endpointSlices, 'default', 'kubernetes')).toMatchObject({
      endpoints: [{ addresses: ['172.18.0.1'] }],
      ports: [{ name: 'https', port: 6444 }],
    });
  });
});

describe('what every cluster has', () => {
  it('is there from the start', async () => {
    bed = await startTestbed();
    const { items } = await bed.client.list(resources.priorityClasses);
    expect(items.map(({ metadata, value }) => [metadata.name, value])).toEqual([
      ['system-cluster-critical', 2_000_000_000],
      ['system-node-critical', 2_000_001_000],
    ]);
    expect(bed.problems).toEqual([]);
  });
});

describe('events', () => {
  it('go an hour after the last time they were seen', async () => {
    bed = await startTestbed();
    const record = (name: string, fields: object) =>
      bed.client.create(resources.events, {
        metadata: { name, namespace: 'default' },
        involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
        reason: 'X',
        message: 'x',
        type: 'Normal',
        ...fields,
      });
    await record('old', { lastTimestamp: timestamp(bed.clock.now()) });
    await record('new-style', {
      eventTime: microTimestamp(bed.clock.now()),
      reportingComponent: 'c',
      reportingController: 'c',
      reportingInstance: 'i',
      action: 'a',
    });
    const names = async () => (await bed.client.list(resources.events)).items.map(({ metadata }) => metadata.name);
    await bed.advance(1_800_000);
    await bed.client.patch(resources.events, 'default', 'old', { lastTimestamp: timestamp(bed.clock.now()), count: 2 });
    expect(await names()).toEqual(['new-style', 'old']);
    await bed.advance(1_900_000);
    expect(await names()).toEqual(['old']);
    await bed.advance(1_900_000);
    expect(await names()).toEqual([]);
  });
});

describe('status', () => {
  it('names every controller and what it fails at', async () => {
    bed = await startTestbed({ rootCA: 'PEM' });
    bed.intercept = ({ path, method }) => {
      if (method === 'POST' && path.endsWith('/serviceaccounts')) throw new Error('disk full');
    };
    await bed.client.create(resources.namespaces, { metadata: { name: 'shop' } });
    await bed.settle();
    const status = bed.controllers.status();
    expect(status.map(({ name }) => name)).toContain('deployment');
    expect(status.filter(({ lastError }) => lastError)).toEqual([
      { name: 'serviceaccount', lastError: 'disk full', queueLength: 0 },
    ]);
    bed.intercept = undefined;
    await bed.advance(30_000);
    expect(bed.controllers.status().filter(({ lastError }) => lastError)).toEqual([]);
  });
});
