/** When a schedule is due, by the wall clock of a time zone. Pure. */
import type { CronSchedule } from './cron-schedule';

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;
/** A schedule that is not due for so long (30 February) never is. */
const horizonMs = 5 * 366 * dayMs;

interface WallTime {
  minute: number;
  hour: number;
  day: number;
  month: number;
  weekday: number;
}

/** Reads the wall clock of a zone at an instant (ms). */
export type WallClock = (at: number) => WallTime;

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** @param timeZone an IANA name; UTC unless told @throws RangeError for an unknown one */
export function wallClockOf(timeZone = 'UTC'): WallClock {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    weekday: 'short',
  });
  return (at) => {
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
    return {
      minute: Number(parts.minute),
      hour: Number(parts.hour),
      day: Number(parts.day),
      month: Number(parts.month),
      weekday: weekdays.indexOf(parts.weekday!),
    };
  };
}

/** The first time after `after` (both ms) at which the schedule is due; undefined if it never is. */
export function nextTime(schedule: CronSchedule, wallClock: WallClock, after: number): number | undefined {
  if (schedule.everyMs) return Math.floor(after / 1000) * 1000 + schedule.everyMs;
  let at = (Math.floor(after / minuteMs) + 1) * minuteMs;
  while (at - after < horizonMs) {
    const wall = wallClock(at);
    if (!isDay(schedule, wall)) {
      // Never over midnight at once: a day may be an hour short.
      const hours = wall.hour < 21 ? 21 - wall.hour : 1;
      at += hours * hourMs - wall.minute * minuteMs;
    } else if (!schedule.hours.has(wall.hour)) at += hourMs - wall.minute * minuteMs;
    else if (!schedule.minutes.has(wall.minute)) at += minuteMs;
    else return at;
  }
  return undefined;
}

/** With both days restricted either will do. */
function isDay(schedule: CronSchedule, { day, month, weekday }: WallTime): boolean {
  if (!schedule.months.has(month)) return false;
  const inMonth = schedule.daysOfMonth.has(day);
  const inWeek = schedule.daysOfWeek.has(weekday);
  return schedule.anyDayOfMonth || schedule.anyDayOfWeek ? inMonth && inWeek : inMonth || inWeek;
}

/** The last time in (earliest, now] at which the schedule was due. */
export function lastTime(
  schedule: CronSchedule,
  wallClock: WallClock,
  earliest: number,
  now: number,
): number | undefined {
  if (schedule.everyMs) {
    const start = Math.floor(earliest / 1000) * 1000;
    const rounds = Math.floor((now - start) / schedule.everyMs);
    return rounds > 0 ? start + rounds * schedule.everyMs : undefined;
  }
  // Looks back a little first: what is due every minute is not counted through years.
  for (const back of [hourMs, dayMs, 32 * dayMs, 366 * dayMs, Infinity]) {
    const from = Math.max(earliest, now - back);
    let last: number | undefined;
    for (let at = nextTime(schedule, wallClock, from); at !== undefined && at <= now;) {
      last = at;
      at = nextTime(schedule, wallClock, at);
    }
    if (last !== undefined || from === earliest) return last;
  }
  return undefined;
}

/** How often the schedule was due in (earliest, now], counted no further than `most`. */
export function countTimes(
  schedule: CronSchedule,
  wallClock: WallClock,
  earliest: number,
  now: number,
  most: number,
): number {
  let count = 0;
  for (let at = nextTime(schedule, wallClock, earliest); at !== undefined && at <= now && count < most; count++) {
    at = nextTime(schedule, wallClock, at);
  }
  return count;
}

/** RFC 3339 with the offset of the zone, as in an annotation. @param at in ms */
export function zonedTimestamp(at: number, timeZone = 'UTC'): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' }).formatToParts(at);
  const offset = parts.find(({ type }) => type === 'timeZoneName')!.value.replace('GMT', '');
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)/.exec(offset) ?? [];
  const shift = sign ? (sign === '-' ? -1 : 1) * (Number(hours) * hourMs + Number(minutes) * minuteMs) : 0;
  return new Date(at + shift).toISOString().slice(0, 19) + (shift === 0 ? 'Z' : offset);
}
