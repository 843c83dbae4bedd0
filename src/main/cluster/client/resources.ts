import type {
  APIService,
  CertificateSigningRequest,
  ClusterRole,
  ClusterRoleBinding,
  ConfigMap,
  ControllerRevision,
  CronJob,
  CSIDriver,
  CSINode,
  DaemonSet,
  Deployment,
  Endpoints,
  EndpointSlice,
  Event,
  HorizontalPodAutoscaler,
  Ingress,
  IngressClass,
  Job,
  KubeObject,
  Lease,
  LimitRange,
  MutatingWebhookConfiguration,
  Namespace,
  NetworkPolicy,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  PodTemplate,
  PriorityClass,
  ReplicaSet,
  ReplicationController,
  ResourceQuota,
  Role,
  RoleBinding,
  RuntimeClass,
  Secret,
  Service,
  ServiceAccount,
  StatefulSet,
  StorageClass,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
  VolumeAttachment,
} from '@shared/k8s';
import type { CustomResourceDefinition } from '../api/apiextensions/types';
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
  podTemplates: ref<PodTemplate>('', 'v1', 'podtemplates', 'PodTemplate'),
  replicationControllers: ref<ReplicationController>('', 'v1', 'replicationcontrollers', 'ReplicationController'),
  limitRanges: ref<LimitRange>('', 'v1', 'limitranges', 'LimitRange'),
  resourceQuotas: ref<ResourceQuota>('', 'v1', 'resourcequotas', 'ResourceQuota'),
  persistentVolumes: ref<PersistentVolume>('', 'v1', 'persistentvolumes', 'PersistentVolume', false),
  persistentVolumeClaims: ref<PersistentVolumeClaim>('', 'v1', 'persistentvolumeclaims', 'PersistentVolumeClaim'),
  statefulSets: ref<StatefulSet>('apps', 'v1', 'statefulsets', 'StatefulSet'),
  daemonSets: ref<DaemonSet>('apps', 'v1', 'daemonsets', 'DaemonSet'),
  jobs: ref<Job>('batch', 'v1', 'jobs', 'Job'),
  cronJobs: ref<CronJob>('batch', 'v1', 'cronjobs', 'CronJob'),
  horizontalPodAutoscalers: ref<HorizontalPodAutoscaler>(
    'autoscaling',
    'v2',
    'horizontalpodautoscalers',
    'HorizontalPodAutoscaler',
  ),
  podDisruptionBudgets: ref<PodDisruptionBudget>('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget'),
  ingresses: ref<Ingress>('networking.k8s.io', 'v1', 'ingresses', 'Ingress'),
  ingressClasses: ref<IngressClass>('networking.k8s.io', 'v1', 'ingressclasses', 'IngressClass', false),
  networkPolicies: ref<NetworkPolicy>('networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy'),
  storageClasses: ref<StorageClass>('storage.k8s.io', 'v1', 'storageclasses', 'StorageClass', false),
  volumeAttachments: ref<VolumeAttachment>('storage.k8s.io', 'v1', 'volumeattachments', 'VolumeAttachment', false),
  csiDrivers: ref<CSIDriver>('storage.k8s.io', 'v1', 'csidrivers', 'CSIDriver', false),
  csiNodes: ref<CSINode>('storage.k8s.io', 'v1', 'csinodes', 'CSINode', false),
  roles: ref<Role>('rbac.authorization.k8s.io', 'v1', 'roles', 'Role'),
  clusterRoles: ref<ClusterRole>('rbac.authorization.k8s.io', 'v1', 'clusterroles', 'ClusterRole', false),
  roleBindings: ref<RoleBinding>('rbac.authorization.k8s.io', 'v1', 'rolebindings', 'RoleBinding'),
  clusterRoleBindings: ref<ClusterRoleBinding>(
    'rbac.authorization.k8s.io',
    'v1',
    'clusterrolebindings',
    'ClusterRoleBinding',
    false,
  ),
  priorityClasses: ref<PriorityClass>('scheduling.k8s.io', 'v1', 'priorityclasses', 'PriorityClass', false),
  runtimeClasses: ref<RuntimeClass>('node.k8s.io', 'v1', 'runtimeclasses', 'RuntimeClass', false),
  apiServices: ref<APIService>('apiregistration.k8s.io', 'v1', 'apiservices', 'APIService', false),
  certificateSigningRequests: ref<CertificateSigningRequest>(
    'certificates.k8s.io',
    'v1',
    'certificatesigningrequests',
    'CertificateSigningRequest',
    false,
  ),
  mutatingWebhookConfigurations: ref<MutatingWebhookConfiguration>(
    'admissionregistration.k8s.io',
    'v1',
    'mutatingwebhookconfigurations',
    'MutatingWebhookConfiguration',
    false,
  ),
  validatingWebhookConfigurations: ref<ValidatingWebhookConfiguration>(
    'admissionregistration.k8s.io',
    'v1',
    'validatingwebhookconfigurations',
    'ValidatingWebhookConfiguration',
    false,
  ),
  validatingAdmissionPolicies: ref<ValidatingAdmissionPolicy>(
    'admissionregistration.k8s.io',
    'v1',
    'validatingadmissionpolicies',
    'ValidatingAdmissionPolicy',
    false,
  ),
  validatingAdmissionPolicyBindings: ref<ValidatingAdmissionPolicyBinding>(
    'admissionregistration.k8s.io',
    'v1',
    'validatingadmissionpolicybindings',
    'ValidatingAdmissionPolicyBinding',
    false,
  ),
  customResourceDefinitions: ref<CustomResourceDefinition>(
    'apiextensions.k8s.io',
    'v1',
    'customresourcedefinitions',
    'CustomResourceDefinition',
    false,
  ),
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
