import type { Component } from 'vue';
import AdmissionPolicyBlock from './admissionpolicy.vue';
import BindingBlock from './binding.vue';
import ConfigMapBlock from './configmap.vue';
import CronJobBlock from './cronjob.vue';
import CustomResourceDefinitionBlock from './customresourcedefinition.vue';
import DaemonSetBlock from './daemonset.vue';
import DeploymentBlock from './deployment.vue';
import EndpointsBlock from './endpoints.vue';
import EndpointSliceBlock from './endpointslice.vue';
import EventBlock from './event.vue';
import GatewayBlock from './gateway.vue';
import GenericBlock from './generic.vue';
import HorizontalPodAutoscalerBlock from './horizontalpodautoscaler.vue';
import HttpRouteBlock from './httproute.vue';
import IngressBlock from './ingress.vue';
import JobBlock from './job.vue';
import LimitRangeBlock from './limitrange.vue';
import NamespaceBlock from './namespace.vue';
import NetworkPolicyBlock from './networkpolicy.vue';
import NodeBlock from './node.vue';
import PersistentVolumeBlock from './persistentvolume.vue';
import PersistentVolumeClaimBlock from './persistentvolumeclaim.vue';
import PodBlock from './pod.vue';
import PodDisruptionBudgetBlock from './poddisruptionbudget.vue';
import PriorityClassBlock from './priorityclass.vue';
import ReplicaSetBlock from './replicaset.vue';
import ResourceQuotaBlock from './resourcequota.vue';
import RoleBlock from './role.vue';
import SecretBlock from './secret.vue';
import ServiceBlock from './service.vue';
import ServiceAccountBlock from './serviceaccount.vue';
import StatefulSetBlock from './statefulset.vue';
import StorageClassBlock from './storageclass.vue';
import WebhooksBlock from './webhooks.vue';

/** What is special about a kind in its drawer. Kinds that are not here show their fields as they are. */
const blocks: Record<string, Component> = {
  clusterrolebindings: BindingBlock,
  clusterroles: RoleBlock,
  configmaps: ConfigMapBlock,
  cronjobs: CronJobBlock,
  customresourcedefinitions: CustomResourceDefinitionBlock,
  daemonsets: DaemonSetBlock,
  deployments: DeploymentBlock,
  endpoints: EndpointsBlock,
  endpointslices: EndpointSliceBlock,
  events: EventBlock,
  gateways: GatewayBlock,
  horizontalpodautoscalers: HorizontalPodAutoscalerBlock,
  httproutes: HttpRouteBlock,
  ingresses: IngressBlock,
  jobs: JobBlock,
  limitranges: LimitRangeBlock,
  mutatingwebhookconfigurations: WebhooksBlock,
  namespaces: NamespaceBlock,
  networkpolicies: NetworkPolicyBlock,
  nodes: NodeBlock,
  persistentvolumeclaims: PersistentVolumeClaimBlock,
  persistentvolumes: PersistentVolumeBlock,
  poddisruptionbudgets: PodDisruptionBudgetBlock,
  pods: PodBlock,
  priorityclasses: PriorityClassBlock,
  replicasets: ReplicaSetBlock,
  replicationcontrollers: ReplicaSetBlock,
  resourcequotas: ResourceQuotaBlock,
  rolebindings: BindingBlock,
  roles: RoleBlock,
  secrets: SecretBlock,
  serviceaccounts: ServiceAccountBlock,
  services: ServiceBlock,
  statefulsets: StatefulSetBlock,
  storageclasses: StorageClassBlock,
  validatingadmissionpolicies: AdmissionPolicyBlock,
  validatingwebhookconfigurations: WebhooksBlock,
};

export function kindBlock(id: string): Component {
  return blocks[id] ?? GenericBlock;
}
