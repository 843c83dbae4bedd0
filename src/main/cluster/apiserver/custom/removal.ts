import type { CustomResourceDefinition } from '../../api/apiextensions/types';
import { ApiError } from '../../api/errors';
import { setCondition } from '../../conditions';
import type { Store } from '../../store/types';
import type { Resource } from '../resources';
import type { ApiRequest, ApiResponse } from '../types';

/** Serves a request, as the API server does. */
export type Handle = (request: ApiRequest) => Promise<ApiResponse>;

const user = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

/** The status of a definition whose objects are being removed. `now` in ms. */
export function terminating({ status }: CustomResourceDefinition, now: number): CustomResourceDefinition['status'] {
  const condition = {
    type: 'Terminating',
    status: 'True' as const,
    reason: 'InstanceDeletionInProgress',
    message: 'CustomResource deletion is in progress',
  };
  return { ...status, conditions: setCondition(status?.conditions ?? [], condition, now) };
}

/** Deletes what is there of a kind. Objects with finalizers stay until those are taken off. */
export async function removeObjects(
  store: Store,
  prefix: string,
  { spec }: CustomResourceDefinition,
  resource: Resource | undefined,
  handle: Handle,
): Promise<void> {
  for (const { key, revision, value } of store.list(prefix).items) {
    const { namespace, name, deletionTimestamp } = value.metadata!;
    if (deletionTimestamp) continue;
    if (!resource) {
      // No version is served, so nobody can take finalizers off.
      await store.delete(key, revision);
      continue;
    }
    const within = namespace ? `/namespaces/${namespace}` : '';
    const path = `/apis/${spec.group}/${resource.definition.version}${within}/${spec.names.plural}/${name}`;
    try {
      await handle({ method: 'DELETE', path, query: new URLSearchParams(), user });
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 404) throw error;
    }
  }
}
