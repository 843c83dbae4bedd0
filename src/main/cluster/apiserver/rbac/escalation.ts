import { isDeepStrictEqual } from 'node:util';
import type { ClusterRole, KubeObject, PolicyRule, RoleBinding } from '@shared/k8s';
import { forbidden, notFound } from '../../api/errors';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission';
import { isSuperuser, type Rbac } from './authorizer';
import { describeRights, missingRights, quoted } from './rules';

const group = 'rbac.authorization.k8s.io';
const everything: PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** Nobody gives what they do not have, unless they may `escalate` roles or `bind` them. */
export function escalationCheck(rbac: Rbac): AdmissionPlugin {
  return {
    name: 'RBACEscalationCheck',
    admit(attributes) {
      const { resource, operation, object, old, user } = attributes;
      if (resource.definition.group !== group || operation === 'DELETE' || !object || isSuperuser(user)) return;
      if (old && onlyCleanedUp(object, old)) return;
      const { plural } = resource.definition;
      if (plural === 'roles' || plural === 'clusterroles') checkRole(rbac, attributes, object as ClusterRole);
      else checkBinding(rbac, attributes, object as RoleBinding);
    },
  };
}

function checkRole(rbac: Rbac, attributes: AdmissionAttributes, role: ClusterRole): void {
  const { user, namespace, name, operation } = attributes;
  const { plural } = attributes.resource.definition;
  const named = operation === 'UPDATE' ? name : undefined;
  const escalate = { user, verb: 'escalate', group, version: 'v1', resource: plural, namespace, name: named };
  if (rbac.authorize(escalate).allowed) return;
  refuseMore(rbac, attributes, role.rules ?? []);
  if (role.aggregationRule && missing(rbac, attributes, everything).rights.length > 0) {
    throw refusal(attributes, 'must have cluster-admin privileges to use the aggregationRule');
  }
}

function checkBinding(rbac: Rbac, attributes: AdmissionAttributes, binding: RoleBinding): void {
  const { user, namespace } = attributes;
  const { roleRef } = binding;
  // What the reference lacks is for validation to say.
  if (!roleRef?.name || !roleRef.kind) return;
  const resource = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
  if (rbac.authorize({ user, verb: 'bind', group, version: 'v1', resource, namespace, name: roleRef.name }).allowed)
    return;
  const rules = rbac.rulesOf(roleRef, namespace);
  if (!rules) throw notFound({ group, plural: roleRef.kind.toLowerCase() }, roleRef.name);
  refuseMore(rbac, attributes, rules);
}

function missing(rbac: Rbac, { user, namespace }: AdmissionAttributes, wanted: readonly PolicyRule[]) {
  const { rules, errors } = rbac.rulesFor(user, namespace);
  return { rights: missingRights(rules, wanted), errors };
}

function refuseMore(rbac: Rbac, attributes: AdmissionAttributes, wanted: readonly PolicyRule[]): void {
  const { rights, errors } = missing(rbac, attributes, wanted);
  if (rights.length === 0) return;
  const { user } = attributes;
  const unresolved = errors.length > 0 ? `; resolution errors: ${`[${errors.join(', ')}]`}` : '';
  throw refusal(
    attributes,
    `user ${JSON.stringify(user.name)} (groups=${quoted(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${describeRights(rights).join('\n')}${unresolved}`,
  );
}

const refusal = ({ resource, object, name }: AdmissionAttributes, why: string) =>
  forbidden(resource.definition, object?.metadata?.name ?? name ?? '', why);

/** Whether the change concerns only who holds the object back from deletion: the garbage collector needs no rights of its own. */
function onlyCleanedUp(object: KubeObject, old: KubeObject): boolean {
  const rest = ({ metadata, ...others }: KubeObject) => {
    const {
      ownerReferences: _owners,
      finalizers: _finalizers,
      managedFields: _fields,
      resourceVersion: _version,
      ...kept
    } = metadata ?? {};
    return { ...others, metadata: kept };
  };
  const changed =
    !isDeepStrictEqual(object.metadata?.ownerReferences, old.metadata?.ownerReferences) ||
    !isDeepStrictEqual(object.metadata?.finalizers, old.metadata?.finalizers);
  return changed && isDeepStrictEqual(rest(object), rest(old));
}
