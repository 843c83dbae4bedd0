import type { HttpRoute, Gateway, Reference, ReferenceGrant } from './types';
import { gatewayGroup } from './types';

/** Whether an object may refer to one of another namespace: the other namespace says so in a ReferenceGrant. */
export function isPermitted(
  from: Gateway | HttpRoute,
  to: Reference & { kind: string },
  grants: readonly ReferenceGrant[],
): boolean {
  const namespace = to.namespace ?? from.metadata.namespace;
  if (namespace === from.metadata.namespace) return true;
  return grants.some(
    ({ metadata, spec }) =>
      metadata.namespace === namespace &&
      spec.from.some(
        (one) => one.group === gatewayGroup && one.kind === from.kind && one.namespace === from.metadata.namespace,
      ) &&
      spec.to.some(
        (one) => one.group === (to.group ?? '') && one.kind === to.kind && (!one.name || one.name === to.name),
      ),
  );
}
