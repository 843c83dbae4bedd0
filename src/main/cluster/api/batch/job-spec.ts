import type { JobSpec } from '@shared/k8s';
import { selects } from '../apps/validation';
import type { FieldError } from '../kind';
import { validatePodTemplate } from '../pod/validation';
import { invalid, nonNegative, notSupported, oneOf, required } from '../validation/field';
import { validateLabelSelector } from '../validation/meta';

/** What Jobs and the templates of CronJobs have in common. */

const maxIndexed = 100_000;

/** Faults of a job's spec apart from its selector. @param path where the spec is */
export function validateJobSpec(spec: JobSpec | undefined, path: string): FieldError[] {
  if (!spec) return [required(`${path}.template`)];
  const errors = (
    [
      'parallelism',
      'completions',
      'activeDeadlineSeconds',
      'backoffLimit',
      'ttlSecondsAfterFinished',
      'backoffLimitPerIndex',
    ] as const
  ).flatMap((field) => nonNegative(`${path}.${field}`, spec[field]));
  if (spec.completionMode) {
    errors.push(...oneOf(`${path}.completionMode`, spec.completionMode, ['Indexed', 'NonIndexed']));
    if (spec.completionMode === 'Indexed') {
      if (spec.completions === undefined) {
        errors.push(required(`${path}.completions`, 'when completion mode is Indexed'));
      } else if (spec.completions > maxIndexed && (spec.parallelism ?? 0) > maxIndexed) {
        errors.push(
          invalid(
            `${path}.parallelism`,
            spec.parallelism,
            `must be less than or equal to ${maxIndexed} when completion mode is Indexed`,
          ),
        );
      }
    }
  }
  if (spec.completionMode !== 'Indexed' && spec.backoffLimitPerIndex !== undefined) {
    errors.push(invalid(`${path}.backoffLimitPerIndex`, spec.backoffLimitPerIndex, 'requires indexed completion mode'));
  }
  if (spec.successPolicy) {
    const at = `${path}.successPolicy`;
    if (spec.completionMode !== 'Indexed') {
      errors.push(invalid(at, spec.successPolicy, 'requires indexed completion mode'));
    } else if (!spec.successPolicy.rules?.length) {
      errors.push(required(`${at}.rules`, 'at least one rules must be specified in the successPolicy'));
    }
  }
  if (spec.podReplacementPolicy) {
    const allowed = spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
    errors.push(...oneOf(`${path}.podReplacementPolicy`, spec.podReplacementPolicy, allowed));
  }
  if (!spec.template) return [...errors, required(`${path}.template`)];
  errors.push(...validatePodTemplate(spec.template, `${path}.template`), ...validateRestartPolicy(spec, path));
  for (const [index, rule] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const at = `${path}.podFailurePolicy.rules[${index}]`;
    errors.push(...oneOf(`${at}.action`, rule.action, ['Count', 'FailIndex', 'FailJob', 'Ignore']));
    if (!rule.onExitCodes === !rule.onPodConditions?.length) {
      const message = rule.onExitCodes
        ? 'specifying both OnExitCodes and OnPodConditions is not supported'
        : 'specifying one of OnExitCodes and OnPodConditions is required';
      errors.push(invalid(at, rule, message));
    }
  }
  return errors;
}

function validateRestartPolicy(spec: JobSpec, path: string): FieldError[] {
  const policy = spec.template?.spec?.restartPolicy;
  const at = `${path}.template.spec.restartPolicy`;
  // A pod that always restarts never ends; the default does not do for jobs.
  if (!policy || policy === 'Always') return [required(at, 'valid values: "OnFailure", "Never"')];
  if (!['OnFailure', 'Never'].includes(policy)) return [notSupported(at, policy, ['Never', 'OnFailure'])];
  return spec.podFailurePolicy && policy !== 'Never'
    ? [invalid(at, policy, 'only "Never" is supported when podFailurePolicy is specified')]
    : [];
}

/** Faults of the selector that the server, or with manualSelector the user, gives a job. */
export function validateJobSelector(spec: JobSpec | undefined): FieldError[] {
  if (!spec?.selector) return [required('spec.selector')];
  const errors = validateLabelSelector(spec.selector, 'spec.selector');
  const labels = spec.template?.metadata?.labels ?? {};
  if (errors.length === 0 && !selects(spec.selector, labels)) {
    errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  return errors;
}
