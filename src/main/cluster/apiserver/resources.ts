import { apiVersionOf, type KindDefinition } from '../api/kind';
import { notFound } from '../api/errors';
import type { Store, StoredObject } from '../store/types';

const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** A served kind with its place in the store. */
export interface Resource {
  readonly definition: KindDefinition;
  /** `apps/v1`, `v1`. */
  readonly apiVersion: string;
  readonly verbs: readonly string[];
  /** `/registry/core/pods/`. */
  readonly prefix: string;
  /** The prefix of one namespace's objects, or of all. */
  scope(namespace?: string): string;
  key(namespace: string | undefined, name: string): string;
}

/** The kinds that are served, by their place in paths. */
export class ResourceRegistry {
  private readonly byPath = new Map<string, Resource>();
  private readonly custom = new Map<string, KindDefinition>();

  constructor(kinds: readonly KindDefinition[]) {
    for (const kind of kinds) this.add(kind);
  }

  add(definition: KindDefinition): Resource {
    const stored = definition.storedAs ?? definition;
    const prefix = `/registry/${stored.group || 'core'}/${stored.plural}/`;
    const scope = (namespace?: string) =>
      definition.namespaced && namespace !== undefined ? `${prefix}${namespace}/` : prefix;
    const resource: Resource = {
      definition,
      apiVersion: apiVersionOf(definition),
      verbs: definition.verbs ?? allVerbs,
      prefix,
      scope,
      key: (namespace, name) => scope(namespace) + name,
    };
    this.byPath.set(`${resource.apiVersion}/${definition.plural}`, resource);
    if (definition.custom) this.custom.set(`${resource.apiVersion}/${definition.kind}`, definition);
    return resource;
  }

  /** Serves a resource no longer. */
  remove({ apiVersion, definition }: Resource): void {
    this.byPath.delete(`${apiVersion}/${definition.plural}`);
    this.custom.delete(`${apiVersion}/${definition.kind}`);
  }

  /** The kind that a CustomResourceDefinition made, by an object's apiVersion and kind. */
  customKind(apiVersion: string | undefined, kind: string | undefined): KindDefinition | undefined {
    return this.custom.get(`${apiVersion}/${kind}`);
  }

  /** By group ('' for core), version and plural. */
  find(group: string, version: string, plural: string): Resource | undefined {
    return this.byPath.get(group ? `${group}/${version}/${plural}` : `${version}/${plural}`);
  }

  /** The other versions of a resource's objects, in other groups too. */
  others({ prefix, apiVersion }: Resource): Resource[] {
    return this.all().filter((one) => one.prefix === prefix && one.apiVersion !== apiVersion);
  }

  /** @throws Error when the kind is not served: for kinds the server itself relies on. */
  need(group: string, version: string, plural: string): Resource {
    const resource = this.find(group, version, plural);
    if (!resource) throw new Error(`the API server needs ${plural} of ${group || 'core'}/${version}`);
    return resource;
  }

  all(): Resource[] {
    return [...this.byPath.values()];
  }
}

/** The stored object. @throws ApiError 404 */
export function getStored(store: Store, resource: Resource, namespace: string | undefined, name: string): StoredObject {
  const stored = store.get(resource.key(namespace, name));
  if (!stored) throw notFound(resource.definition, name);
  return stored;
}
