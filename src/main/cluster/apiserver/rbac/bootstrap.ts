import type { ClusterRole, ClusterRoleBinding, KubeObject } from '@shared/k8s';
import { ApiError } from '../../api/errors';
import type { ApiServer } from '../server';
import { jsonEqual } from '../../json';
import { rbacPrefix } from './bindings';
import { defaultClusterRoleBindings, defaultClusterRoles, type Unstored } from './default-roles';
import { missingRights } from './rules';

const user = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };
const api = '/apis/rbac.authorization.k8s.io/v1';

/**
 * Creates the default roles and bindings and puts back what they lack. What was
 * added stays; an object annotated `rbac.authorization.kubernetes.io/autoupdate: "false"` is left alone.
 */
export async function ensureDefaultRoles(server: ApiServer): Promise<void> {
  await Promise.all([
    ...defaultClusterRoles.map((role) => ensure(server, 'clusterroles', role, roleWith)),
    ...defaultClusterRoleBindings.map((binding) => ensure(server, 'clusterrolebindings', binding, bindingWith)),
  ]);
}

async function ensure<T extends ClusterRole | ClusterRoleBinding>(
  server: ApiServer,
  plural: string,
  wanted: Unstored<T>,
  complete: (stored: T, wanted: Unstored<T>) => T | undefined,
): Promise<void> {
  const { name } = wanted.metadata;
  const stored = server.context.store.get(`${rbacPrefix}${plural}/${name}`)?.value as T | undefined;
  if (stored?.metadata.annotations?.['rbac.authorization.kubernetes.io/autoupdate'] === 'false') return;
  const path = `${api}/${plural}`;
  const send = (method: string, at: string, body?: KubeObject) =>
    server.handle({ method, path: at, query: new URLSearchParams(), body, user });
  try {
    if (!stored) return void (await send('POST', path, wanted));
    const completed = complete(stored, wanted);
    if (!completed) {
      await send('DELETE', `${path}/${name}`);
      return void (await send('POST', path, wanted));
    }
    if (!jsonEqual(completed, stored)) await send('PUT', `${path}/${name}`, completed);
  } catch (error) {
    // Another writer was first; the next start looks again.
    if (!(error instanceof ApiError) || error.code !== 409) throw error;
  }
}

const withMetadata = <T extends KubeObject>(stored: T, wanted: Unstored<T>): T => ({
  ...stored,
  metadata: {
    ...stored.metadata,
    labels: { ...stored.metadata?.labels, ...wanted.metadata?.labels },
    annotations: { ...stored.metadata?.annotations, ...wanted.metadata?.annotations },
  },
});

function roleWith(stored: ClusterRole, wanted: Unstored<ClusterRole>): ClusterRole {
  const role = withMetadata(stored, wanted);
  // What is aggregated is the aggregation controller's.
  if (wanted.aggregationRule) return { ...role, aggregationRule: stored.aggregationRule ?? wanted.aggregationRule };
  const lacking = (wanted.rules ?? []).filter((rule) => missingRights(stored.rules ?? [], [rule]).length > 0);
  return lacking.length > 0 ? { ...role, rules: [...(stored.rules ?? []), ...lacking] } : role;
}

/** Undefined when the binding leads elsewhere: a roleRef cannot be changed. */
function bindingWith(stored: ClusterRoleBinding, wanted: Unstored<ClusterRoleBinding>): ClusterRoleBinding | undefined {
  if (!jsonEqual(stored.roleRef, wanted.roleRef)) return undefined;
  const lacking = (wanted.subjects ?? []).filter(
    (subject) => !(stored.subjects ?? []).some((known) => jsonEqual(known, subject)),
  );
  const binding = withMetadata(stored, wanted);
  return lacking.length > 0 ? { ...binding, subjects: [...(stored.subjects ?? []), ...lacking] } : binding;
}
