import { describe, expect, it } from 'vitest';
import type { Pod, PodSpec } from '@shared/k8s';
import { FakeClock } from '../clock';
import { Heap } from './heap';
import { SchedulingQueue } from './queue';
import { PodInfo } from './snapshot';

const pod = (name: string, spec: Partial<PodSpec> = {}) =>
  new PodInfo({
    metadata: { name, namespace: 'default', uid: name },
    spec: { containers: [], ...spec },
  } as unknown as Pod);

const options = {
  firstBackoffMs: 1000,
  maxBackoffMs: 10_000,
  before: (a: PodInfo, b: PodInfo) => (a.priority === b.priority ? undefined : a.priority > b.priority),
};

function setUp() {
  const clock = new FakeClock();
  let ready = 0;
  const queue = new SchedulingQueue(clock, options, () => (ready += 1));
  const pop = () => queue.pop()?.info.uid;
  return { clock, queue, pop, ready: () => ready };
}

it('a heap gives what comes first', () => {
  const heap = new Heap<number>((a, b) => a < b);
  const items = Array.from({ length: 200 }, (_, i) => (i * 7919) % 211);
  for (const item of items) heap.push(item);
  const out = Array.from({ length: 200 }, () => heap.pop());
  expect(out).toEqual([...items].sort((a, b) => a - b));
  expect(heap.pop()).toBeUndefined();
});

describe('pods are given out', () => {
  it('by priority, then as they came', () => {
    const { queue, pop } = setUp();
    queue.put(pod('a'));
    queue.put(pod('b', { priority: 100 }));
    queue.put(pod('c'));
    queue.put(pod('d', { priority: 100 }));
    expect([pop(), pop(), pop(), pop(), pop()]).toEqual(['b', 'd', 'a', 'c', undefined]);
  });

  it('once, however often they are heard of', () => {
    const { queue, pop } = setUp();
    queue.put(pod('a'));
    queue.put(pod('a', { priority: 1 }));
    expect([pop(), pop()]).toEqual(['a', undefined]);
    queue.put(pod('a', { priority: 2 }));
    expect(pop()).toBeUndefined();
  });

  it('not after they are gone', () => {
    const { queue, pop } = setUp();
    queue.put(pod('a'));
    queue.remove('a');
    expect(pop()).toBeUndefined();
    queue.put(pod('b'));
    const tried = queue.pop()!;
    queue.remove('b');
    queue.park(tried);
    queue.wake(() => true);
    expect(pop()).toBeUndefined();
  });
});

describe('pods that failed', () => {
  it('wait twice as long each time, ten seconds at most', async () => {
    const { queue, clock, pop } = setUp();
    queue.put(pod('a'));
    for (const seconds of [1, 2, 4, 8, 10, 10]) {
      queue.retry(queue.pop()!);
      await clock.advance(seconds * 1000 - 1);
      expect(queue.pop()).toBeUndefined();
      await clock.advance(1);
    }
    expect(pop()).toBe('a');
  });

  it('stay parked until something changes, and then still back off', async () => {
    const { queue, clock, pop, ready } = setUp();
    queue.put(pod('a'));
    queue.put(pod('b'));
    queue.park(queue.pop()!);
    queue.park(queue.pop()!);
    expect(queue.parked).toBe(2);
    await clock.advance(5000);
    expect(pop()).toBeUndefined();
    const before = ready();
    queue.wake(({ info }) => info.uid === 'b');
    expect([pop(), pop()]).toEqual(['b', undefined]);
    expect(ready()).toBe(before + 1);

    queue.put(pod('c'));
    queue.park(queue.pop()!);
    queue.wake(({ info }) => info.uid === 'c');
    expect(pop()).toBeUndefined();
    await clock.advance(1000);
    expect(pop()).toBe('c');
  });

  it('are tried again after five minutes if nothing happens', async () => {
    const { queue, clock, pop } = setUp();
    queue.put(pod('a'));
    queue.park(queue.pop()!);
    await clock.advance(299_000);
    expect(pop()).toBeUndefined();
    await clock.advance(31_000);
    expect(pop()).toBe('a');
  });

  it('are tried again when their own spec changes, not when their status does', () => {
    const { queue, pop } = setUp();
    queue.put(pod('a'));
    queue.park(queue.pop()!);
    queue.put(new PodInfo({ ...pod('a').pod, status: { phase: 'Pending' } }));
    expect(pop()).toBeUndefined();
    queue.put(pod('a', { tolerations: [{ operator: 'Exists' }] }));
    expect(pop()).toBe('a');
  });
});
