import type { KubeObject } from '@shared/k8s';
import type { StoredObject } from './types';

/**
 * One revision of an object. Built either from a value (a write: encoded at once,
 * the journal needs it) or from its JSON (a load: parsed when first read, so that
 * starting does not pay for objects nobody asks for).
 */
export class StoredRevision implements StoredObject {
  #value: KubeObject | undefined;

  constructor(
    readonly key: string,
    readonly revision: number,
    readonly createRevision: number,
    readonly json: string,
    value?: KubeObject,
  ) {
    this.#value = value;
  }

  get value(): KubeObject {
    return (this.#value ??= deepFreeze(JSON.parse(this.json) as KubeObject));
  }

  /** Stamps `revision` as metadata.resourceVersion, freezes and encodes. The caller's value is frozen, not copied. */
  static write(key: string, revision: number, createRevision: number, value: KubeObject): StoredRevision {
    const stamped = deepFreeze({ ...value, metadata: { ...value.metadata, resourceVersion: String(revision) } });
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
