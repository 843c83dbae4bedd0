/**
 * Cron schedules as Kubernetes reads them: five fields (minute, hour, day of
 * month, month, day of week) or a word like `@daily`. Pure: the wall clock's
 * fields come in, time zones are the caller's business.
 */
export interface CronSchedule {
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  daysOfMonth: ReadonlySet<number>;
  months: ReadonlySet<number>;
  /** 0 is Sunday. */
  daysOfWeek: ReadonlySet<number>;
  /** Whether the day of month (week) is a star: with two restrictions either day will do. */
  anyDayOfMonth: boolean;
  anyDayOfWeek: boolean;
  /** `@every 1h30m` in ms; the fields are then empty. */
  everyMs?: number;
}

interface Bounds {
  least: number;
  most: number;
  names?: Record<string, number>;
}

const numbered = (names: string, first: number): Record<string, number> =>
  Object.fromEntries(names.split(' ').map((name, index) => [name, index + first]));

const bounds: Bounds[] = [
  { least: 0, most: 59 },
  { least: 0, most: 23 },
  { least: 1, most: 31 },
  { least: 1, most: 12, names: numbered('jan feb mar apr may jun jul aug sep oct nov dec', 1) },
  { least: 0, most: 6, names: numbered('sun mon tue wed thu fri sat', 0) },
];

const words: Record<string, string> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** @throws Error in the words that Kubernetes answers */
export function parseCronSchedule(text: string): CronSchedule {
  if (text === '') throw new Error('empty spec string');
  if (text.startsWith('@every ')) return every(text);
  const spec = text.startsWith('@') ? words[text] : text;
  if (spec === undefined) throw new Error(`unrecognized descriptor: ${text}`);
  const fields = spec.split(/\s+/).filter(Boolean);
  if (fields.length !== 5) {
    throw new Error(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`);
  }
  const [minutes, hours, daysOfMonth, months, daysOfWeek] = fields.map((field, index) =>
    parseField(field, bounds[index]!),
  );
  const isStar = (field: string): boolean =>
    field.split(',').some((part) => /^[*?]/.test(part) && !/\/(?!1$)/.test(part));
  return {
    minutes: minutes!,
    hours: hours!,
    daysOfMonth: daysOfMonth!,
    months: months!,
    daysOfWeek: daysOfWeek!,
    anyDayOfMonth: isStar(fields[2]!),
    anyDayOfWeek: isStar(fields[4]!),
  };
}

function every(text: string): CronSchedule {
  const given = text.slice('@every '.length);
  const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  const parts = [...given.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)];
  const everyMs = parts.reduce((sum, [, number, unit]) => sum + Number(number) * units[unit!]!, 0);
  if (parts.map(([part]) => part).join('') !== given || everyMs === 0) {
    throw new Error(`failed to parse duration ${text}: time: invalid duration "${given}"`);
  }
  const none = new Set<number>();
  const fields = { minutes: none, hours: none, daysOfMonth: none, months: none, daysOfWeek: none };
  return {
    ...fields,
    anyDayOfMonth: false,
    anyDayOfWeek: false,
    everyMs: Math.max(1000, Math.floor(everyMs / 1000) * 1000),
  };
}

/** One field: ranges with steps, joined by commas. */
function parseField(field: string, limits: Bounds): Set<number> {
  const values = new Set<number>();
  for (const part of field.split(',').filter(Boolean)) {
    const [range, ...steps] = part.split('/') as [string, ...string[]];
    if (steps.length > 1) throw new Error(`too many slashes: ${part}`);
    const ends = range.split('-');
    if (ends.length > 2) throw new Error(`too many hyphens: ${part}`);
    const star = range === '*' || range === '?';
    const start = star ? limits.least : number(ends[0]!, limits.names);
    let end = star ? limits.most : ends.length === 2 ? number(ends[1]!, limits.names) : start;
    const step = steps.length === 1 ? number(steps[0]!) : 1;
    // `N/step` means from N to the end.
    if (steps.length === 1 && !star && ends.length === 1) end = limits.most;
    if (start < limits.least) throw new Error(`beginning of range (${start}) below minimum (${limits.least}): ${part}`);
    if (end > limits.most) throw new Error(`end of range (${end}) above maximum (${limits.most}): ${part}`);
    if (start > end) throw new Error(`beginning of range (${start}) beyond end of range (${end}): ${part}`);
    if (step === 0) throw new Error(`step of range should be a positive number: ${part}`);
    for (let value = start; value <= end; value += step) values.add(value);
  }
  return values;
}

function number(text: string, names?: Record<string, number>): number {
  const named = names?.[text.toLowerCase()];
  if (named !== undefined) return named;
  if (!/^[+-]?\d+$/.test(text)) {
    throw new Error(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  if (Number(text) < 0) throw new Error(`negative number (${Number(text)}) not allowed: ${text}`);
  return Number(text);
}
