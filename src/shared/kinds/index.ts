import type { KindView } from './types';
import {
  mutatingWebhookConfigurations,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  validatingWebhookConfigurations,
} from './admission';
import { apiServices } from './apiservices';
import { clusterRoleBindings } from './clusterrolebindings';
import { clusterRoles } from './clusterroles';
import { configMaps } from './configmaps';
import { controllerRevisions } from './controllerrevisions';
import { cronJobs } from './cronjobs';
import { customResourceDefinitions } from './customresourcedefinitions';
import { daemonSets } from './daemonsets';
import { deployments } from './deployments';
import { endpoints } from './endpoints';
import { endpointSlices } from './endpointslices';
import { events } from './events';
import { gatewayClasses, gateways, httpRoutes } from './gateways';
import { horizontalPodAutoscalers } from './horizontalpodautoscalers';
import { ingressClasses } from './ingressclasses';
import { ingresses } from './ingresses';
import { jobs } from './jobs';
import { leases } from './leases';
import { limitRanges } from './limitranges';
import { namespaces } from './namespaces';
import { networkPolicies } from './networkpolicies';
import { nodes } from './nodes';
import { persistentVolumeClaims } from './persistentvolumeclaims';
import { persistentVolumes } from './persistentvolumes';
import { podDisruptionBudgets } from './poddisruptionbudgets';
import { pods } from './pods';
import { priorityClasses } from './priorityclasses';
import { replicaSets } from './replicasets';
import { replicationControllers } from './replicationcontrollers';
import { resourceQuotas } from './resourcequotas';
import { roleBindings } from './rolebindings';
import { roles } from './roles';
import { runtimeClasses } from './runtimeclasses';
import { secrets } from './secrets';
import { serviceAccounts } from './serviceaccounts';
import { services } from './services';
import { statefulSets } from './statefulsets';
import { storageClasses } from './storageclasses';

/** Every kind the window knows. */
export const kindViews: readonly KindView[] = [
  nodes,
  namespaces,
  events,
  leases,
  customResourceDefinitions,
  apiServices,
  pods,
  deployments,
  statefulSets,
  daemonSets,
  replicaSets,
  jobs,
  cronJobs,
  replicationControllers,
  controllerRevisions,
  configMaps,
  secrets,
  resourceQuotas,
  limitRanges,
  horizontalPodAutoscalers,
  podDisruptionBudgets,
  priorityClasses,
  runtimeClasses,
  mutatingWebhookConfigurations,
  validatingWebhookConfigurations,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  services,
  endpoints,
  endpointSlices,
  ingresses,
  ingressClasses,
  networkPolicies,
  gatewayClasses,
  gateways,
  httpRoutes,
  persistentVolumeClaims,
  persistentVolumes,
  storageClasses,
  serviceAccounts,
  roles,
  clusterRoles,
  roleBindings,
  clusterRoleBindings,
];

const byId = new Map(kindViews.map((view) => [view.id, view]));
const byKind = new Map(kindViews.map((view) => [`${view.group}/${view.kind}`, view]));

/** The view with that id (`deployments`), if there is one. */
export function kindView(id: string): KindView | undefined {
  return byId.get(id);
}

/** The view of an object's `apiVersion` and `kind`, e.g. of an owner or of what an event is about. */
export function kindViewOf(apiVersion: string, kind: string): KindView | undefined {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
  return byKind.get(`${group}/${kind}`);
}
