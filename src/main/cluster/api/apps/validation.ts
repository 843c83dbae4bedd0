import type { DaemonSet, Deployment, LabelSelector, PodTemplateSpec, ReplicaSet } from '@shared/k8s';
import type { FieldError } from '../kind';
import { validatePodTemplate } from '../pod/validation';
import { differences } from '../validation/differences';
import { forbidden, immutableMessage, invalid, nonNegative, notSupported, required } from '../validation/field';
import { validateLabelSelector } from '../validation/meta';

interface WorkloadSpec {
  selector?: LabelSelector;
  template?: PodTemplateSpec;
}

/** Faults of a selector, of its template, and of the two together. */
export function validateSelectorAndTemplate(
  spec: WorkloadSpec,
  kind: 'Deployment' | 'ReplicaSet' | 'StatefulSet' | 'DaemonSet',
): FieldError[] {
  const errors: FieldError[] = [];
  const { selector, template } = spec;
  if (!selector) errors.push(required('spec.selector'));
  else {
    errors.push(...validateLabelSelector(selector, 'spec.selector'));
    if (!Object.keys(selector.matchLabels ?? {}).length && !selector.matchExpressions?.length) {
      // Kubernetes says "deployment" of ReplicaSets, too.
      const named = kind === 'ReplicaSet' ? 'deployment' : kind.toLowerCase();
      errors.push(invalid('spec.selector', selector, `empty selector is invalid for ${named}`));
    }
  }
  if (!template) return [...errors, required('spec.template')];
  const labels = template.metadata?.labels ?? {};
  if (selector && errors.length === 0 && !selects(selector, labels)) {
    errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  errors.push(...validatePodTemplate(template, 'spec.template'));
  const policy = template.spec?.restartPolicy;
  if (policy && policy !== 'Always') errors.push(notSupported('spec.template.spec.restartPolicy', policy, ['Always']));
  if (typeof template.spec?.activeDeadlineSeconds === 'number') {
    errors.push(
      forbidden('spec.template.spec.activeDeadlineSeconds', `activeDeadlineSeconds in ${kind} is not Supported`),
    );
  }
  return errors;
}

/** Whether a selector takes objects with these labels. */
export function selects(selector: LabelSelector, labels: Record<string, string>): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    equal &&
    (selector.matchExpressions ?? []).every(({ key, operator, values }) => {
      const value = labels[key];
      if (operator === 'In') return value !== undefined && values!.includes(value);
      if (operator === 'NotIn') return value === undefined || !values!.includes(value);
      return operator === 'Exists' ? value !== undefined : value === undefined;
    })
  );
}

/** A selector decides whose the pods are; it stays as it was created. */
export function validateSelectorUpdate<T extends Deployment | ReplicaSet | DaemonSet>(object: T, old: T): FieldError[] {
  return differences(old.spec?.selector, object.spec?.selector, '').length > 0
    ? [invalid('spec.selector', object.spec?.selector, immutableMessage)]
    : [];
}

/** Faults of the numbers that several workloads have. */
export function validateCounts(spec: object | undefined, ...fields: string[]): FieldError[] {
  return fields.flatMap((field) => nonNegative(`spec.${field}`, (spec as Record<string, number> | undefined)?.[field]));
}
