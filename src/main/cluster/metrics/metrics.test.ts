import { describe, expect, it } from 'vitest';
import { FakeClock } from '../clock';
import { labels, type Runtime } from '../kubelet/runtime/types';
import { silentLogger } from '../log';
import { createMetrics } from './metrics';
import { Ring, sumPoints, usageBetween } from './usage';

describe('usageBetween', () => {
  it('is the CPU time used over the time passed', () => {
    const before = { timeMs: 1000, cpuTotalNanos: 0, memoryBytes: 1 };
    expect(usageBetween(before, { timeMs: 3000, cpuTotalNanos: 1e9, memoryBytes: 7 })).toEqual({
      time: 3000,
      windowMs: 2000,
      cpuNanocores: 500_000_000,
      memoryBytes: 7,
    });
  });

  it('is nothing when the counter began anew or no time passed', () => {
    const before = { timeMs: 1000, cpuTotalNanos: 10, memoryBytes: 1 };
    expect(usageBetween(before, { timeMs: 2000, cpuTotalNanos: 5, memoryBytes: 1 })).toBeUndefined();
    expect(usageBetween(before, { timeMs: 1000, cpuTotalNanos: 20, memoryBytes: 1 })).toBeUndefined();
  });
});

describe('Ring', () => {
  it('keeps the last points in order', () => {
    const ring = new Ring(3);
    expect(ring.last()).toBeUndefined();
    for (const t of [1, 2, 3, 4]) ring.add({ t, cpu: t, memory: t });
    expect(ring.since(0).map((point) => point.t)).toEqual([2, 3, 4]);
    expect(ring.since(3).map((point) => point.t)).toEqual([3, 4]);
    expect(ring.last()!.t).toBe(4);
  });
});

it('sumPoints adds up what was sampled together', () => {
  const sums = sumPoints([
    [
      { t: 1, cpu: 1, memory: 10 },
      { t: 2, cpu: 1, memory: 10 },
    ],
    [{ t: 2, cpu: 2, memory: 5 }],
  ]);
  expect(sums).toEqual([
    { t: 1, cpu: 1, memory: 10 },
    { t: 2, cpu: 3, memory: 15 },
  ]);
});

describe('createMetrics', () => {
  const setUp = (wholeHost: boolean) => {
    const clock = new FakeClock(0);
    let id = 'c1';
    const usage = { cores: 0.5, began: 0 };
    const own = (): Record<string, string> => ({
      [labels.kind]: 'app',
      [labels.podNamespace]: 'ns',
      [labels.podName]: 'p',
      [labels.containerName]: 'main',
    });
    const runtime = {
      list: async () => [
        { id, state: 'running', labels: own() },
        { id: 's', state: 'running', labels: { [labels.kind]: 'sandbox' } },
      ],
      stats: async () => ({
        timeMs: clock.now(),
        cpuTotalNanos: (clock.now() - usage.began) * 1e6 * usage.cores,
        memoryBytes: 1000,
      }),
    } as unknown as Runtime;
    const metrics = createMetrics({
      clock,
      log: silentLogger,
      host: () => ({ cpuTotalNanos: clock.now() * 2e6, memoryBytes: 5000 }),
    });
    const remove = metrics.addNode({
      name: 'n',
      runtime,
      wholeHost: () => wholeHost,
      capacity: () => ({ cpu: 4, memory: 8000 }),
      pod: () => undefined,
    });
    return { clock, metrics, remove, usage, restart: (next: string) => void (id = next) };
  };

  it('has a first figure after two seconds and then one every ten', async () => {
    const { clock, metrics } = setUp(false);
    await clock.advance(0);
    expect(metrics.pod('ns', 'p')).toBeUndefined();
    await clock.advance(2000);
    expect(metrics.pod('ns', 'p')).toEqual({
      main: { time: 2000, windowMs: 2000, cpuNanocores: 5e8, memoryBytes: 1000 },
    });
    expect(metrics.node('n')).toMatchObject({ cpuNanocores: 5e8, memoryBytes: 1000 });
    await clock.advance(20_000);
    expect(metrics.series({ kind: 'pod', namespace: 'ns', name: 'p' }, 0).points.map((point) => point.t)).toEqual([
      2000, 12_000, 22_000,
    ]);
    expect(metrics.series({ kind: 'cluster' }, 10_000)).toMatchObject({
      cpuLimit: 4,
      memoryLimit: 8000,
      points: [{ cpu: 0.5 }, { cpu: 0.5 }],
    });
  });

  it('takes the whole machine for the node where the node is that', async () => {
    const { clock, metrics } = setUp(true);
    await clock.advance(2000);
    expect(metrics.node('n')).toMatchObject({ cpuNanocores: 2e9, memoryBytes: 5000 });
  });

  it('counts once what several nodes of a machine use', async () => {
    const { clock, metrics } = setUp(true);
    metrics.addNode({
      name: 'second',
      runtime: { list: async () => [], stats: async () => undefined } as unknown as Runtime,
      wholeHost: () => false,
      partOfHost: () => true,
      capacity: () => ({ cpu: 4, memory: 8000 }),
      pod: () => undefined,
    });
    await clock.advance(4000);
    const { points, cpuLimit, memoryLimit } = metrics.series({ kind: 'cluster' }, 0);
    expect(points.at(-1)).toMatchObject({ cpu: 2, memory: 5000 });
    expect({ cpuLimit, memoryLimit }).toEqual({ cpuLimit: 4, memoryLimit: 8000 });
    expect(metrics.node('second')?.memoryBytes ?? 0).toBe(0);
  });

  it('goes on in the same series when a container is restarted', async () => {
    const { clock, metrics, restart, usage } = setUp(false);
    await clock.advance(12_000);
    restart('c2');
    usage.began = clock.now();
    await clock.advance(30_000);
    const points = metrics.series({ kind: 'pod', namespace: 'ns', name: 'p', container: 'main' }, 0).points;
    expect(points.every((point) => point.cpu === 0.5)).toBe(true);
    expect(points).toHaveLength(4);
  });

  it('forgets a node that is removed', async () => {
    const { clock, metrics, remove } = setUp(false);
    await clock.advance(12_000);
    remove();
    expect(metrics.node('n')).toBeUndefined();
    expect(metrics.pod('ns', 'p')).toBeUndefined();
    expect(metrics.series({ kind: 'node', name: 'n' }, 0).unavailable).toBe('node "n" is not sampled here');
  });
});
