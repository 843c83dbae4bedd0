import type { KubeObject } from '@shared/k8s';
import type { Store, StoreWatch } from '../../store/types';

const none: readonly never[] = [];

/** The stored objects under a prefix, followed as they change: for what every request must know of without a search. */
export class Watched<T extends KubeObject> {
  /** Changes whenever one of the objects does. */
  generation = 0;
  private readonly byNamespace = new Map<string, Map<string, T>>();
  private lists = new Map<string, readonly T[]>();
  private readonly follow: StoreWatch;

  /** @param prefix of one resource: `/registry/core/limitranges/` */
  constructor(store: Store, prefix: string) {
    const { items, revision } = store.list(prefix);
    for (const item of items) this.keep(item.key, item.value as T);
    this.follow = store.watch(prefix, revision, ({ type, key, object }) => {
      if (type === 'PUT') this.keep(key, object.value as T);
      else this.forget(key, object.value as T);
    });
  }

  /** Those of a namespace (all, for resources without one), in the order of their names. */
  in(namespace = ''): readonly T[] {
    const objects = this.byNamespace.get(namespace);
    if (!objects) return none;
    let list = this.lists.get(namespace);
    if (!list) {
      list = [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
      this.lists.set(namespace, list);
    }
    return list;
  }

  close(): void {
    this.follow.close();
  }

  private keep(key: string, object: T): void {
    const namespace = object.metadata?.namespace ?? '';
    let objects = this.byNamespace.get(namespace);
    if (!objects) this.byNamespace.set(namespace, (objects = new Map()));
    objects.set(key, object);
    this.changed(namespace);
  }

  private forget(key: string, object: T): void {
    const namespace = object.metadata?.namespace ?? '';
    const objects = this.byNamespace.get(namespace);
    objects?.delete(key);
    if (objects?.size === 0) this.byNamespace.delete(namespace);
    this.changed(namespace);
  }

  private changed(namespace: string): void {
    this.generation++;
    this.lists.delete(namespace);
  }
}
