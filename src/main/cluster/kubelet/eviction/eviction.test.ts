import { afterEach, describe, expect, it } from 'vitest';
import type { Pod } from '@shared/k8s';
import { createTestNode, type TestNode } from '../../../../../test/support/simulated-node';
import { rank } from './ranking';
import { thresholdOf, type Readings } from './signals';

const mib = 2 ** 20;
let node: TestNode;
afterEach(() => node?.close());

const asking = (memory: string, limit = memory): object => ({
  containers: [
    {
      name: 'main',
      image: 'web:1',
      resources: { requests: { memory, cpu: '10m' }, limits: { memory: limit, cpu: '10m' } },
    },
  ],
});
const condition = async (type: string) => (await node.node()).status!.conditions!.find((one) => one.type === type)!;
const phases = async (...names: string[]) =>
  Promise.all(
    names.map(async (name) => (await node.pod(name))!.status!.reason ?? (await node.pod(name))!.status!.phase),
  );

describe('a node that runs out of memory', () => {
  it('ends pods one after the other: BestEffort, Burstable, Guaranteed; and takes no more BestEffort ones', async () => {
    const readings: Readings = { 'memory.available': { available: 500 * mib, capacity: 1000 * mib } };
    node = await createTestNode({ machine: async () => readings, memoryBytes: 2 ** 30 });
    const busy = { memory: 60 * mib };
    await node.create('guaranteed', asking('100Mi'), {}, busy);
    await node.create('burstable', asking('50Mi', '100Mi'), {}, busy);
    await node.create('besteffort', {}, {}, busy);
    await node.pass(15_000, 500);
    expect((await condition('MemoryPressure')).status).toBe('False');
    expect(await phases('guaranteed', 'burstable', 'besteffort')).toEqual(['Running', 'Running', 'Running']);

    readings['memory.available'] = { available: 50 * mib, capacity: 1000 * mib };
    await node.pass(10_000, 500);
    expect(await phases('guaranteed', 'burstable', 'besteffort')).toEqual(['Running', 'Running', 'Evicted']);
    const { status } = (await node.pod('besteffort'))!;
    expect(status).toMatchObject({ phase: 'Failed', reason: 'Evicted' });
    expect(status!.message).toBe(
      'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container main was using 60Mi, request is 0, has larger consumption of memory. ',
    );
    expect(status!.conditions!.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'TerminationByKubelet',
    });
    expect(status!.containerStatuses![0]!.state!.terminated!.exitCode).toBe(137);
    expect(await condition('MemoryPressure')).toMatchObject({
      status: 'True',
      reason: 'KubeletHasInsufficientMemory',
      message: 'kubelet has insufficient memory available',
    });
    await node.pass(10_000, 500);
    expect(await phases('guaranteed', 'burstable')).toEqual(['Running', 'Evicted']);

    readings['memory.available'] = { available: 500 * mib, capacity: 1000 * mib };
    await node.pass(20_000, 500);
    expect(await phases('guaranteed')).toEqual(['Running']);
    // The condition outlasts the shortage, so that the node does not swing to and fro.
    await node.create('late', {});
    await node.create('asking', asking('50Mi'));
    await node.pass(1000);
    expect(await phases('late', 'asking')).toEqual(['Evicted', 'Running']);
    expect((await node.pod('late'))!.status!.message).toBe(
      'Pod was rejected: The node had condition: [MemoryPressure]. ',
    );
    await node.pass(310_000, 5000);
    expect((await condition('MemoryPressure')).status).toBe('False');
  });
});

it('ends no pod while it is the turn of another node of the machine', async () => {
  let turn = false;
  const machine = async (): Promise<Readings> => ({
    'memory.available': { available: 50 * mib, capacity: 1000 * mib },
  });
  node = await createTestNode({ machine, mayEvict: () => turn, memoryBytes: 2 ** 30 });
  await node.create('web', asking('100Mi'), {}, { memory: 60 * mib });
  await node.pass(30_000, 500);
  expect(await phases('web')).toEqual(['Running']);
  expect((await condition('MemoryPressure')).status).toBe('True');
  turn = true;
  await node.pass(10_000, 500);
  expect(await phases('web')).toEqual(['Evicted']);
});

it('thresholds are quantities or percentages', () => {
  expect(thresholdOf('100Mi', 2 ** 30)).toBe(100 * mib);
  expect(thresholdOf('12.5%', 800)).toBe(100);
  expect(() => thresholdOf('much', 800)).toThrow();
});

describe('the order of eviction', () => {
  const consumer = (name: string, usage: number, request: number, priority = 0, limits?: object) => ({
    pod: {
      metadata: { name },
      spec: { priority, containers: [{ name: 'main', resources: limits ? { limits } : {} }] },
    } as unknown as Pod,
    usage,
    request,
  });
  const names = (...consumers: ReturnType<typeof consumer>[]) => rank(consumers).map(({ pod }) => pod.metadata.name);

  it('is over the request, priority, amount', () => {
    expect(names(consumer('within', 90, 100), consumer('over', 20, 10), consumer('important', 500, 0, 10))).toEqual([
      'over',
      'important',
      'within',
    ]);
    expect(names(consumer('little', 20, 10), consumer('much', 80, 10))).toEqual(['much', 'little']);
  });

  it('is the quality of service among equals', () => {
    const sure = consumer('sure', 0, 0, 0, { cpu: '1', memory: '1Gi' });
    expect(names(sure, consumer('some', 0, 0, 0, { cpu: '1' }), consumer('none', 0, 0))).toEqual([
      'none',
      'some',
      'sure',
    ]);
  });
});
