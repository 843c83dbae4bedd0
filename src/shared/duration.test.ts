import { describe, expect, it } from 'vitest';
import { humanAge, humanDuration } from './duration';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe('humanDuration', () => {
  it.each([
    [-2 * second, '<invalid>'],
    [-500, '0s'],
    [0, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [5 * minute + 30 * second, '5m30s'],
    [10 * minute + 30 * second, '10m'],
    [179 * minute, '179m'],
    [3 * hour + 12 * minute, '3h12m'],
    [8 * hour + 12 * minute, '8h'],
    [47 * hour, '47h'],
    [2 * day + 3 * hour, '2d3h'],
    [8 * day + 3 * hour, '8d'],
    [729 * day, '729d'],
    [730 * day, '2y'],
    [800 * day, '2y70d'],
    [8 * 365 * day + day, '8y'],
  ])('%d ms is %s', (ms, words) => {
    expect(humanDuration(ms)).toBe(words);
  });
});

describe('humanAge', () => {
  const now = Date.parse('2026-01-01T01:00:00Z');
  it('counts from a time stamp', () => expect(humanAge('2026-01-01T00:58:00Z', now)).toBe('2m'));
  it('says so when there is none', () => {
    expect(humanAge(undefined, now)).toBe('<unknown>');
    expect(humanAge('yesterday', now)).toBe('<unknown>');
  });
});
