import { humanDuration } from '@shared/duration';
import type { Job, JobSpec } from '@shared/k8s';
import { defaultTemplate } from '../apps/defaults';
import { defineKind, type FieldError } from '../kind';
import { ageColumn, templateColumns, text } from '../printing';
import { setDefault, specAndStatus } from '../strategy';
import { differences } from '../validation/differences';
import { immutableMessage, invalid } from '../validation/field';
import { validateJobSelector, validateJobSpec } from './job-spec';

const uidLabel = 'batch.kubernetes.io/controller-uid';
const nameLabel = 'batch.kubernetes.io/job-name';
/** Before Kubernetes 1.27 the labels had no prefix; both are set. */
const oldUidLabel = 'controller-uid';
const oldNameLabel = 'job-name';

export const job = defineKind<Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  singular: 'job',
  categories: ['all'],
  namespaced: true,
  ...specAndStatus,
  defaults(object) {
    const spec = object.spec;
    if (!spec) return;
    if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
    setDefault(spec, 'parallelism', 1);
    setDefault(spec, 'backoffLimit', spec.backoffLimitPerIndex === undefined ? 6 : 2_147_483_647);
    setDefault(spec, 'completionMode', 'NonIndexed');
    setDefault(spec, 'suspend', false);
    setDefault(spec, 'podReplacementPolicy', spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed');
    for (const rule of spec.podFailurePolicy?.rules ?? []) {
      for (const condition of rule.onPodConditions ?? []) setDefault(condition, 'status', 'True');
    }
    const labels = spec.template?.metadata?.labels;
    if (labels && !Object.keys(object.metadata.labels ?? {}).length) object.metadata.labels = { ...labels };
    defaultTemplate(spec.template);
  },
  prepareForCreate(object) {
    object.status = {};
    object.metadata.generation = 1;
    if (object.spec?.template && !object.spec.manualSelector) generateSelector(object);
  },
  validate: (object) => [...validateJobSelector(object.spec), ...validateJobSpec(object.spec, 'spec')],
  validateUpdate: validateChange,
  columns: [
    text('Status', 'How it stands', jobStatus),
    text('Completions', 'How often it has succeeded', completions),
    text('Duration', 'How long it has run', duration),
    ageColumn,
    ...templateColumns,
  ],
  fieldSelectors: { 'status.successful': (object) => String(object.status?.succeeded ?? 0) },
});

/** Gives a new job a selector that no other can have. A selector of the user's own stays, to be refused. */
function generateSelector(object: Job): void {
  const { uid, name } = object.metadata;
  const template = object.spec!.template;
  template.metadata = { ...template.metadata };
  const labels: Record<string, string> = (template.metadata.labels = { ...template.metadata.labels });
  const wanted = { [uidLabel]: uid, [oldUidLabel]: uid, [nameLabel]: name, [oldNameLabel]: name };
  for (const [key, value] of Object.entries(wanted)) labels[key] ??= value;
  const selector = (object.spec!.selector = { ...object.spec!.selector });
  selector.matchLabels = { [uidLabel]: uid, ...selector.matchLabels };
}

function validateChange(object: Job, old: Job): FieldError[] {
  const [spec, before] = [object.spec ?? ({} as JobSpec), old.spec ?? ({} as JobSpec)];
  const errors: FieldError[] = [];
  // An indexed job is scaled by its completions together with its parallelism.
  const elastic = before.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  const fixed = [
    ...(elastic ? [] : (['completions'] as const)),
    'selector',
    'completionMode',
    'podFailurePolicy',
    'backoffLimitPerIndex',
    'managedBy',
    'successPolicy',
    'podReplacementPolicy',
  ] as const;
  for (const field of fixed) {
    if (differences(before[field], spec[field], '').length > 0) {
      errors.push(invalid(`spec.${field}`, spec[field] ?? null, immutableMessage));
    }
  }
  const notStarted = before.suspend === true && !old.status?.startTime;
  const [template, templateBefore] = [spec, before].map(({ template: one }) =>
    notStarted ? withoutPlacement(one) : one,
  );
  if (differences(templateBefore, template, '').length > 0) {
    errors.push(invalid('spec.template', spec.template, immutableMessage));
  }
  return errors;
}

/** A queue may still decide where the pods of a suspended job will run. */
function withoutPlacement(template: JobSpec['template']): object {
  const spec = { ...template?.spec, nodeSelector: undefined, tolerations: undefined, schedulingGates: undefined };
  const metadata = { ...template?.metadata, labels: undefined, annotations: undefined };
  return { metadata, spec: { ...spec, affinity: { ...spec.affinity, nodeAffinity: undefined } } };
}

const isTrue = (object: Job, type: string): boolean =>
  (object.status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');

function jobStatus(object: Job): string {
  if (isTrue(object, 'Complete')) return 'Complete';
  if (isTrue(object, 'Failed')) return 'Failed';
  if (object.metadata.deletionTimestamp) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find((type) => isTrue(object, type)) ?? 'Running';
}

function completions(object: Job): string {
  const { completions: wanted, parallelism = 0 } = object.spec ?? ({} as JobSpec);
  const succeeded = object.status?.succeeded ?? 0;
  if (wanted !== undefined) return `${succeeded}/${wanted}`;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function duration(object: Job, now: number): string {
  const { startTime, completionTime } = object.status ?? {};
  if (!startTime) return '';
  return humanDuration((completionTime ? Date.parse(completionTime) : now) - Date.parse(startTime));
}
