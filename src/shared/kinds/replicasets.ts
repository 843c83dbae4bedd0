import type { ReplicaSet } from '../k8s';
import { formatSelector } from '../selectors';
import { condition, controlledBy, imagesOf, status } from './helpers';
import { defineKindView } from './types';

const REVISION = 'deployment.kubernetes.io/revision';

export const replicaSets = defineKindView<ReplicaSet>({
  id: 'replicasets',
  group: 'apps',
  version: 'v1',
  plural: 'replicasets',
  kind: 'ReplicaSet',
  namespaced: true,
  section: 'workloads',
  order: 30,
  icon: 'Layers',
  columns: [
    { id: 'desired', renderer: 'number', width: 80, align: 'end', value: (object) => object.spec?.replicas ?? 1 },
    { id: 'current', renderer: 'number', width: 80, align: 'end', value: (object) => object.status?.replicas ?? 0 },
    { id: 'ready', renderer: 'number', width: 70, align: 'end', value: (object) => object.status?.readyReplicas ?? 0 },
    { id: 'controlledBy', renderer: 'text', width: 200, value: controlledBy },
    {
      id: 'revision',
      renderer: 'number',
      width: 80,
      align: 'end',
      value: (object) => Number(object.metadata.annotations?.[REVISION]) || null,
    },
    {
      id: 'images',
      renderer: 'list',
      width: 220,
      wide: true,
      value: (object) => imagesOf(object.spec?.template?.spec),
    },
  ],
  status: (object) => {
    const desired = object.spec?.replicas ?? 1;
    const ready = object.status?.readyReplicas ?? 0;
    const failure = condition(object, 'ReplicaFailure');
    if (failure?.status === 'True') return status(failure.reason ?? 'ReplicaFailure', 'error', failure.message);
    if (desired === 0 && (object.status?.replicas ?? 0) === 0) return status('Scaled to 0', 'off');
    return ready >= desired
      ? status('Ready', 'ok')
      : status('Progressing', 'busy', `${ready} of ${desired} pods ready`);
  },
  facts: (object) => ({ replicas: object.spec?.replicas ?? 1, controlled: controlledBy(object) !== null }),
  podSelector: (object) => (object.spec?.selector ? formatSelector(object.spec.selector) : undefined),
  capabilities: { scale: true, logs: true },
});
