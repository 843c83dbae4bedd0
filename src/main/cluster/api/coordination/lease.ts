import type { Lease } from '@shared/k8s';
import { defineKind } from '../kind';
import { invalid, nonNegative, required } from '../validation/field';
import { ageColumn, text } from '../printing';

export const lease = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  namespaced: true,
  validate(object) {
    const { leaseDurationSeconds: duration, leaseTransitions, holderIdentity } = object.spec ?? {};
    const errors = nonNegative('spec.leaseTransitions', leaseTransitions);
    if (typeof duration === 'number' && duration <= 0) {
      errors.push(invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0'));
    }
    if (holderIdentity === '') errors.push(required('spec.holderIdentity', 'if set, must not be empty'));
    return errors;
  },
  columns: [text('Holder', 'Who holds it', (object) => object.spec?.holderIdentity ?? ''), ageColumn],
});
