import type { KubeObject } from '@shared/k8s';
import { keyOf } from './resources';

type Keyed<T> = Map<string, T>;

/** The objects of an informer by key, by namespace and by index. Every change costs what it touches. */
export class ObjectCache<T extends KubeObject> {
  private readonly objects: Keyed<T> = new Map();
  private readonly namespaces = new Map<string, Keyed<T>>();
  private readonly indexes = new Map<string, { keys: (object: T) => string[]; buckets: Map<string, Keyed<T>> }>();

  get(key: string): T | undefined {
    return this.objects.get(key);
  }

  keys(): string[] {
    return [...this.objects.keys()];
  }

  list(namespace?: string): T[] {
    const from = namespace === undefined ? this.objects : this.namespaces.get(namespace);
    return from ? [...from.values()] : [];
  }

  byIndex(index: string, key: string): T[] {
    const found = this.indexes.get(index);
    if (!found) throw new Error(`there is no index "${index}"`);
    const bucket = found.buckets.get(key);
    return bucket ? [...bucket.values()] : [];
  }

  addIndex(name: string, keys: (object: T) => string[]): void {
    if (this.indexes.has(name)) return;
    const index = { keys, buckets: new Map<string, Keyed<T>>() };
    this.indexes.set(name, index);
    for (const [key, object] of this.objects)
      for (const bucket of keys(object)) put(index.buckets, bucket, key, object);
  }

  /** Stores an object and returns what was there before. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const old = this.objects.get(key);
    this.objects.set(key, object);
    put(this.namespaces, object.metadata?.namespace ?? '', key, object);
    for (const { keys, buckets } of this.indexes.values()) {
      const now = keys(object);
      if (old) for (const bucket of keys(old)) if (!now.includes(bucket)) drop(buckets, bucket, key);
      for (const bucket of now) put(buckets, bucket, key, object);
    }
    return old;
  }

  /** Removes an object and returns what was there. */
  remove(key: string): T | undefined {
    const old = this.objects.get(key);
    if (!old) return undefined;
    this.objects.delete(key);
    drop(this.namespaces, old.metadata?.namespace ?? '', key);
    for (const { keys, buckets } of this.indexes.values()) for (const bucket of keys(old)) drop(buckets, bucket, key);
    return old;
  }
}

function put<T>(buckets: Map<string, Keyed<T>>, bucket: string, key: string, object: T): void {
  const found = buckets.get(bucket);
  if (found) found.set(key, object);
  else buckets.set(bucket, new Map([[key, object]]));
}

function drop<T>(buckets: Map<string, Keyed<T>>, bucket: string, key: string): void {
  const found = buckets.get(bucket);
  if (found?.delete(key) && found.size === 0) buckets.delete(bucket);
}
