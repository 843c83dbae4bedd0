import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resources } from '../client/resources';
import { createTestNode, type TestNode } from '../../../../test/support/simulated-node';

let node: TestNode;
beforeEach(async () => {
  node = await createTestNode({ cpus: 2, memoryBytes: 2 ** 30 });
});
afterEach(() => node.close());

const container = (cpu: string, more: object = {}): object => ({
  name: 'main',
  image: 'web:1',
  resources: { requests: { cpu, memory: '64Mi' }, limits: { cpu: '2', memory: '128Mi' } },
  ...more,
});

const resize = (name: string, change: { requests?: object; limits?: object }): Promise<void> =>
  node.edit(name, (spec) => {
    const own = spec.containers[0]!.resources!;
    Object.assign(own.requests!, change.requests);
    Object.assign(own.limits!, change.limits);
  });

const main = async (name = 'p') => (await node.pod(name))!.status!.containerStatuses![0]!;
const conditions = async (name = 'p') =>
  (await node.pod(name))!.status!.conditions!.filter(({ type }) => type.startsWith('PodResize'));

describe('a change of resources', () => {
  it('reaches the running container, which goes on', async () => {
    await node.create('p', { containers: [container('500m')] });
    await node.pass(1000);
    const before = await main();
    expect(before).toMatchObject({
      allocatedResources: { cpu: '500m', memory: '64Mi' },
      resources: { requests: { cpu: '500m' }, limits: { cpu: '2', memory: '128Mi' } },
    });
    await resize('p', { requests: { cpu: '700m' }, limits: { memory: '256Mi' } });
    await node.pass(1000);
    expect(await main()).toMatchObject({
      containerID: before.containerID,
      restartCount: 0,
      allocatedResources: { cpu: '700m', memory: '64Mi' },
      resources: { requests: { cpu: '700m' }, limits: { memory: '256Mi' } },
    });
    expect(await conditions()).toEqual([]);
    const events = (await node.events()).filter((event) => event.startsWith('Resize'));
    expect(events.map((event) => event.split(': {')[0])).toEqual([
      'ResizeStarted: Pod resize started',
      'ResizeCompleted: Pod resize completed',
    ]);
  });

  it('restarts the container where its policy says so', async () => {
    const resizePolicy = [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }];
    await node.create('p', { containers: [container('500m', { resizePolicy })] });
    await node.pass(1000);
    const before = await main();
    await resize('p', { requests: { cpu: '600m' } });
    await node.pass(1000);
    expect((await main()).containerID).toBe(before.containerID);
    await resize('p', { limits: { memory: '256Mi' } });
    await node.pass(5000);
    const after = await main();
    expect(after).toMatchObject({ restartCount: 1, ready: true, resources: { limits: { memory: '256Mi' } } });
    expect(after.containerID).not.toBe(before.containerID);
    expect(await node.events()).toContain('Killing: Container main resize requires restart');
    expect(await conditions()).toEqual([]);
  });

  it('waits until there is room, and says when there never will be', async () => {
    await node.create('other', { containers: [container('1200m')] });
    await node.create('p', { containers: [container('500m')] });
    await node.pass(1000);
    await resize('p', { requests: { cpu: '1500m' } });
    await node.pass(1000);
    expect(await conditions()).toMatchObject([
      {
        type: 'PodResizePending',
        status: 'True',
        reason: 'Deferred',
        message: "Node didn't have enough resource: cpu, requested: 1500, used: 1200, capacity: 2000",
      },
    ]);
    expect(await main()).toMatchObject({ allocatedResources: { cpu: '500m' } });
    await node.client.delete(resources.pods, 'default', 'other', { gracePeriodSeconds: 0 });
    await node.pass(12_000, 500);
    expect(await main()).toMatchObject({ allocatedResources: { cpu: '1500m' } });
    expect(await conditions()).toEqual([]);
    await resize('p', { requests: { cpu: '4' }, limits: { cpu: '4' } });
    await node.pass(1000);
    expect(await conditions()).toMatchObject([{ type: 'PodResizePending', reason: 'Infeasible' }]);
  });
});
