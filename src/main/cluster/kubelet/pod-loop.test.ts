import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../clock';
import { PodLoop } from './pod-loop';

let clock: FakeClock;
let begun: number;
let finish: (error?: Error) => void;
let failures: string[];
let loop: PodLoop;

beforeEach(() => {
  clock = new FakeClock();
  begun = 0;
  failures = [];
  loop = new PodLoop(
    clock,
    () => {
      begun++;
      return new Promise((resolve, reject) => (finish = (error) => (error ? reject(error) : resolve())));
    },
    ({ message }) => void failures.push(message),
  );
});

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const end = async (error?: Error): Promise<void> => {
  finish(error);
  await turn();
};

describe('PodLoop', () => {
  it('does one thing at a time, and once more for all that was asked meanwhile', async () => {
    loop.wake();
    loop.wake();
    loop.wake();
    expect(begun).toBe(1);
    await end();
    expect(begun).toBe(2);
    await end();
    expect(begun).toBe(2);
  });

  it('comes back at the earliest of the times it was asked for', async () => {
    loop.later(5000);
    loop.later(2000);
    loop.later(3000);
    await clock.advance(1999);
    expect(begun).toBe(0);
    await clock.advance(1);
    expect(begun).toBe(1);
    await end();
    await clock.advance(10_000);
    expect(begun).toBe(1);
  });

  it('tries again ever later what fails, and soon after a success', async () => {
    loop.wake();
    for (const [index, ms] of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].entries()) {
      await end(new Error('no'));
      await clock.advance(ms - 1);
      expect(begun).toBe(index + 1);
      await clock.advance(1);
      expect(begun).toBe(index + 2);
    }
    expect(failures).toHaveLength(7);
    await end();
    loop.wake();
    await end(new Error('no'));
    const before = begun;
    await clock.advance(1000);
    expect(begun).toBe(before + 1);
  });

  it('does nothing more once it is closed, and says when what was under way is done', async () => {
    loop.wake();
    loop.wake();
    loop.later(1000);
    loop.close();
    let idle = false;
    void loop.idle().then(() => (idle = true));
    await turn();
    expect(idle).toBe(false);
    await end();
    expect(idle).toBe(true);
    loop.wake();
    await clock.advance(5000);
    expect(begun).toBe(1);
  });
});
