import type { ReplicationController } from '../k8s';
import { formatSelector } from '../selectors';
import { imagesOf, status } from './helpers';
import { defineKindView } from './types';

export const replicationControllers = defineKindView<ReplicationController>({
  id: 'replicationcontrollers',
  group: '',
  version: 'v1',
  plural: 'replicationcontrollers',
  kind: 'ReplicationController',
  namespaced: true,
  section: 'workloads',
  order: 80,
  icon: 'Layers2',
  columns: [
    { id: 'desired', renderer: 'number', width: 80, align: 'end', value: (object) => object.spec?.replicas ?? 1 },
    { id: 'current', renderer: 'number', width: 80, align: 'end', value: (object) => object.status?.replicas ?? 0 },
    { id: 'ready', renderer: 'number', width: 70, align: 'end', value: (object) => object.status?.readyReplicas ?? 0 },
    { id: 'selector', renderer: 'labels', width: 200, value: (object) => object.spec?.selector ?? {} },
    { id: 'images', renderer: 'list', width: 220, value: (object) => imagesOf(object.spec?.template?.spec) },
  ],
  status(object) {
    const desired = object.spec?.replicas ?? 1;
    const ready = object.status?.readyReplicas ?? 0;
    if (desired === 0 && (object.status?.replicas ?? 0) === 0) return status('Scaled to 0', 'off');
    return ready >= desired
      ? status('Ready', 'ok')
      : status('Progressing', 'busy', `${ready} of ${desired} pods ready`);
  },
  facts: (object) => ({ replicas: object.spec?.replicas ?? 1, readyReplicas: object.status?.readyReplicas ?? 0 }),
  podSelector: (object) => (object.spec?.selector ? formatSelector({ matchLabels: object.spec.selector }) : undefined),
  capabilities: { scale: true, logs: true },
});
