import type { HorizontalPodAutoscaler, MetricSpec } from '@shared/k8s';
import { isQuantity, parseQuantity } from '@shared/quantity';
import type { FieldError } from '../kind';
import { forbidden, invalid, invalidEach, notSupported, required } from '../validation/field';
import { pathSegment } from '../validation/strings';

type Spec = NonNullable<HorizontalPodAutoscaler['spec']>;

/** Where each type of metric keeps what it says. */
const sources = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
} as const;

/** Faults of an autoscaler. */
export function validateAutoscaler(object: HorizontalPodAutoscaler): FieldError[] {
  const spec = object.spec ?? ({} as Spec);
  const errors: FieldError[] = [];
  const { minReplicas: least = 1, maxReplicas: most = 0 } = spec;
  if (least < 0) errors.push(invalid('spec.minReplicas', least, 'must be greater than or equal to 0'));
  if (most < 1) errors.push(invalid('spec.maxReplicas', most, 'must be greater than 0'));
  if (most < least) errors.push(invalid('spec.maxReplicas', most, 'must be greater than or equal to `minReplicas`'));
  for (const field of ['kind', 'name'] as const) {
    const value = spec.scaleTargetRef?.[field];
    const at = `spec.scaleTargetRef.${field}`;
    if (!value) errors.push(required(at));
    else errors.push(...invalidEach(at, value, pathSegment(value)));
  }
  // Pods that are not there tell nothing that could bring them back.
  if (least === 0 && !spec.metrics?.some(({ type }) => type === 'Object' || type === 'External')) {
    const detail = 'must specify at least one Object or External metric to support scaling to zero replicas';
    errors.push(forbidden('spec.metrics', detail));
  }
  for (const [index, metric] of (spec.metrics ?? []).entries()) {
    errors.push(...validateMetric(metric, `spec.metrics[${index}]`));
  }
  for (const direction of ['scaleUp', 'scaleDown'] as const) {
    errors.push(...validateRules(spec.behavior?.[direction], `spec.behavior.${direction}`));
  }
  return errors;
}

function validateMetric(metric: MetricSpec, path: string): FieldError[] {
  if (!metric.type) return [required(`${path}.type`, 'must specify a metric source type')];
  const source = sources[metric.type as keyof typeof sources];
  if (!source) return [notSupported(`${path}.type`, metric.type, Object.keys(sources))];
  const given = Object.values(sources).filter((field) => metric[field]);
  if (!metric[source]) {
    return [required(`${path}.${source}`, `must populate information for the given metric source`)];
  }
  const errors = given
    .filter((field) => field !== source)
    .map((field) => forbidden(`${path}.${field}`, 'must populate the given metric source only'));
  const at = `${path}.${source}`;
  if ('name' in metric[source]! || source === 'resource' || source === 'containerResource') {
    if (!(metric[source] as { name?: string }).name)
      errors.push(required(`${at}.name`, 'must specify a resource name'));
  } else if (!(metric[source] as { metric?: { name?: string } }).metric?.name) {
    errors.push(required(`${at}.metric.name`, 'must specify a metric name'));
  }
  if (source === 'containerResource' && !metric.containerResource!.container) {
    errors.push(required(`${at}.container`, 'must specify a container'));
  }
  return [...errors, ...validateTarget(metric[source]!.target, source, `${at}.target`)];
}

function validateTarget(target: Target | undefined, source: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { type, value, averageValue, averageUtilization } = target ?? {};
  if (!type) return [required(`${path}.type`, 'must specify a metric target type')];
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
    errors.push(invalid(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue'));
  }
  for (const [field, quantity] of Object.entries({ value, averageValue })) {
    if (quantity !== undefined && (!isQuantity(quantity) || parseQuantity(quantity) <= 0)) {
      errors.push(invalid(`${path}.${field}`, quantity, 'must be positive'));
    }
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(invalid(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0'));
  }
  if (source === 'resource' || source === 'containerResource') {
    if (averageUtilization === undefined && averageValue === undefined) {
      errors.push(required(`${path}.averageUtilization`, 'must set either a target raw value or a target utilization'));
    } else if (averageUtilization !== undefined && averageValue !== undefined) {
      errors.push(forbidden(`${path}.averageValue`, 'may not set both a target raw value and a target utilization'));
    }
  } else if (source === 'pods' ? averageValue === undefined : value === undefined && averageValue === undefined) {
    const [field, what] =
      source === 'pods'
        ? ['averageValue', 'must specify a positive target averageValue']
        : ['averageValue', 'must set either a target value for metric or a per-pod target'];
    errors.push(required(`${path}.${field}`, what));
  }
  return errors;
}

interface Target {
  type?: string;
  value?: string;
  averageValue?: string;
  averageUtilization?: number;
}

type Rules = NonNullable<Spec['behavior']>['scaleUp'];

function validateRules(rules: Rules, path: string): FieldError[] {
  if (!rules) return [];
  const errors: FieldError[] = [];
  const window = rules.stabilizationWindowSeconds;
  if (window !== undefined && window < 0) {
    errors.push(invalid(`${path}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero'));
  } else if (window !== undefined && window > 3600) {
    errors.push(invalid(`${path}.stabilizationWindowSeconds`, window, 'must be less than or equal to 3600'));
  }
  if (rules.tolerance !== undefined && (!isQuantity(rules.tolerance) || parseQuantity(rules.tolerance) < 0)) {
    errors.push(invalid(`${path}.tolerance`, rules.tolerance, 'must be greater than or equal to zero'));
  }
  if (rules.selectPolicy && !['Max', 'Min', 'Disabled'].includes(rules.selectPolicy)) {
    errors.push(notSupported(`${path}.selectPolicy`, rules.selectPolicy, ['Disabled', 'Max', 'Min']));
  }
  if (rules.policies?.length === 0) errors.push(required(`${path}.policies`, 'must specify at least one Policy'));
  for (const [index, policy] of (rules.policies ?? []).entries()) {
    const at = `${path}.policies[${index}]`;
    if (!['Pods', 'Percent'].includes(policy.type)) {
      errors.push(notSupported(`${at}.type`, policy.type, ['Percent', 'Pods']));
    }
    if (policy.value <= 0) errors.push(invalid(`${at}.value`, policy.value, 'must be greater than zero'));
    if (policy.periodSeconds <= 0) {
      errors.push(invalid(`${at}.periodSeconds`, policy.periodSeconds, 'must be greater than zero'));
    } else if (policy.periodSeconds > 1800) {
      errors.push(invalid(`${at}.periodSeconds`, policy.periodSeconds, 'must be less than or equal to 1800'));
    }
  }
  return errors;
}
