import type { StoredObject } from './types';

interface Bucket {
  prefix: string;
  byKey: Map<string, StoredObject>;
  /** In key order. */
  sorted: StoredObject[];
}

const root = '/registry/';

/** Where `/registry/GROUP/PLURAL/` ends in a key or prefix; -1 when it is not all there. */
function bucketEnd(text: string): number {
  if (!text.startsWith(root)) return -1;
  const group = text.indexOf('/', root.length);
  return group < 0 ? -1 : text.indexOf('/', group + 1);
}

/** The part of a prefix that names a resource; undefined when it spans several. */
export function bucketOfPrefix(prefix: string): string | undefined {
  const end = bucketEnd(prefix);
  return end < 0 ? undefined : prefix.slice(0, end + 1);
}

/** `/registry/GROUP/PLURAL/` of a key. @throws Error when the key has another shape */
export function bucketOf(key: string): string {
  const end = bucketEnd(key);
  if (end < 0 || end === key.length - 1) {
    throw new Error(`a key is /registry/GROUP/PLURAL[/NAMESPACE]/NAME, not ${JSON.stringify(key)}`);
  }
  return key.slice(0, end + 1);
}

/** The place of the first object whose key is not before `key`. */
function lowerBound(sorted: readonly StoredObject[], key: string): number {
  let low = 0;
  let high = sorted.length;
  // New objects often come last in their kind.
  if (high > 0 && sorted[high - 1]!.key < key) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]!.key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The current objects, kept in key order within each resource so that listing a
 * resource or a namespace is two binary searches and a copy.
 */
export class KeySpace {
  private readonly buckets = new Map<string, Bucket>();

  get(key: string): StoredObject | undefined {
    return this.buckets.get(bucketOf(key))?.byKey.get(key);
  }

  put(object: StoredObject): void {
    const prefix = bucketOf(object.key);
    let bucket = this.buckets.get(prefix);
    if (!bucket) this.buckets.set(prefix, (bucket = { prefix, byKey: new Map(), sorted: [] }));
    const at = lowerBound(bucket.sorted, object.key);
    if (bucket.byKey.has(object.key)) bucket.sorted[at] = object;
    else if (at === bucket.sorted.length) bucket.sorted.push(object);
    else bucket.sorted.splice(at, 0, object);
    bucket.byKey.set(object.key, object);
  }

  delete(key: string): void {
    const bucket = this.buckets.get(bucketOf(key));
    if (!bucket?.byKey.delete(key)) return;
    bucket.sorted.splice(lowerBound(bucket.sorted, key), 1);
    if (bucket.sorted.length === 0) this.buckets.delete(bucket.prefix);
  }

  /** Replaces everything. */
  load(objects: Iterable<StoredObject>): void {
    this.buckets.clear();
    const sorted = [...objects].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    for (const object of sorted) this.put(object);
  }

  /** Objects whose key starts with the prefix, in key order. */
  list(prefix: string): StoredObject[] {
    const parts = this.ranges(prefix).map(({ bucket, start, end }) => bucket.sorted.slice(start, end));
    return parts.length === 1 ? parts[0]! : parts.flat();
  }

  count(prefix: string): number {
    return this.ranges(prefix).reduce((sum, { start, end }) => sum + end - start, 0);
  }

  private ranges(prefix: string): { bucket: Bucket; start: number; end: number }[] {
    const name = bucketOfPrefix(prefix);
    if (name === undefined) {
      return [...this.buckets.values()]
        .filter((bucket) => bucket.prefix.startsWith(prefix))
        .sort((a, b) => (a.prefix < b.prefix ? -1 : 1))
        .map((bucket) => ({ bucket, start: 0, end: bucket.sorted.length }));
    }
    const bucket = this.buckets.get(name);
    if (!bucket) return [];
    if (bucket.prefix === prefix) return [{ bucket, start: 0, end: bucket.sorted.length }];
    // Keys are below U+FFFF, so this is the first string after all that start with the prefix.
    return [{ bucket, start: lowerBound(bucket.sorted, prefix), end: lowerBound(bucket.sorted, `${prefix}\uffff`) }];
  }
}
