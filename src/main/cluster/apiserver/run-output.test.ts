import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { drained } from './run-output';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Whether `drained` is over. */
function watch(ended: Promise<unknown>, progress: () => number, held: () => boolean) {
  const state = { over: false };
  void drained(ended, progress, held).then(() => (state.over = true));
  return state;
}
const never = new Promise(() => {});

it('waits for the end of the output and no longer', async () => {
  const state = watch(
    Promise.resolve(),
    () => 0,
    () => false,
  );
  await vi.advanceTimersByTimeAsync(0);
  expect(state.over).toBe(true);
});

it('gives up on output that nobody writes', async () => {
  const state = watch(
    never,
    () => 7,
    () => false,
  );
  await vi.advanceTimersByTimeAsync(4_000);
  expect(state.over).toBe(false);
  await vi.advanceTimersByTimeAsync(7_000);
  expect(state.over).toBe(true);
});

it('waits as long as output moves or the client has still to take it', async () => {
  let moved = 0;
  let held = true;
  const state = watch(
    never,
    () => moved,
    () => held,
  );
  await vi.advanceTimersByTimeAsync(60_000);
  held = false;
  for (let turn = 0; turn < 10; turn++) {
    moved++;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(state.over).toBe(false);
  }
  await vi.advanceTimersByTimeAsync(5_000);
  expect(state.over).toBe(true);
});
