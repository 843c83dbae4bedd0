import type { Component } from 'vue';
import ConfigMapBlock from './configmap.vue';
import DeploymentBlock from './deployment.vue';
import EndpointsBlock from './endpoints.vue';
import EventBlock from './event.vue';
import GenericBlock from './generic.vue';
import NamespaceBlock from './namespace.vue';
import NodeBlock from './node.vue';
import PodBlock from './pod.vue';
import ReplicaSetBlock from './replicaset.vue';
import SecretBlock from './secret.vue';
import ServiceBlock from './service.vue';

/** What is special about a kind in its drawer. Kinds that are not here show their fields as they are. */
const blocks: Record<string, Component> = {
  configmaps: ConfigMapBlock,
  deployments: DeploymentBlock,
  endpoints: EndpointsBlock,
  events: EventBlock,
  namespaces: NamespaceBlock,
  nodes: NodeBlock,
  pods: PodBlock,
  replicasets: ReplicaSetBlock,
  secrets: SecretBlock,
  services: ServiceBlock,
};

export function kindBlock(id: string): Component {
  return blocks[id] ?? GenericBlock;
}
