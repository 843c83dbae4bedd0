import type { Deployment } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, integer, selectorString, templateColumns, text } from '../printing';
import { setDefault, specAndStatus } from '../strategy';
import { defaultTemplate } from './defaults';
import { validateStrategy } from './deployment-strategy';
import { validateCounts, validateSelectorAndTemplate, validateSelectorUpdate } from './validation';
import { invalid } from '../validation/field';

export const deployment = defineKind<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  ...specAndStatus,
  defaults(object) {
    const spec = object.spec;
    if (!spec) return;
    setDefault(spec, 'replicas', 1);
    setDefault(spec, 'revisionHistoryLimit', 10);
    setDefault(spec, 'progressDeadlineSeconds', 600);
    const strategy = (spec.strategy ??= {});
    if (!strategy.type) strategy.type = 'RollingUpdate';
    if (strategy.type === 'RollingUpdate') {
      const rolling = (strategy.rollingUpdate ??= {});
      setDefault(rolling, 'maxUnavailable', '25%');
      setDefault(rolling, 'maxSurge', '25%');
    }
    defaultTemplate(spec.template);
  },
  validate(object) {
    const spec = object.spec ?? ({} as NonNullable<Deployment['spec']>);
    const errors = [
      ...validateCounts(spec, 'replicas'),
      ...validateSelectorAndTemplate(spec, 'Deployment'),
      ...validateStrategy(spec),
      ...validateCounts(spec, 'minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds'),
    ];
    const deadline = spec.progressDeadlineSeconds;
    if (typeof deadline === 'number' && deadline >= 0 && deadline <= (spec.minReadySeconds ?? 0)) {
      errors.push(invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'));
    }
    return errors;
  },
  validateUpdate: validateSelectorUpdate,
  columns: [
    text(
      'Ready',
      'Ready pods of those wanted',
      (object) => `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 0}`,
    ),
    integer('Up-to-date', 'Pods of the current template', (object) => object.status?.updatedReplicas ?? 0),
    integer('Available', 'Pods ready for long enough', (object) => object.status?.availableReplicas ?? 0),
    ageColumn,
    ...templateColumns,
  ],
  scale: {
    specReplicas: (object) => object.spec?.replicas ?? 0,
    setSpecReplicas: (object, replicas) => void (object.spec!.replicas = replicas),
    statusReplicas: (object) => object.status?.replicas ?? 0,
    selector: (object) => selectorString(object.spec?.selector),
  },
});
