import type { ServiceAccount } from '../k8s';
import { defineKindView } from './types';

export const serviceAccounts = defineKindView<ServiceAccount>({
  id: 'serviceaccounts',
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
  section: 'access',
  order: 10,
  icon: 'IdCard',
  columns: [
    {
      id: 'secrets',
      renderer: 'list',
      width: 240,
      value: (object) => (object.secrets ?? []).map((reference) => reference.name ?? ''),
    },
    {
      id: 'imagePullSecrets',
      renderer: 'list',
      width: 240,
      value: (object) => (object.imagePullSecrets ?? []).map((reference) => reference.name ?? ''),
    },
  ],
  capabilities: {},
  template: `apiVersion: v1
kind: ServiceAccount
metadata:
  name: worker
`,
});
