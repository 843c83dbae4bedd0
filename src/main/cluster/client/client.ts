import type { KubeList, KubeObject } from '@shared/k8s';
import { refApiVersion, resourcePath } from './resources';
import type { KubeTransport } from './transport';
import type { KubeClient, ListOptions, PatchType, ResourceRef } from './types';

const patchContentTypes: Record<PatchType, string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

/**
 * Typed verbs over any transport. Objects are sent with the apiVersion and kind
 * of their resource; a patch without a type is a merge patch. Failures throw ApiError.
 */
export function createClient(transport: KubeTransport): KubeClient {
  const typed = (ref: ResourceRef, object: KubeObject): KubeObject =>
    object.apiVersion && object.kind ? object : { ...object, apiVersion: refApiVersion(ref), kind: ref.kind };
  const put = async (ref: ResourceRef, object: KubeObject, subresource?: string) => {
    const { namespace, name } = object.metadata ?? {};
    const path = objectPath(ref, namespace, name ?? '', subresource);
    return (await transport.request({ method: 'PUT', path, body: typed(ref, object) })).body;
  };

  return {
    transport,
    async get(ref, namespace, name) {
      return (await transport.request({ method: 'GET', path: objectPath(ref, namespace, name) })).body;
    },
    async list<T extends KubeObject>(ref: ResourceRef<T>, namespace?: string, options: ListOptions = {}) {
      const path = resourcePath(ref, namespace);
      return (await transport.request<KubeList<T>>({ method: 'GET', path, query: { ...options } })).body;
    },
    async create(ref, object) {
      const namespace = object.metadata?.namespace;
      if (ref.namespaced && !namespace) throw new Error(`${ref.plural} are created in a namespace`);
      const path = resourcePath(ref, namespace);
      return (await transport.request({ method: 'POST', path, body: typed(ref, object) })).body;
    },
    update: (ref, object) => put(ref, object),
    updateStatus: (ref, object) => put(ref, object, 'status'),
    async patch(ref, namespace, name, patch, { type = 'merge', subresource } = {}) {
      const path = objectPath(ref, namespace, name, subresource);
      const contentType = patchContentTypes[type];
      return (await transport.request({ method: 'PATCH', path, body: patch, contentType })).body;
    },
    async createSubresource(ref, namespace, name, subresource, object) {
      const path = objectPath(ref, namespace, name, subresource);
      return (await transport.request({ method: 'POST', path, body: object })).body;
    },
    async delete(ref, namespace, name, options) {
      const path = objectPath(ref, namespace, name);
      const body = options && { apiVersion: 'v1', kind: 'DeleteOptions', ...options };
      await transport.request({ method: 'DELETE', path, ...(body ? { body } : {}) });
    },
  };
}

function objectPath(ref: ResourceRef, namespace: string | undefined, name: string, subresource?: string): string {
  if (!name) throw new Error(`a ${ref.kind} is named by its name`);
  if (ref.namespaced && !namespace) throw new Error(`a ${ref.kind} is named by its namespace and name`);
  return resourcePath(ref, namespace, name, subresource);
}
