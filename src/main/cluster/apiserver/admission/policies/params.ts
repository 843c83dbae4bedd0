import type { KubeObject, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '@shared/k8s';
import { matchesSelector } from '@shared/selectors';
import { CelError } from '../../../api/schema/cel';
import type { Store } from '../../../store/types';
import type { AdmissionAttributes } from '../../admission';
import type { ResourceRegistry } from '../../resources';

type Policy = NonNullable<ValidatingAdmissionPolicy['spec']>;
type Binding = NonNullable<ValidatingAdmissionPolicyBinding['spec']>;

/**
 * The objects that a policy is evaluated with, one time each: `[null]` where it takes none, nothing
 * where a binding does without those it does not find.
 * @throws CelError when they must be there and are not, or cannot be asked for
 */
export function paramsOf(
  store: Store,
  registry: ResourceRegistry,
  attributes: AdmissionAttributes,
  { paramKind }: Policy,
  { paramRef }: Binding,
): readonly (KubeObject | null)[] {
  if (!paramKind || !paramRef) return [null];
  const resource = registry
    .all()
    .find(({ apiVersion, definition }) => apiVersion === paramKind.apiVersion && definition.kind === paramKind.kind);
  if (!resource) {
    throw new CelError(
      `failed to find resource referenced by paramKind: '${paramKind.apiVersion}, Kind=${paramKind.kind}'`,
    );
  }
  let namespace: string | undefined;
  if (resource.definition.namespaced) {
    namespace = paramRef.namespace || attributes.namespace;
    if (!namespace) {
      throw new CelError('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources');
    }
  } else if (paramRef.namespace) {
    throw new CelError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
  }
  const found = paramRef.name
    ? [store.get(resource.key(namespace, paramRef.name))?.value].flatMap((object) => object ?? [])
    : store
        .list(resource.scope(namespace))
        .items.map(({ value }) => value)
        .filter(({ metadata }) => matchesSelector(paramRef.selector, metadata?.labels));
  if (found.length === 0 && paramRef.parameterNotFoundAction === 'Deny') {
    throw new CelError('no params found for policy binding with `Deny` parameterNotFoundAction');
  }
  return found;
}
