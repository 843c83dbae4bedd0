import type { KubeObject } from '@shared/k8s';
import {
  cleanupFinalizer,
  isTrue,
  type CustomNames,
  type CustomResourceDefinition,
} from '../../api/apiextensions/types';
import type { ApiSchema } from '../../api/schema/types';
import type { Clock } from '../../clock';
import type { Logger } from '../../log';
import { StoreError, type Store, type StoredObject, type StoreEvent, type StoreWatch } from '../../store/types';
import { jsonEqual } from '../../json';
import { cloneObject } from '../json';
import type { Resource, ResourceRegistry } from '../resources';
import { customKind } from './definition';
import { removeObjects, terminating, type Handle } from './removal';
import { withCustomKinds } from './schema';
import { definitionStatus, type TakenNames } from './status';
import { byPrecedence } from './versions';

const prefix = '/registry/apiextensions.k8s.io/customresourcedefinitions/';

export interface CustomKindsOptions {
  store: Store;
  registry: ResourceRegistry;
  /** Of the built-in kinds. */
  schema: ApiSchema;
  clock: Clock;
  log: Logger;
  /** Called after `start` when kinds came, went or changed. */
  changed(): void;
}

/** The kinds that CustomResourceDefinitions make, kept in step with the store. */
export interface CustomKinds {
  /** The schema of all kinds, built in or custom. */
  readonly schema: ApiSchema;
  /** Begins to write down what becomes of definitions, and to remove the objects of those that go. */
  start(handle: Handle): void;
  close(): void;
}

interface Served {
  crd: CustomResourceDefinition;
  resources: Resource[];
}

/**
 * Serves every definition whose names are its own, from the moment it is stored:
 * nothing is kept beside the definitions themselves. Each version is a resource of
 * the registry like that of a built-in kind.
 */
