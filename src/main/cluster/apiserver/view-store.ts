import type { KubeObject } from '@shared/k8s';
import type { StoredAs } from '../api/kind';
import { StoreError, type Store, type StoredObject, type StoreEvent } from '../store/types';
import { encoded } from './watch';

/**
 * The store as it looks through another version or group of the same objects:
 * everything that comes out is converted (once per revision), everything that
 * goes in is converted back. Requests of a view run on this and need not know.
 */
export function viewStore(store: Store, view: StoredAs): Store {
  const seen = new WeakMap<KubeObject, StoredObject>();
  const through = (stored: StoredObject): StoredObject => {
    let found = seen.get(stored.value);
    if (!found) {
      const { key, revision, createRevision } = stored;
      const converted = view.fromStorage(stored.value);
      if (converted === stored.value) return stored;
      const lazy = encoded(converted);
      found = {
        key,
        revision,
        createRevision,
        value: lazy.value,
        get json() {
          return lazy.json;
        },
      };
      seen.set(stored.value, found);
    }
    return found;
  };
  const event = (one: StoreEvent): StoreEvent => ({
    ...one,
    object: through(one.object),
    ...(one.previous ? { previous: through(one.previous) } : {}),
  });
  const written = async (write: Promise<StoredObject>): Promise<StoredObject> => {
    try {
      return through(await write);
    } catch (error) {
      if (!(error instanceof StoreError) || !error.current) throw error;
      throw new StoreError(error.code, error.message, through(error.current));
    }
  };
  return {
    get revision() {
      return store.revision;
    },
    get(key) {
      const stored = store.get(key);
      return stored && through(stored);
    },
    list(prefix) {
      const { items, revision } = store.list(prefix);
      return { items: items.map(through), revision };
    },
    count: (prefix) => store.count(prefix),
    create: (key, value) => written(store.create(key, view.toStorage(value))),
    update: (key, value, expected) => written(store.update(key, view.toStorage(value), expected)),
    delete: (key, expected) => written(store.delete(key, expected)),
    watch: (prefix, from, onEvent) => store.watch(prefix, from, (one) => onEvent(event(one))),
    backup: (file) => store.backup(file),
    close: () => store.close(),
  };
}
