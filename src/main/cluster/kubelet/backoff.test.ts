import { describe, expect, it } from 'vitest';
import { Backoff } from './backoff';
import { goDuration } from './go-duration';

describe('Backoff', () => {
  it('lets the first failure go ahead, then doubles up to five minutes', () => {
    const backoff = new Backoff();
    let now = 0;
    expect(backoff.remaining('a', now, now)).toBe(0);
    const waits: string[] = [];
    for (let round = 0; round < 7; round++) {
      backoff.next('a', now);
      waits.push(goDuration(backoff.delay('a')));
      now += backoff.delay('a') + 1000;
    }
    expect(waits).toEqual(['10s', '20s', '40s', '1m20s', '2m40s', '5m0s', '5m0s']);
  });

  it('counts from the failure, per key', () => {
    const backoff = new Backoff();
    backoff.next('a', 0);
    expect(backoff.remaining('a', 5000, 7000)).toBe(8000);
    expect(backoff.remaining('b', 5000, 7000)).toBe(0);
  });

  it('forgets what went well for ten minutes', () => {
    const backoff = new Backoff();
    backoff.next('a', 0);
    expect(backoff.remaining('a', 600_001, 600_001)).toBe(0);
    expect(backoff.delay('a')).toBe(0);
  });
});

it('goDuration prints as Go does', () => {
  expect([0, 250, 1500, 10_000, 80_000, 300_000, 3_600_000].map(goDuration)).toEqual([
    '0ms',
    '250ms',
    '1.5s',
    '10s',
    '1m20s',
    '5m0s',
    '1h0m0s',
  ]);
});
