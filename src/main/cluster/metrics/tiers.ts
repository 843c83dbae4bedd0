import { Ring, type Point } from './usage';

/** Points so far apart (ms), kept for so long (ms). */
export interface Tier {
  everyMs: number;
  keepMs: number;
}

const minute = 60_000;
const hour = 60 * minute;

/** What is kept for the day: the resolution falls with age. */
export const minutes: Tier = { everyMs: minute, keepMs: 6 * hour };
export const fiveMinutes: Tier = { everyMs: 5 * minute, keepMs: 25 * hour };

interface Level extends Tier {
  ring: Ring;
  /** The bucket that is being filled; the first level has none: it keeps points as they come. */
  bucket?: { t: number; cpu: number; memory: number; count: number };
}

/** One series of usage in several resolutions, each in fixed memory; coarser points are averages. */
export class TieredSeries {
  private readonly levels: Level[];

  /** @param tiers from the finest, whose points are kept as they come */
  constructor(tiers: readonly Tier[]) {
    this.levels = tiers.map((tier) => ({ ...tier, ring: new Ring(Math.ceil(tier.keepMs / tier.everyMs)) }));
  }

  add(point: Point): void {
    this.levels[0]!.ring.add(point);
    for (const level of this.levels.slice(1)) fill(level, point);
  }

  /** Takes up a point that was kept at a resolution before a restart. In order of time. */
  restore(point: Point, everyMs: number): void {
    for (const level of this.levels) {
      if (level.everyMs === everyMs) level.ring.add(point);
      else if (level.everyMs > everyMs) fill(level, point);
    }
  }

  /** In order of time up to the newest point, each stretch in the finest resolution that reaches back to `fromMs`. */
  since(fromMs: number, now: number): Point[] {
    let points: Point[] = [];
    const reaching = this.levels.findIndex(({ keepMs }) => keepMs >= now - fromMs);
    const from = reaching < 0 ? this.levels.length - 1 : reaching;
    for (const { ring, everyMs } of this.levels.slice(from)) {
      const oldest = points[0]?.t ?? Infinity;
      // What a coarser point stands for ends where the finer ones begin.
      points = [...ring.since(fromMs).filter(({ t }) => t + everyMs <= oldest), ...points];
    }
    // Coarse points are told when they are over: what is now is told by the finest.
    const newest = this.levels[0]!.ring.last();
    if (newest && newest.t >= fromMs && newest.t > (points.at(-1)?.t ?? -Infinity)) points.push(newest);
    return points;
  }

  /** The finished points of one resolution. */
  kept(everyMs: number, fromMs: number): Point[] {
    return this.levels.find((level) => level.everyMs === everyMs)?.ring.since(fromMs) ?? [];
  }
}

function fill(level: Level, { t, cpu, memory }: Point): void {
  const start = Math.floor(t / level.everyMs) * level.everyMs;
  const { bucket } = level;
  if (bucket?.t === start) {
    bucket.cpu += cpu;
    bucket.memory += memory;
    bucket.count++;
    return;
  }
  // After a restart, what is left of a bucket that is there already says less than that.
  if (bucket && bucket.t > (level.ring.last()?.t ?? -Infinity)) {
    level.ring.add({ t: bucket.t, cpu: bucket.cpu / bucket.count, memory: bucket.memory / bucket.count });
  }
  level.bucket = { t: start, cpu, memory, count: 1 };
}
