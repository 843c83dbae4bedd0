import type { Lease } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, text } from '../printing';

export const lease = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  namespaced: true,
  columns: [text('Holder', 'Who holds it', (object) => object.spec?.holderIdentity ?? ''), ageColumn],
});
