import type { ServiceAccount } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, integer } from '../printing';

export const serviceAccount = defineKind<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  shortNames: ['sa'],
  namespaced: true,
  subresources: [
    { name: 'token', kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1', verbs: ['create'] },
  ],
  columns: [integer('Secrets', 'How many secrets it lists', (object) => object.secrets?.length ?? 0), ageColumn],
});
