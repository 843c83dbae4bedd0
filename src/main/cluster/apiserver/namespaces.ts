import type { KubeObject } from '@shared/k8s';
import { apiError, forbidden, notFound } from '../api/errors';
import type { Store } from '../store/types';
import type { AdmissionPlugin } from './admission';
import type { Resource } from './resources';

const immortal = new Set(['default', 'kube-system', 'kube-public']);
const resource = { plural: 'namespaces' };

export function isNamespaces(candidate: Resource): boolean {
  return candidate.definition.plural === 'namespaces' && candidate.definition.group === '';
}

/** Objects are created in namespaces that exist and are not going; some namespaces never go. */
export function namespaceLifecycle(store: Store): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    admit({ operation, resource: target, namespace, name, object }) {
      if (operation === 'DELETE' && isNamespaces(target) && name !== undefined && immortal.has(name)) {
        throw forbidden(resource, name, 'this namespace may not be deleted');
      }
      if (operation !== 'CREATE' || !target.definition.namespaced || namespace === undefined) return;
      const found = store.get(`/registry/core/namespaces/${namespace}`);
      if (!found) throw notFound(resource, namespace);
      if (found.value.metadata?.deletionTimestamp === undefined && found.value.status?.phase !== 'Terminating') return;
      const { definition } = target;
      const refused = forbidden(
        definition,
        object?.metadata?.name ?? name ?? '',
        `unable to create new content in namespace ${namespace} because it is being terminated`,
      );
      throw apiError(403, 'Forbidden', refused.message, {
        ...refused.status.details,
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${namespace} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      });
    },
  };
}

/** A namespace stays, empty or not, until its finalizers are gone from the spec too. */
export function heldByNamespaceFinalizer(target: Resource, object: KubeObject): boolean {
  return isNamespaces(target) && (object.spec?.finalizers?.length ?? 0) > 0;
}
