import { describe, expect, it } from 'vitest';
import { parseCronSchedule } from './cron-schedule';

describe('parseCronSchedule', () => {
  it('reads stars, ranges, steps, lists and names', () => {
    const schedule = parseCronSchedule('*/20 9-17/4 1,15 jan-MAR mon-fri');
    expect([...schedule.minutes]).toEqual([0, 20, 40]);
    expect([...schedule.hours]).toEqual([9, 13, 17]);
    expect([...schedule.daysOfMonth]).toEqual([1, 15]);
    expect([...schedule.months]).toEqual([1, 2, 3]);
    expect([...schedule.daysOfWeek]).toEqual([1, 2, 3, 4, 5]);
    expect([schedule.anyDayOfMonth, schedule.anyDayOfWeek]).toEqual([false, false]);
  });

  it('reads a step from a start, and words', () => {
    expect([...parseCronSchedule('50/5 * * * *').minutes]).toEqual([50, 55]);
    const daily = parseCronSchedule('@daily');
    expect([...daily.minutes, ...daily.hours]).toEqual([0, 0]);
    expect([daily.anyDayOfMonth, daily.anyDayOfWeek]).toEqual([true, true]);
    expect(parseCronSchedule('@every 1h30m').everyMs).toBe(5_400_000);
  });

  it.each([
    ['', 'empty spec string'],
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
    ['@sometimes', 'unrecognized descriptor: @sometimes'],
    ['@every soon', 'failed to parse duration @every soon: time: invalid duration "soon"'],
  ])('%j is refused: %s', (text, message) => {
    expect(() => parseCronSchedule(text)).toThrow(message);
  });
});
