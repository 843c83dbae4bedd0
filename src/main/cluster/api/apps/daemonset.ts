import { isDeepStrictEqual } from 'node:util';
import type { DaemonSet } from '@shared/k8s';
import { defineKind, type FieldError } from '../kind';
import { ageColumn, formatLabels, integer, templateColumns, text } from '../printing';
import { bumpGeneration, keepStatus, setDefault, specAndStatus } from '../strategy';
import { invalid, notSupported, required } from '../validation/field';
import { amount, validateAtMostAll, validateIntOrPercent, type IntOrPercent } from '../validation/int-or-percent';
import { defaultTemplate } from './defaults';
import { validateCounts, validateSelectorAndTemplate, validateSelectorUpdate } from './validation';

/** Counts the templates a DaemonSet has had; every pod says of which it is. */
const generationAnnotation = 'deprecated.daemonset.template.generation';

function setTemplateGeneration(object: DaemonSet, generation: number): void {
  object.metadata.annotations = { ...object.metadata.annotations, [generationAnnotation]: String(generation) };
}

type Spec = NonNullable<DaemonSet['spec']>;

export const daemonSet = defineKind<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  singular: 'daemonset',
  shortNames: ['ds'],
  categories: ['all'],
  namespaced: true,
  ...specAndStatus,
  defaults(object) {
    const spec = object.spec;
    if (!spec) return;
    const strategy = (spec.updateStrategy ??= {});
    if (!strategy.type) strategy.type = 'RollingUpdate';
    if (strategy.type === 'RollingUpdate') {
      const rolling = (strategy.rollingUpdate ??= {});
      setDefault(rolling, 'maxUnavailable', 1);
      setDefault(rolling, 'maxSurge', 0);
    }
    setDefault(spec, 'revisionHistoryLimit', 10);
    defaultTemplate(spec.template);
  },
  prepareForCreate(object) {
    object.status = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };
    object.metadata.generation = 1;
    setTemplateGeneration(object, 1);
  },
  prepareForUpdate(object, old) {
    keepStatus(object, old);
    bumpGeneration(object, old);
    const before = Number(old.metadata.annotations?.[generationAnnotation] ?? 0) || 0;
    setTemplateGeneration(object, isDeepStrictEqual(object.spec?.template, old.spec?.template) ? before : before + 1);
  },
  validate(object) {
    const spec = object.spec ?? ({} as Spec);
    return [
      ...validateSelectorAndTemplate(spec, 'DaemonSet'),
      ...validateCounts(spec, 'minReadySeconds', 'revisionHistoryLimit'),
      ...validateStrategy(spec),
    ];
  },
  validateUpdate: validateSelectorUpdate,
  columns: [
    integer('Desired', 'Nodes that should run it', (object) => object.status?.desiredNumberScheduled ?? 0),
    integer('Current', 'Nodes that run it', (object) => object.status?.currentNumberScheduled ?? 0),
    integer('Ready', 'Nodes on which it is ready', (object) => object.status?.numberReady ?? 0),
    integer(
      'Up-to-date',
      'Nodes that run the current template',
      (object) => object.status?.updatedNumberScheduled ?? 0,
    ),
    integer('Available', 'Nodes on which it is ready for long enough', (object) => object.status?.numberAvailable ?? 0),
    text('Node Selector', 'The labels of the nodes it runs on', (object) =>
      formatLabels(object.spec?.template?.spec?.nodeSelector),
    ),
    ageColumn,
    ...templateColumns,
  ],
});

function validateStrategy(spec: Spec): FieldError[] {
  const { type, rollingUpdate: rolling } = spec.updateStrategy ?? {};
  const path = 'spec.updateStrategy';
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate') return [notSupported(`${path}.type`, type ?? '', ['RollingUpdate', 'OnDelete'])];
  if (!rolling) return [required(`${path}.rollingUpdate`)];
  const [unavailable, surge] = [rolling.maxUnavailable as IntOrPercent, rolling.maxSurge as IntOrPercent];
  const at = `${path}.rollingUpdate`;
  const errors = [
    ...validateIntOrPercent(unavailable, `${at}.maxUnavailable`),
    ...validateAtMostAll(unavailable, `${at}.maxUnavailable`),
    ...validateIntOrPercent(surge, `${at}.maxSurge`),
    ...validateAtMostAll(surge, `${at}.maxSurge`),
  ];
  if (errors.length > 0) return errors;
  if (amount(unavailable) > 0 && amount(surge) > 0) {
    return [invalid(`${at}.maxSurge`, surge, 'may not be set when maxUnavailable is non-zero')];
  }
  return amount(unavailable) === 0 && amount(surge) === 0
    ? [required(`${at}.maxUnavailable`, 'cannot be 0 when maxSurge is 0')]
    : [];
}
