import { mutatingWebhookConfiguration } from './admissionregistration/mutatingwebhookconfiguration';
import { validatingAdmissionPolicy } from './admissionregistration/validatingadmissionpolicy';
import { validatingAdmissionPolicyBinding } from './admissionregistration/validatingadmissionpolicybinding';
import { validatingWebhookConfiguration } from './admissionregistration/validatingwebhookconfiguration';
import { customResourceDefinition } from './apiextensions/customresourcedefinition';
import { apiService } from './apiregistration/apiservice';
import { controllerRevision } from './apps/controllerrevision';
import { daemonSet } from './apps/daemonset';
import { deployment } from './apps/deployment';
import { replicaSet } from './apps/replicaset';
import { statefulSet } from './apps/statefulset';
import { horizontalPodAutoscaler, horizontalPodAutoscalerV1 } from './autoscaling/horizontalpodautoscaler';
import { cronJob } from './batch/cronjob';
import { job } from './batch/job';
import { certificateSigningRequest } from './certificates/certificatesigningrequest';
import { lease } from './coordination/lease';
import { configMap } from './core/configmap';
import { endpoints } from './core/endpoints';
import { event } from './core/event';
import { limitRange } from './core/limitrange';
import { namespace } from './core/namespace';
import { node } from './core/node';
import { persistentVolume } from './core/persistentvolume';
import { persistentVolumeClaim } from './core/persistentvolumeclaim';
import { pod } from './core/pod';
import { podTemplate } from './core/podtemplate';
import { replicationController } from './core/replicationcontroller';
import { resourceQuota } from './core/resourcequota';
import { secret } from './core/secret';
import { service } from './core/service';
import { serviceAccount } from './core/serviceaccount';
import { endpointSlice } from './discovery/endpointslice';
import { event as newEvent } from './events/event';
import type { KindDefinition } from './kind';
import { ingress } from './networking/ingress';
import { ingressClass } from './networking/ingressclass';
import { networkPolicy } from './networking/networkpolicy';
import { runtimeClass } from './node/runtimeclass';
import { podDisruptionBudget } from './policy/poddisruptionbudget';
import { clusterRole } from './rbac/clusterrole';
import { clusterRoleBinding } from './rbac/clusterrolebinding';
import { role } from './rbac/role';
import { roleBinding } from './rbac/rolebinding';
import { priorityClass } from './scheduling/priorityclass';
import { csiDriver } from './storage/csidriver';
import { csiNode } from './storage/csinode';
import { storageClass } from './storage/storageclass';
import { volumeAttachment } from './storage/volumeattachment';

/** Every built-in kind, in the order discovery lists them; of a group's versions the preferred one comes first. */
export const kinds: KindDefinition[] = [
  configMap,
  endpoints,
  event,
  limitRange,
  namespace,
  node,
  persistentVolumeClaim,
  persistentVolume,
  pod,
  podTemplate,
  replicationController,
  resourceQuota,
  secret,
  serviceAccount,
  service,
  newEvent,
  controllerRevision,
  daemonSet,
  deployment,
  replicaSet,
  statefulSet,
  horizontalPodAutoscaler,
  horizontalPodAutoscalerV1,
  cronJob,
  job,
  certificateSigningRequest,
  ingressClass,
  ingress,
  networkPolicy,
  podDisruptionBudget,
  clusterRoleBinding,
  clusterRole,
  roleBinding,
  role,
  csiDriver,
  csiNode,
  storageClass,
  volumeAttachment,
  mutatingWebhookConfiguration,
  validatingAdmissionPolicy,
  validatingAdmissionPolicyBinding,
  validatingWebhookConfiguration,
  priorityClass,
  lease,
  runtimeClass,
  endpointSlice,
  customResourceDefinition,
  apiService,
];
