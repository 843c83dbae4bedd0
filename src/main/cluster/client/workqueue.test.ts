import { describe, expect, it } from 'vitest';
import { apiError, conflict } from '../api/errors';
import { FakeClock } from '../clock';
import { createLogger } from '../log';
import { runController } from './controller';
import { WorkQueue } from './workqueue';

const clockAndQueue = () => {
  const clock = new FakeClock();
  return { clock, queue: new WorkQueue(clock) };
};

describe('WorkQueue', () => {
  it('hands out a key once, however often it was added', async () => {
    const { queue } = clockAndQueue();
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
    expect(queue.metrics()).toMatchObject({ depth: 2, adds: 2 });
    expect([await queue.take(), await queue.take()]).toEqual(['a', 'b']);
    expect(queue.metrics()).toMatchObject({ depth: 0, processing: 2 });
  });

  it('keeps a key that comes back while it is processed until that is done', async () => {
    const { queue } = clockAndQueue();
    queue.add('a');
    await queue.take();
    queue.add('a');
    queue.add('b');
    expect(await queue.take()).toBe('b');
    queue.done('a');
    expect(await queue.take()).toBe('a');
    queue.done('a');
    expect(queue.metrics()).toMatchObject({ depth: 0, adds: 3 });
  });

  it('delays, and lets the earliest of several delays count', async () => {
    const { clock, queue } = clockAndQueue();
    queue.addAfter('a', 100);
    queue.addAfter('a', 50);
    queue.addAfter('a', 200);
    await clock.advance(49);
    expect(queue.metrics()).toMatchObject({ depth: 0, delayed: 1 });
    await clock.advance(1);
    expect(queue.metrics()).toMatchObject({ depth: 1, delayed: 0 });
    await clock.advance(500);
    expect(queue.metrics().adds).toBe(1);
  });

  it('backs off from 5 ms to 30 s and begins anew after a success', async () => {
    const { clock, queue } = clockAndQueue();
    const delays: number[] = [];
    for (let failure = 0; failure < 15; failure++) {
      const before = clock.now();
      queue.addRateLimited('a');
      const taken = queue.take();
      while (queue.metrics().delayed) await clock.advance(5);
      await taken;
      queue.done('a');
      delays.push(clock.now() - before);
    }
    expect(delays.slice(0, 4)).toEqual([5, 10, 20, 40]);
    expect(delays.slice(-2)).toEqual([30_000, 30_000]);
    queue.forget('a');
    queue.addRateLimited('a');
    await clock.advance(5);
    expect(queue.metrics().depth).toBe(1);
  });

  it('lets waiting workers go when it is closed', async () => {
    const { queue } = clockAndQueue();
    const waiting = queue.take();
    queue.close();
    queue.add('a');
    expect(await waiting).toBeUndefined();
    expect(await queue.take()).toBeUndefined();
  });
});

describe('runController', () => {
  const start = (reconcile: (key: string) => Promise<{ requeueAfterMs?: number } | void>, workers = 2) => {
    const { clock, queue } = clockAndQueue();
    const lines: string[] = [];
    const log = createLogger('test', 'info', (line) => void lines.push(line));
    return {
      clock,
      queue,
      lines,
      controller: runController({ name: 'c', queue, reconciler: { reconcile }, workers, clock, log }),
    };
  };

  it('never works on one key twice at a time, but on several keys', async () => {
    let most = 0;
    const active: string[] = [];
    const { clock, queue, controller } = start(async (key) => {
      expect(active).not.toContain(key);
      active.push(key);
      most = Math.max(most, active.length);
      if (key === 'a' && active.length === 1) queue.add('a');
      await new Promise((resolve) => setImmediate(resolve));
      active.splice(active.indexOf(key), 1);
    });
    for (const key of ['a', 'b', 'c']) queue.add(key);
    for (let turn = 0; turn < 10; turn++) await clock.advance(0);
    expect(most).toBe(2);
    expect(controller.metrics()).toMatchObject({ depth: 0, processing: 0 });
    await controller.stop();
  });

  it('tries again after a failure, says so, and forgets it after a success', async () => {
    let calls = 0;
    const { clock, queue, lines, controller } = start(async () => {
      if (++calls < 3) throw apiError(500, 'InternalError', 'no');
    });
    queue.add('a');
    await clock.advance(4);
    expect(controller.lastError()).toBe('no');
    await clock.advance(100);
    expect(calls).toBe(3);
    expect(controller.lastError()).toBeUndefined();
    expect(lines).toHaveLength(2);
  });

  it('takes a conflict for nothing special and a requeue at its time', async () => {
    const times: number[] = [];
    const { clock, queue, lines } = start(async () => {
      times.push(clock.now());
      if (times.length === 1) throw conflict({ plural: 'pods' }, 'p', 'changed');
      return { requeueAfterMs: 1000 };
    });
    const began = clock.now();
    queue.add('a');
    await clock.advance(2500);
    expect(times.map((time) => time - began)).toEqual([0, 5, 1005, 2005]);
    expect(lines).toEqual([]);
  });
});
