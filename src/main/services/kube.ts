import type { Permission } from '@shared/bridge/contract';
import type { KubeList, KubeObject } from '@shared/k8s';
import { decisionsPath, type SchedulingDecisionList } from '@shared/scheduling';
import { ApiError } from '../cluster/api/errors';
import { refApiVersion } from '../cluster/client/resources';
import type { KubeTransport } from '../cluster/client/transport';
import type { Clock } from '../cluster/clock';
import { collectionPath, objectPath, type ObjectAddress } from './resources';
import type { Methods } from './types';
import { editorYaml } from './yaml-text';

export interface KubeOptions {
  transportFor: (cluster: string) => KubeTransport;
  clock: Clock;
  /** kubectl's description of an object. */
  describe: (transport: KubeTransport, address: ObjectAddress) => Promise<string>;
}

const patchTypes = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
};

/** How long an answer about a permission is believed, in ms. */
const PERMISSION_TTL = 30_000;

/** Reading and changing single objects. */
export function kubeMethods(options: KubeOptions) {
  const { transportFor, clock } = options;
  const permissions = new Map<string, { at: number; answer: Promise<Permission> }>();

  const get = async (address: ObjectAddress, signal: AbortSignal): Promise<KubeObject> => {
    const request = { method: 'GET', path: objectPath(address), signal } as const;
    return (await transportFor(address.cluster).request<KubeObject>(request)).body;
  };

  const review = async (transport: KubeTransport, resourceAttributes: object): Promise<Permission> => {
    try {
      const { body } = await transport.request({
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes },
        },
      });
      const { allowed, reason } = body.status ?? {};
      return { allowed: allowed === true, ...(reason ? { reason } : {}) };
    } catch (error) {
      // A cluster without the authorization API refuses nothing in advance.
      if (error instanceof ApiError && [403, 404, 405].includes(error.code)) return { allowed: true };
      throw error;
    }
  };

  return {
    'kube.get': (params, { signal }) => get(params, signal),

    async 'kube.list'({ cluster, resource, namespace, labelSelector, fieldSelector }, { signal }) {
      const path = collectionPath(resource, namespace);
      const items: KubeObject[] = [];
      let next: string | undefined;
      let type: Pick<KubeObject, 'apiVersion' | 'kind'> | undefined;
      do {
        const query = { labelSelector, fieldSelector, limit: 500, continue: next };
        const { body } = await transportFor(cluster).request<KubeList>({ method: 'GET', path, query, signal });
        items.push(...body.items);
        next = body.metadata.continue || undefined;
        type ??= { apiVersion: refApiVersion(resource), kind: body.kind.replace(/List$/, '') };
      } while (next);
      // Items of a list come without their type.
      return items.map((item) => (item.kind ? item : { ...type, ...item }));
    },

    async 'kube.delete'(params, { signal }) {
      const { gracePeriodSeconds, propagationPolicy } = params;
      await transportFor(params.cluster).request({
        method: 'DELETE',
        path: objectPath(params),
        body: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds, propagationPolicy },
        signal,
      });
    },

    async 'kube.patch'(params, { signal }) {
      const { body } = await transportFor(params.cluster).request<KubeObject>({
        method: 'PATCH',
        path: objectPath(params, params.subresource),
        contentType: patchTypes[params.type],
        body: params.patch,
        query: params.dryRun ? { dryRun: 'All' } : {},
        signal,
      });
      return body;
    },

    async 'kube.yaml'(params, { signal }) {
      const object = await get(params, signal);
      return { yaml: editorYaml(object), resourceVersion: object.metadata?.resourceVersion ?? '' };
    },

    'kube.describe': (params) => options.describe(transportFor(params.cluster), params),

    async 'kube.placement'({ cluster, namespace, name, uid }, { signal }) {
      const query = { namespace, pod: name };
      try {
        const { body } = await transportFor(cluster).request<SchedulingDecisionList>({
          method: 'GET',
          path: decisionsPath,
          query,
          signal,
        });
        return body.items?.find((decision) => decision.uid === uid) ?? null;
      } catch (error) {
        if (error instanceof ApiError && [401, 403, 404, 405].includes(error.code)) return null;
        throw error;
      }
    },

    async 'kube.permissions'({ cluster, checks }) {
      const transport = transportFor(cluster);
      return Promise.all(
        checks.map(({ plural, ...check }) => {
          const attributes = { ...check, resource: plural };
          const key = JSON.stringify([cluster, attributes]);
          const found = permissions.get(key);
          if (found && clock.now() - found.at < PERMISSION_TTL) return found.answer;
          const answer = review(transport, attributes);
          if (permissions.size > 5000) permissions.clear();
          permissions.set(key, { at: clock.now(), answer });
          answer.catch(() => permissions.delete(key));
          return answer;
        }),
      );
    },

    async 'node.cordon'({ cluster, name, unschedulable }, { signal }) {
      const path = `/api/v1/nodes/${encodeURIComponent(name)}`;
      const body = { spec: { unschedulable: unschedulable || null } };
      const contentType = patchTypes.merge;
      await transportFor(cluster).request({ method: 'PATCH', path, contentType, body, signal });
    },
  } satisfies Partial<Methods>;
}
