import type { UsageSample } from '../apiserver/node-connection';

/** Totals read at one moment. */
export interface Totals {
  timeMs: number;
  /** CPU time since the start, ns. */
  cpuTotalNanos: number;
  memoryBytes: number;
}

/** The usage between two readings; undefined when the second is not later or the counter began anew. */
export function usageBetween(before: Totals, after: Totals): UsageSample | undefined {
  const windowMs = after.timeMs - before.timeMs;
  const used = after.cpuTotalNanos - before.cpuTotalNanos;
  if (windowMs <= 0 || used < 0) return undefined;
  return {
    time: after.timeMs,
    windowMs,
    cpuNanocores: Math.round((used / windowMs) * 1000),
    memoryBytes: after.memoryBytes,
  };
}

export interface Point {
  /** Milliseconds since the epoch. */
  t: number;
  /** Cores. */
  cpu: number;
  /** Bytes. */
  memory: number;
}

/** The last points of a series, in fixed memory. */
export class Ring {
  private readonly values: Float64Array;
  private next = 0;
  private count = 0;

  constructor(private readonly capacity: number) {
    this.values = new Float64Array(capacity * 3);
  }

  add({ t, cpu, memory }: Point): void {
    this.values.set([t, cpu, memory], this.next * 3);
    this.next = (this.next + 1) % this.capacity;
    this.count = Math.min(this.count + 1, this.capacity);
  }

  last(): Point | undefined {
    return this.count > 0 ? this.at(this.count - 1) : undefined;
  }

  /** In order of time. */
  since(fromMs: number): Point[] {
    const points: Point[] = [];
    for (let index = 0; index < this.count; index++) {
      const point = this.at(index);
      if (point.t >= fromMs) points.push(point);
    }
    return points;
  }

  private at(index: number): Point {
    const place = ((this.next - this.count + index + this.capacity) % this.capacity) * 3;
    return { t: this.values[place]!, cpu: this.values[place + 1]!, memory: this.values[place + 2]! };
  }
}

/** Adds series up: points of the same sampling round share their time. */
export function sumPoints(series: Point[][]): Point[] {
  const sums = new Map<number, Point>();
  for (const { t, cpu, memory } of series.flat()) {
    const sum = sums.get(t);
    sums.set(t, sum ? { t, cpu: sum.cpu + cpu, memory: sum.memory + memory } : { t, cpu, memory });
  }
  return [...sums.values()].sort((a, b) => a.t - b.t);
}
