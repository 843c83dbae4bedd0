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

const firstCapacity = 16;

/** The last points of a series, in memory that grows to what its capacity takes and no further. */
export class Ring {
  private times = new Float64Array(firstCapacity);
  /** CPU and memory by turns: seven digits are plenty for a chart. */
  private values = new Float32Array(firstCapacity * 2);
  private next = 0;
  private count = 0;

  constructor(private readonly capacity: number) {}

  add({ t, cpu, memory }: Point): void {
    if (this.count === this.times.length && this.count < this.capacity) this.grow();
    this.times[this.next] = t;
    this.values[this.next * 2] = cpu;
    this.values[this.next * 2 + 1] = memory;
    this.next = (this.next + 1) % this.size;
    this.count = Math.min(this.count + 1, this.size);
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

  private get size(): number {
    return Math.min(this.times.length, this.capacity);
  }

  /** Full and in order from the first place on, as it never wrapped before. */
  private grow(): void {
    const times = new Float64Array(Math.min(this.capacity, this.times.length * 2));
    times.set(this.times);
    const values = new Float32Array(times.length * 2);
    values.set(this.values);
    this.next = this.count;
    this.times = times;
    this.values = values;
  }

  private at(index: number): Point {
    const place = (this.next - this.count + index + this.size) % this.size;
    return { t: this.times[place]!, cpu: this.values[place * 2]!, memory: this.values[place * 2 + 1]! };
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
