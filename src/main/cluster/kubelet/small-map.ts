/**
 * A map for a handful of entries, in order of insertion. Every pod has several that are empty most of the time, and an
 * empty `Map` takes a quarter of a kilobyte. Entries must not be added while it is walked.
 */
export class SmallMap<K, V> {
  private entries: [K, V][] | undefined;

  get size(): number {
    return this.entries?.length ?? 0;
  }

  get(key: K): V | undefined {
    return this.find(key)?.[1];
  }

  has(key: K): boolean {
    return this.find(key) !== undefined;
  }

  set(key: K, value: V): void {
    const found = this.find(key);
    if (found) found[1] = value;
    else if (this.entries) this.entries.push([key, value]);
    else this.entries = [[key, value]];
  }

  delete(key: K): void {
    const left = this.entries?.filter(([other]) => other !== key);
    this.entries = left?.length ? left : undefined;
  }

  clear(): void {
    this.entries = undefined;
  }

  keys(): K[] {
    return this.entries?.map(([key]) => key) ?? [];
  }

  values(): V[] {
    return this.entries?.map(([, value]) => value) ?? [];
  }

  private find(key: K): [K, V] | undefined {
    return this.entries?.find(([other]) => other === key);
  }
}
