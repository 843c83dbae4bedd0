import type { PolicyRule, RoleBinding } from '@shared/k8s';
import type { Store } from '../../store/types';
import type { AccessAttributes, Authorizer } from '../context';
import type { UserInfo } from '../types';
import { BindingIndex, rbacPrefix, type Grant } from './bindings';
import { ruleAllows, type Asked } from './rules';

type RoleRef = RoleBinding['roleRef'];
type Decision = ReturnType<Authorizer>;

/** Decisions remembered per user before all are forgotten. */
const mostRemembered = 2000;

/** Who may do what, by the roles and bindings in the store. */
export interface Rbac {
  authorize: Authorizer;
  /** Every rule that holds for a user in a namespace (or, without one, everywhere), and what could not be resolved. */
  rulesFor(user: UserInfo, namespace?: string): { rules: PolicyRule[]; errors: string[] };
  /** The rules a binding's roleRef leads to; undefined when there is no such role. */
  rulesOf(roleRef: RoleRef, namespace?: string): readonly PolicyRule[] | undefined;
  close(): void;
}

/** The unlimited group: its members are asked for no role. */
export const isSuperuser = (user: UserInfo): boolean => user.groups.includes('system:masters');

/** A role a reference could not be resolved to, in the words of Kubernetes. */
export const roleNotFound = ({ kind, name }: RoleRef): string =>
  `${kind.toLowerCase()}.rbac.authorization.k8s.io "${name}" not found`;

const allowed: Decision = { allowed: true };

/** The RBAC authorizer over a store. Users are told apart by identity: keep a connection's UserInfo for its decisions to be remembered. */
export function createRbac(store: Store): Rbac {
  const index = new BindingIndex(store);
  const remembered = new WeakMap<UserInfo, { generation: number; decisions: Map<string, Decision> }>();

  const rulesOf = ({ kind, name }: RoleRef, namespace?: string): readonly PolicyRule[] | undefined => {
    const key = kind === 'ClusterRole' ? `clusterroles/${name}` : `roles/${namespace}/${name}`;
    const stored = store.get(rbacPrefix + key);
    return stored && ((stored.value.rules as PolicyRule[] | undefined) ?? []);
  };

  /** The grants of the whole cluster, then those of the namespace, with the rules they lead to. */
  function* granted(
    user: UserInfo,
    namespace: string | undefined,
  ): Generator<Grant & { rules?: readonly PolicyRule[] }> {
    for (const scope of namespace ? ['', namespace] : ['']) {
      for (const grant of index.grants(user, scope)) {
        yield { ...grant, rules: rulesOf(grant.binding.roleRef, scope) };
      }
    }
  }

  const decide = (attributes: AccessAttributes): Decision => {
    const asked: Asked = attributes;
    const errors = new Set<string>();
    for (const grant of granted(attributes.user, attributes.namespace)) {
      if (!grant.rules) errors.add(roleNotFound(grant.binding.roleRef));
      else if (grant.rules.some((rule) => ruleAllows(rule, asked))) return { allowed: true, reason: reasonOf(grant) };
    }
    if (errors.size === 0) return { allowed: false };
    const list = [...errors].join(', ');
    return { allowed: false, reason: `RBAC: ${errors.size === 1 ? list : `[${list}]`}` };
  };

  return {
    rulesOf,
    rulesFor(user, namespace) {
      const rules: PolicyRule[] = [];
      const errors = new Set<string>();
      for (const grant of granted(user, namespace)) {
        if (grant.rules) rules.push(...grant.rules);
        else errors.add(roleNotFound(grant.binding.roleRef));
      }
      return { rules, errors: [...errors] };
    },
    authorize(attributes) {
      const { user, verb, group, resource, subresource = '', namespace = '', name = '', path = '' } = attributes;
      if (isSuperuser(user)) return allowed;
      let memory = remembered.get(user);
      if (memory?.generation !== index.generation) {
        memory = { generation: index.generation, decisions: new Map() };
        remembered.set(user, memory);
      }
      const key = `${verb}\n${group}\n${resource}\n${subresource}\n${namespace}\n${name}\n${path}`;
      let decision = memory.decisions.get(key);
      if (!decision) {
        if (memory.decisions.size >= mostRemembered) memory.decisions.clear();
        memory.decisions.set(key, (decision = decide(attributes)));
      }
      return decision;
    },
    close: () => index.close(),
  };
}

function reasonOf({ binding, subject }: Grant): string {
  const { kind, name } = binding.roleRef;
  const { namespace } = binding.metadata;
  const where = binding.kind === 'RoleBinding' ? `${binding.metadata.name}/${namespace}` : binding.metadata.name;
  const who = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace || namespace}` : subject.name;
  return `RBAC: allowed by ${binding.kind} "${where}" of ${kind} "${name}" to ${subject.kind} "${who}"`;
}
