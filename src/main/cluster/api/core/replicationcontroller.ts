import type { ReplicationController } from '@shared/k8s';
import { defaultTemplate } from '../apps/defaults';
import { selects, validateCounts } from '../apps/validation';
import { defineKind, type FieldError } from '../kind';
import { validatePodTemplate } from '../pod/validation';
import { ageColumn, formatLabels, integer, templateColumns, wide } from '../printing';
import { setDefault, specAndStatus } from '../strategy';
import { invalid, notSupported, required } from '../validation/field';

export const replicationController = defineKind<ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  singular: 'replicationcontroller',
  shortNames: ['rc'],
  categories: ['all'],
  namespaced: true,
  ...specAndStatus,
  defaults(object) {
    const spec = object.spec;
    if (!spec) return;
    setDefault(spec, 'replicas', 1);
    defaultTemplate(spec.template);
    const labels = spec.template?.metadata?.labels;
    if (!labels) return;
    if (!Object.keys(spec.selector ?? {}).length) spec.selector = { ...labels };
    if (!Object.keys(object.metadata.labels ?? {}).length) object.metadata.labels = { ...labels };
  },
  prepareForCreate(object) {
    object.status = { replicas: 0 };
    object.metadata.generation = 1;
  },
  validate: validateController,
  columns: [
    integer('Desired', 'Pods wanted', (object) => object.spec?.replicas ?? 0),
    integer('Current', 'Pods there are', (object) => object.status?.replicas ?? 0),
    integer('Ready', 'Pods that are ready', (object) => object.status?.readyReplicas ?? 0),
    ageColumn,
    ...templateColumns.slice(0, 2),
    wide('Selector', 'The selector of the pods that belong to this object.', (object) =>
      formatLabels(object.spec?.selector),
    ),
  ],
  scale: {
    specReplicas: (object) => object.spec?.replicas ?? 0,
    setSpecReplicas: (object, replicas) => void (object.spec!.replicas = replicas),
    statusReplicas: (object) => object.status?.replicas ?? 0,
    selector: (object) => (object.spec?.selector ? formatLabels(object.spec.selector) : ''),
  },
  fieldSelectors: { 'status.replicas': (object) => String(object.status?.replicas ?? 0) },
});

function validateController(object: ReplicationController): FieldError[] {
  const { selector = {}, template } = object.spec ?? {};
  const errors = validateCounts(object.spec, 'replicas', 'minReadySeconds');
  if (!Object.keys(selector).length) errors.push(required('spec.selector'));
  if (!template) return [...errors, required('spec.template')];
  const labels = template.metadata?.labels ?? {};
  if (!selects({ matchLabels: selector }, labels)) {
    errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  errors.push(...validatePodTemplate(template, 'spec.template'));
  const policy = template.spec?.restartPolicy;
  if (policy && policy !== 'Always') errors.push(notSupported('spec.template.spec.restartPolicy', policy, ['Always']));
  return errors;
}
