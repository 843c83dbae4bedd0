import type { ClusterRoleBinding, RoleBinding } from '@shared/k8s';
import type { Store, StoredObject, StoreWatch } from '../../store/types';
import type { UserInfo } from '../types';

export type Binding = RoleBinding | ClusterRoleBinding;
type Subject = NonNullable<Binding['subjects']>[number];

/** Where the objects of access control are in the store. */
export const rbacPrefix = '/registry/rbac.authorization.k8s.io/';
const clusterBindings = `${rbacPrefix}clusterrolebindings/`;
const roleBindings = `${rbacPrefix}rolebindings/`;

/** A binding as one of its subjects finds it. */
export interface Grant {
  binding: Binding;
  subject: Subject;
}

/**
 * The bindings by subject, kept by a watch of the store. `generation` goes up with
 * every change of a role or binding: what was computed before is stale.
 */
export class BindingIndex {
  generation = 0;
  /** Scope ('' for the cluster, or a namespace) → subject → binding key → grants. */
  private readonly scopes = new Map<string, Map<string, Map<string, Grant[]>>>();
  private readonly watch: StoreWatch;

  constructor(store: Store) {
    const { revision } = store;
    for (const prefix of [clusterBindings, roleBindings]) {
      for (const stored of store.list(prefix).items) this.add(stored);
    }
    this.watch = store.watch(rbacPrefix, revision, ({ type, key, object, previous }) => {
      this.generation++;
      if (!key.startsWith(clusterBindings) && !key.startsWith(roleBindings)) return;
      if (previous) this.remove(previous);
      else if (type === 'DELETE') this.remove(object);
      if (type === 'PUT') this.add(object);
    });
  }

  /** The grants a user has in a scope: '' for the whole cluster, or a namespace's own. */
  *grants(user: UserInfo, scope: string): Generator<Grant> {
    const subjects = this.scopes.get(scope);
    if (!subjects) return;
    for (const key of [`u:${user.name}`, ...user.groups.map((group) => `g:${group}`)]) {
      const bindings = subjects.get(key);
      if (bindings) for (const grants of bindings.values()) yield* grants;
    }
  }

  close(): void {
    this.watch.close();
  }

  private add({ key, value }: StoredObject): void {
    const binding = value as Binding;
    const scope = scopeOf(binding);
    let subjects = this.scopes.get(scope);
    if (!subjects) this.scopes.set(scope, (subjects = new Map()));
    for (const subject of binding.subjects ?? []) {
      const id = subjectKey(subject, scope);
      if (id === undefined) continue;
      let bindings = subjects.get(id);
      if (!bindings) subjects.set(id, (bindings = new Map()));
      bindings.set(key, [...(bindings.get(key) ?? []), { binding, subject }]);
    }
  }

  private remove({ key, value }: StoredObject): void {
    const binding = value as Binding;
    const scope = scopeOf(binding);
    const subjects = this.scopes.get(scope);
    if (!subjects) return;
    for (const subject of binding.subjects ?? []) {
      const id = subjectKey(subject, scope);
      const bindings = id === undefined ? undefined : subjects.get(id);
      bindings?.delete(key);
      if (bindings?.size === 0) subjects.delete(id!);
    }
    if (subjects.size === 0) this.scopes.delete(scope);
  }
}

const scopeOf = (binding: Binding): string => (binding.kind === 'RoleBinding' ? binding.metadata.namespace! : '');

function subjectKey(subject: Subject, scope: string): string | undefined {
  switch (subject.kind) {
    case 'User':
      return `u:${subject.name}`;
    case 'Group':
      return `g:${subject.name}`;
    case 'ServiceAccount': {
      const namespace = subject.namespace || scope;
      return namespace ? `u:system:serviceaccount:${namespace}:${subject.name}` : undefined;
    }
    default:
      return undefined;
  }
}
