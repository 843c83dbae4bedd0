import type { ReplicaSet } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, integer, selectorString, templateColumns } from '../printing';
import { setDefault, specAndStatus } from '../strategy';
import { defaultTemplate } from './defaults';
import { validateCounts, validateSelectorAndTemplate, validateSelectorUpdate } from './validation';

export const replicaSet = defineKind<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  singular: 'replicaset',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  ...specAndStatus,
  defaults(object) {
    if (!object.spec) return;
    setDefault(object.spec, 'replicas', 1);
    defaultTemplate(object.spec.template);
    // A ReplicaSet without labels takes those of its template.
    const labels = object.spec.template?.metadata?.labels;
    if (labels && !Object.keys(object.metadata.labels ?? {}).length) object.metadata.labels = { ...labels };
  },
  prepareForCreate(object) {
    object.status = { replicas: 0 };
    object.metadata.generation = 1;
  },
  validate: (object) => [
    ...validateCounts(object.spec, 'replicas', 'minReadySeconds'),
    ...validateSelectorAndTemplate(object.spec ?? {}, 'ReplicaSet'),
  ],
  validateUpdate: validateSelectorUpdate,
  columns: [
    integer('Desired', 'Pods wanted', (object) => object.spec?.replicas ?? 0),
    integer('Current', 'Pods there are', (object) => object.status?.replicas ?? 0),
    integer('Ready', 'Pods that are ready', (object) => object.status?.readyReplicas ?? 0),
    ageColumn,
    ...templateColumns,
  ],
  scale: {
    specReplicas: (object) => object.spec?.replicas ?? 0,
    setSpecReplicas: (object, replicas) => void (object.spec!.replicas = replicas),
    statusReplicas: (object) => object.status?.replicas ?? 0,
    selector: (object) => selectorString(object.spec?.selector),
  },
  fieldSelectors: { 'status.replicas': (object) => String(object.status?.replicas ?? 0) },
});
