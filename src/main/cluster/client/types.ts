import type { KubeList, KubeObject } from '@shared/k8s';
import type { KubeTransport } from './transport';

/** Names a resource of the API. `T` is the type of its objects. */
export interface ResourceRef<T extends KubeObject = KubeObject> {
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
  /** Never set; carries the type. */
  readonly _type?: T;
}

export interface ListOptions {
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
}

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  preconditions?: { uid?: string; resourceVersion?: string };
}

export type PatchType = 'json' | 'merge' | 'strategic';

/**
 * Typed verbs over a transport. Objects that come back may be frozen and
 * shared: copy before changing. Failures throw ApiError.
 */
export interface KubeClient {
  readonly transport: KubeTransport;
  get<T extends KubeObject>(ref: ResourceRef<T>, namespace: string | undefined, name: string): Promise<T>;
  list<T extends KubeObject>(ref: ResourceRef<T>, namespace?: string, options?: ListOptions): Promise<KubeList<T>>;
  create<T extends KubeObject>(ref: ResourceRef<T>, object: KubeObject): Promise<T>;
  /** Needs metadata.resourceVersion for optimistic concurrency. */
  update<T extends KubeObject>(ref: ResourceRef<T>, object: KubeObject): Promise<T>;
  updateStatus<T extends KubeObject>(ref: ResourceRef<T>, object: KubeObject): Promise<T>;
  patch<T extends KubeObject>(
    ref: ResourceRef<T>,
    namespace: string | undefined,
    name: string,
    patch: unknown,
    options?: { type?: PatchType; subresource?: string },
  ): Promise<T>;
  /** A POST to a subresource, e.g. pods/binding. */
  createSubresource<T extends KubeObject>(
    ref: ResourceRef,
    namespace: string | undefined,
    name: string,
    subresource: string,
    object: KubeObject,
  ): Promise<T>;
  delete(ref: ResourceRef, namespace: string | undefined, name: string, options?: DeleteOptions): Promise<void>;
}

export interface InformerHandler<T> {
  add?(object: T): void;
  update?(object: T, old: T): void;
  delete?(object: T): void;
}

/**
 * A cache of one resource kept by list and watch. A dropped or expired watch ends
 * in a relist and the difference is delivered as events, never lost in silence.
 */
export interface Informer<T extends KubeObject = KubeObject> {
  readonly hasSynced: boolean;
  /** Resolves when the first list is in the cache and delivered. */
  readonly synced: Promise<void>;
  get(namespace: string | undefined, name: string): T | undefined;
  /** All, or one namespace's. */
  list(namespace?: string): T[];
  /** Objects for which the index function returned the key. */
  byIndex(index: string, key: string): T[];
  addIndex(index: string, keys: (object: T) => string[]): void;
  /** Handlers added late first get an add for all that is cached. Returns the removal. */
  on(handler: InformerHandler<T>): () => void;
}

/** Shared informers: one per (resource, namespace, selector), started together. */
export interface InformerFactory {
  informer<T extends KubeObject>(
    ref: ResourceRef<T>,
    options?: { namespace?: string; fieldSelector?: string; labelSelector?: string },
  ): Informer<T>;
  /** Stops and forgets the informer of all objects of a resource that is served no longer. */
  forget(ref: ResourceRef): void;
  /** Starts what was asked for so far and waits until all are synced. */
  start(): Promise<void>;
  stop(): void;
}

/** A level-based control loop: the request is an identity (`namespace/name`, or `name`), not an event. */
export interface Reconciler {
  reconcile(key: string): Promise<{ requeueAfterMs?: number } | void>;
}
