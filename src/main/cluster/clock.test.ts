import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from './clock';

const dayMs = 86_400_000;

describe('the system clock', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('waits longer than a timer of the runtime can', () => {
    const due = vi.fn();
    systemClock.setTimeout(due, 60 * dayMs);
    vi.advanceTimersByTime(60 * dayMs - 1);
    expect(due).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(due).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('stops waiting at any time', () => {
    const due = vi.fn();
    const timer = systemClock.setTimeout(due, 60 * dayMs);
    vi.advanceTimersByTime(40 * dayMs);
    timer.cancel();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(40 * dayMs);
    expect(due).not.toHaveBeenCalled();
  });
});
