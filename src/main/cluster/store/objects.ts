import type { KubeObject } from '@shared/k8s';
import type { StoredObject } from './types';

/**
 * One revision of an object. Built either from a value (a write: encoded at once,
 * the journal needs it) or from its JSON (a load: parsed when first read, so that
 * starting does not pay for objects nobody asks for).
 */
export class StoredRevision implements StoredObject {
  /** Held until those who watch have been told of it. */
  #told: KubeObject | undefined;
  #value: WeakRef<KubeObject> | undefined;

  constructor(
    readonly key: string,
    readonly revision: number,
    readonly createRevision: number,
    readonly json: string,
    value?: KubeObject,
  ) {
    this.#told = value;
  }

  get value(): KubeObject {
    const known = this.#told ?? this.#value?.deref();
    if (known) return known;
    const value = deepFreeze(JSON.parse(this.json) as KubeObject);
    this.#value = new WeakRef(value);
    return value;
  }

  /**
   * From here on the store keeps the JSON, and the value lives as long as somebody holds it: an informer does, of
   * events and of old revisions nobody does. A value is several times as large as its JSON.
   */
  settle(): void {
    if (!this.#told) return;
    this.#value = new WeakRef(this.#told);
    this.#told = undefined;
  }

  /** Stamps `revision` as metadata.resourceVersion, freezes and encodes. The caller's value is frozen, not copied. */
  static write(key: string, revision: number, createRevision: number, value: KubeObject): StoredRevision {
    // A spread that adds a key would give every object a hidden class of its own, kept in memory as long as it is.
    const metadata = Object.assign({}, value.metadata, { resourceVersion: String(revision) });
    const stamped = deepFreeze(Object.assign({}, value, { metadata }));
    return new StoredRevision(key, revision, createRevision, JSON.stringify(stamped), stamped);
  }
}

/** Freezes at every depth. What is frozen already came from here and is not walked again. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const field of Object.values(value)) deepFreeze(field);
  return value;
}
