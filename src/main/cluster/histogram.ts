/** Counts observations by size, as Prometheus' histograms do, at the price of an addition or two. */
export class Histogram {
  private readonly counts: Float64Array;
  private total = 0;
  count = 0;

  /** @param bounds the upper bounds of the buckets, ascending; what is above the last counts as well */
  constructor(readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length);
  }

  get sum(): number {
    return this.total;
  }

  observe(value: number): void {
    this.count++;
    this.total += value;
    const { bounds } = this;
    for (let index = 0; index < bounds.length; index++) {
      if (value > bounds[index]!) continue;
      this.counts[index]!++;
      return;
    }
  }

  /** How many were at most as big as each bound. */
  cumulative(): number[] {
    let sum = 0;
    return Array.from(this.counts, (count) => (sum += count));
  }
}
