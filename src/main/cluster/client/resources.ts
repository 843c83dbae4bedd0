import type {
  ConfigMap,
  ControllerRevision,
  Deployment,
  Endpoints,
  EndpointSlice,
  Event,
  KubeObject,
  Lease,
  Namespace,
  Node,
  Pod,
  ReplicaSet,
  Secret,
  Service,
  ServiceAccount,
} from '@shared/k8s';
import type { ResourceRef } from './types';

const ref = <T extends KubeObject>(
  group: string,
  version: string,
  plural: string,
  kind: string,
  namespaced = true,
): ResourceRef<T> => Object.freeze({ group, version, plural, kind, namespaced });

/** The resources the control loops speak of, with the types of their objects. */
export const resources = {
  namespaces: ref<Namespace>('', 'v1', 'namespaces', 'Namespace', false),
  nodes: ref<Node>('', 'v1', 'nodes', 'Node', false),
  pods: ref<Pod>('', 'v1', 'pods', 'Pod'),
  services: ref<Service>('', 'v1', 'services', 'Service'),
  endpoints: ref<Endpoints>('', 'v1', 'endpoints', 'Endpoints'),
  configMaps: ref<ConfigMap>('', 'v1', 'configmaps', 'ConfigMap'),
  secrets: ref<Secret>('', 'v1', 'secrets', 'Secret'),
  serviceAccounts: ref<ServiceAccount>('', 'v1', 'serviceaccounts', 'ServiceAccount'),
  events: ref<Event>('', 'v1', 'events', 'Event'),
  endpointSlices: ref<EndpointSlice>('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice'),
  leases: ref<Lease>('coordination.k8s.io', 'v1', 'leases', 'Lease'),
  deployments: ref<Deployment>('apps', 'v1', 'deployments', 'Deployment'),
  replicaSets: ref<ReplicaSet>('apps', 'v1', 'replicasets', 'ReplicaSet'),
  controllerRevisions: ref<ControllerRevision>('apps', 'v1', 'controllerrevisions', 'ControllerRevision'),
} as const;

/** `apps/v1`, or `v1` for core. */
export function refApiVersion(resource: Pick<ResourceRef, 'group' | 'version'>): string {
  return resource.group ? `${resource.group}/${resource.version}` : resource.version;
}

/**
 * The API path of a collection, an object or its subresource. Without a
 * namespace the path of a namespaced resource is that of all namespaces.
 */
export function resourcePath(
  resource: ResourceRef,
  namespace: string | undefined,
  name?: string,
  subresource?: string,
): string {
  const base = resource.group ? `/apis/${resource.group}/${resource.version}` : `/api/${resource.version}`;
  const scope = resource.namespaced && namespace ? `/namespaces/${namespace}` : '';
  return `${base}${scope}/${resource.plural}${name ? `/${name}` : ''}${subresource ? `/${subresource}` : ''}`;
}

/** The identity control loops queue: `namespace/name`, or `name` without a namespace. */
export function keyOf(object: { metadata?: { namespace?: string; name?: string } }): string {
  const { namespace, name } = object.metadata ?? {};
  return namespace ? `${namespace}/${name}` : (name ?? '');
}

/** The parts of a key made by `keyOf`. */
export function splitKey(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf('/');
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