export function createCustomKinds(options: CustomKindsOptions): CustomKinds {
  const { store, registry, clock, log, changed } = options;
  const served = new Map<string, Served>();
  const objects = new Map<string, StoreWatch>();
  const busy = new Set<string>();
  let handle: Handle | undefined;
  let closed = false;

  const namesOthersHave = ({ metadata, spec }: CustomResourceDefinition): TakenNames => {
    const names = new Set<string>();
    const kinds = new Set<string>();
    const take = ({ plural, singular, shortNames = [], kind, listKind }: CustomNames) => {
      for (const name of [plural, singular ?? '', ...shortNames]) names.add(name);
      for (const name of [kind, listKind ?? `${kind}List`]) kinds.add(name);
    };
    for (const { definition } of registry.all()) {
      if (definition.group === spec.group && !definition.custom) take(definition);
    }
    for (const { crd } of served.values()) {
      if (crd.spec.group === spec.group && crd.metadata.name !== metadata.name) take(crd.spec.names);
    }
    return { has: (name) => names.has(name), hasKind: (kind) => kinds.has(kind) };
  };

  const withdraw = (name: string): void => {
    for (const resource of served.get(name)?.resources ?? []) registry.remove(resource);
    served.delete(name);
  };

  const serve = (crd: CustomResourceDefinition): void => {
    const { name } = crd.metadata;
    const before = served.get(name);
    if (before && sameKinds(before.crd, crd)) {
      before.crd = crd;
      return;
    }
    withdraw(name);
    const { conditions } = definitionStatus(crd, namesOthersHave(crd), clock.now());
    if (conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) {
      const versions = byPrecedence(crd.spec.versions.filter((version) => version.served));
      try {
        const resources = versions.map((version) => registry.add(customKind(crd, version)));
        served.set(name, { crd, resources });
      } catch (error) {
        log.error('a custom kind cannot be served', { name, error: (error as Error).message });
      }
    }
    if (handle) changed();
  };

  const write = async (stored: StoredObject, change: (draft: CustomResourceDefinition) => void): Promise<void> => {
    const draft = cloneObject(stored.value) as CustomResourceDefinition;
    change(draft);
    const { deletionTimestamp, finalizers = [] } = draft.metadata;
    try {
      if (deletionTimestamp && finalizers.length === 0) await store.delete(stored.key, stored.revision);
      else if (!jsonEqual(draft, stored.value)) await store.update(stored.key, draft, stored.revision);
    } catch (error) {
      // Whoever came in between brings us back.
      if (!(error instanceof StoreError)) throw error;
      if (error.code !== 'conflict' && error.code !== 'notFound' && error.code !== 'closed') throw error;
    }
  };

  /** Takes a definition as it is one step on: accepted, being removed, gone. */
  const step = async (key: string): Promise<void> => {
    const stored = store.get(key);
    if (!stored) return;
    const crd = stored.value as CustomResourceDefinition;
    if (!crd.metadata.deletionTimestamp) {
      const status = definitionStatus(crd, namesOthersHave(crd), clock.now());
      return write(stored, (draft) => void (draft.status = status));
    }
    if (!crd.metadata.finalizers?.includes(cleanupFinalizer)) return;
    if (!isTrue(crd, 'Terminating')) {
      return write(stored, (draft) => void (draft.status = terminating(draft, clock.now())));
    }
    const within = `/registry/${crd.spec.group}/${crd.spec.names.plural}/`;
    if (store.count(within) > 0) {
      if (!objects.has(key)) {
        objects.set(
          key,
          store.watch(within, store.revision, ({ type }) => void (type === 'DELETE' && wake(key))),
        );
      }
      await removeObjects(store, within, crd, served.get(crd.metadata.name)?.resources[0], handle!);
      if (store.count(within) > 0) return;
    }
    return write(stored, (draft) => {
      draft.metadata.finalizers = draft.metadata.finalizers?.filter((name) => name !== cleanupFinalizer);
    });
  };

  const again = new Set<string>();
  const wake = (key: string): void => {
    if (!handle || closed) return;
    if (busy.has(key)) return void again.add(key);
    busy.add(key);
    void step(key)
      .catch((error: Error) => log.error('a custom resource definition is stuck', { key, error: error.message }))
      .finally(() => {
        busy.delete(key);
        if (again.delete(key)) wake(key);
      });
  };

  const onEvent = ({ type, key, object }: StoreEvent): void => {
    const crd = object.value as CustomResourceDefinition;
    if (type === 'PUT') {
      serve(crd);
      wake(key);
      return;
    }
    withdraw(crd.metadata.name);
    objects.get(key)?.close();
    objects.delete(key);
    if (handle) changed();
    // Its names may be what another one waits for.
    for (const other of store.list(prefix).items) {
      const waiting = other.value as CustomResourceDefinition;
      if (waiting.spec.group !== crd.spec.group || served.has(waiting.metadata.name)) continue;
      serve(waiting);
      wake(other.key);
    }
  };

  const { items, revision } = store.list(prefix);
  const crds = items.map(({ value }) => value as KubeObject as CustomResourceDefinition);
  // Whoever was served before keeps its names.
  for (const crd of [...crds].sort((a, b) => Number(isTrue(b, 'Established')) - Number(isTrue(a, 'Established')))) {
    serve(crd);
  }
  const follow = store.watch(prefix, revision, onEvent);

  return {
    schema: withCustomKinds(options.schema, (apiVersion, kind) => registry.customKind(apiVersion, kind)),
    start(to) {
      handle = to;
      for (const { key } of store.list(prefix).items) wake(key);
    },
    close() {
      closed = true;
      follow.close();
      for (const watch of objects.values()) watch.close();
    },
  };
}

/** Whether two states of a definition make the same kinds. */
function sameKinds(a: CustomResourceDefinition, b: CustomResourceDefinition): boolean {
  return (
    a.metadata.uid === b.metadata.uid &&
    a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
    (a.spec === b.spec || jsonEqual(a.spec, b.spec))
  );
}
