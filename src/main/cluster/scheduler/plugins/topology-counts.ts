type Labels = Readonly<Record<string, string>> | undefined;

/** Amounts by topology domain: a label's key and value. */
export class TopologyCounts {
  private readonly keys = new Map<string, Map<string, number>>();

  /** Adds to the domain a node with these labels is in; nothing when it is in none. */
  add(key: string, labels: Labels, amount: number): void {
    const value = labels?.[key];
    if (value === undefined || amount === 0) return;
    let values = this.keys.get(key);
    if (!values) this.keys.set(key, (values = new Map()));
    const sum = (values.get(value) ?? 0) + amount;
    if (sum !== 0) values.set(value, sum);
    else values.delete(value);
    if (values.size === 0) this.keys.delete(key);
  }

  at(key: string, labels: Labels): number {
    const value = labels?.[key];
    return value === undefined ? 0 : (this.keys.get(key)?.get(value) ?? 0);
  }

  /** Whether there is more than nothing in any domain of these labels. */
  anyAt(labels: Labels): boolean {
    for (const key of this.keys.keys()) if (this.at(key, labels) > 0) return true;
    return false;
  }

  /** The sum over all domains of these labels. */
  sumAt(labels: Labels): number {
    let sum = 0;
    for (const key of this.keys.keys()) sum += this.at(key, labels);
    return sum;
  }

  get empty(): boolean {
    return this.keys.size === 0;
  }
}
