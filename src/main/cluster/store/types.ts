import type { KubeObject } from '@shared/k8s';

/**
 * One stored revision of an object. `value` is deeply frozen and shared by
 * reference with every reader; `json` is its encoding, made once and reused for
 * every response, watcher and the journal.
 */
export interface StoredObject<T extends KubeObject = KubeObject> {
  readonly key: string;
  /** The revision that wrote it: its metadata.resourceVersion as a number. */
  readonly revision: number;
  /** The revision that created it. */
  readonly createRevision: number;
  readonly value: T;
  readonly json: string;
}

/** A change, in revision order. `previous` is the object before it (absent for creates). */
export interface StoreEvent {
  readonly type: 'PUT' | 'DELETE';
  readonly revision: number;
  readonly key: string;
  /** For PUT the new object; for DELETE the last object, stamped with the revision of the deletion. */
  readonly object: StoredObject;
  readonly previous?: StoredObject;
}

export interface StoreWatch {
  close(): void;
}

export interface ListResult {
  readonly items: readonly StoredObject[];
  /** The revision of the whole store that the list shows. */
  readonly revision: number;
}

/** Thrown by writes; the API server turns it into the field's Status errors. */
export class StoreError extends Error {
  constructor(
    readonly code: 'exists' | 'notFound' | 'conflict' | 'expired' | 'future' | 'closed' | 'io',
    message: string,
    /** What is stored now, for conflict and exists. */
    readonly current?: StoredObject,
  ) {
    super(message);
    this.name = 'StoreError';
  }
}

/**
 * A revisioned object store. Keys are `/registry/GROUP_OR_core/PLURAL[/NAMESPACE]/NAME`.
 * Every write gets the next revision of the whole store and resolves once it is
 * durable (it survives `kill -9`). Readers see durable objects only.
 */
export interface Store {
  /** The last durable revision. */
  readonly revision: number;
  get(key: string): StoredObject | undefined;
  /** Objects whose key starts with the prefix, in key order. */
  list(prefix: string): ListResult;
  count(prefix: string): number;
  /** Stores a new object; stamps metadata.resourceVersion. @throws StoreError exists */
  create(key: string, value: KubeObject): Promise<StoredObject>;
  /**
   * Replaces an object that is still at `expectedRevision`.
   * @throws StoreError notFound | conflict
   */
  update(key: string, value: KubeObject, expectedRevision: number): Promise<StoredObject>;
  /** @throws StoreError notFound | conflict */
  delete(key: string, expectedRevision?: number): Promise<StoredObject>;
  /**
   * Calls `onEvent` synchronously for every change after `fromRevision` to keys with the prefix:
   * first what the log holds, then live. @throws StoreError expired (410) | future
   */
  watch(prefix: string, fromRevision: number, onEvent: (event: StoreEvent) => void): StoreWatch;
  /** One consistent copy of everything, as JSON lines. Restore is a start from that file. */
  backup(file: string): Promise<void>;
  close(): Promise<void>;
}
