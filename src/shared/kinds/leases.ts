import type { Lease } from '../k8s';
import { defineKindView } from './types';

export const leases = defineKindView<Lease>({
  id: 'leases',
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
  section: 'cluster',
  order: 40,
  icon: 'Timer',
  columns: [
    { id: 'holder', renderer: 'text', width: 280, value: (object) => object.spec?.holderIdentity ?? null },
    { id: 'renewed', renderer: 'age', width: 110, value: (object) => object.spec?.renewTime ?? null },
    {
      id: 'leaseDuration',
      renderer: 'number',
      width: 110,
      align: 'end',
      value: (object) => object.spec?.leaseDurationSeconds ?? null,
    },
  ],
  capabilities: {},
  template: `apiVersion: coordination.k8s.io/v1
kind: Lease
metadata:
  name: leader
spec:
  holderIdentity: me
  leaseDurationSeconds: 40
`,
});
