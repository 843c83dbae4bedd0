import type { PodDisruptionBudget } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, integer, text } from '../printing';
import { specAndStatus } from '../strategy';
import { invalid, notSupported } from '../validation/field';
import { validateAtMostAll, validateIntOrPercent } from '../validation/int-or-percent';
import { validateLabelSelector } from '../validation/meta';

const evictionPolicies = ['AlwaysAllow', 'IfHealthyBudget'];

export const podDisruptionBudget = defineKind<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  singular: 'poddisruptionbudget',
  shortNames: ['pdb'],
  namespaced: true,
  ...specAndStatus,
  prepareForCreate(object) {
    object.status = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };
    object.metadata.generation = 1;
  },
  validate(object) {
    const spec = object.spec ?? {};
    const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy: policy } = spec;
    const errors = validateLabelSelector(spec.selector, 'spec.selector');
    if (minAvailable !== undefined && maxUnavailable !== undefined) {
      errors.push(invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
    }
    for (const field of ['minAvailable', 'maxUnavailable'] as const) {
      const [value, at] = [spec[field], `spec.${field}`];
      errors.push(...validateIntOrPercent(value, at), ...validateAtMostAll(value, at));
    }
    if (policy && !evictionPolicies.includes(policy)) {
      errors.push(notSupported('spec.unhealthyPodEvictionPolicy', policy, evictionPolicies));
    }
    return errors;
  },
  columns: [
    text('Min Available', 'The pods that must stay available', (object) => String(object.spec?.minAvailable ?? 'N/A')),
    text('Max Unavailable', 'The pods that may be away', (object) => String(object.spec?.maxUnavailable ?? 'N/A')),
    integer(
      'Allowed Disruptions',
      'How many pods may be evicted now',
      (object) => object.status?.disruptionsAllowed ?? 0,
    ),
    ageColumn,
  ],
});
