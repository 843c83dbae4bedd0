/** One figure of the bench. Times in ms unless the unit says otherwise. */
export interface Figure {
  name: string;
  unit: string;
  value: number;
  n: number;
  p50: number;
  p99: number;
}

/** A set of figures measured together. */
export interface Benchmark {
  name: string;
  run(report: (figure: Figure) => void): Promise<void>;
}

const round = (value: number) => Math.round(value * 1000) / 1000;

function percentile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** A figure over samples; its value is the median. */
export function distribution(name: string, samples: number[], unit = 'ms'): Figure {
  const sorted = [...samples].sort((a, b) => a - b);
  const p50 = round(percentile(sorted, 0.5));
  return { name, unit, value: p50, n: samples.length, p50, p99: round(percentile(sorted, 0.99)) };
}

/** A figure that is one number. */
export function single(name: string, unit: string, value: number, n = 1): Figure {
  return { name, unit, value: round(value), n, p50: round(value), p99: round(value) };
}

/** Runs `task` `count` times by `clients` in parallel; answers each duration in ms and the rate per second. */
export async function load(clients: number, count: number, task: (index: number) => Promise<void>) {
  const samples: number[] = [];
  let next = 0;
  const started = performance.now();
  const client = async () => {
    while (next < count) {
      const index = next++;
      const from = performance.now();
      await task(index);
      samples.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { samples, perSecond: (count / (performance.now() - started)) * 1000 };
}
