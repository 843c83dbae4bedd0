import type { NetworkPolicy } from '../k8s';
import { formatSelector } from '../selectors';
import { defineKindView } from './types';

export const networkPolicies = defineKindView<NetworkPolicy>({
  id: 'networkpolicies',
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'networkpolicies',
  kind: 'NetworkPolicy',
  namespaced: true,
  section: 'network',
  order: 60,
  icon: 'BrickWall',
  columns: [
    {
      id: 'podSelector',
      renderer: 'mono',
      width: 260,
      value: (object) => formatSelector(object.spec?.podSelector) || '*',
    },
    { id: 'policyTypes', renderer: 'list', width: 150, value: (object) => object.spec?.policyTypes ?? [] },
    {
      id: 'ingressRules',
      renderer: 'number',
      width: 110,
      align: 'end',
      value: (object) => object.spec?.ingress?.length ?? 0,
    },
    {
      id: 'egressRules',
      renderer: 'number',
      width: 110,
      align: 'end',
      value: (object) => object.spec?.egress?.length ?? 0,
    },
  ],
  podSelector: (object) => formatSelector(object.spec?.podSelector) || undefined,
  capabilities: {},
  template: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
spec:
  podSelector:
    matchLabels:
      app: web
  policyTypes: [Ingress]
  ingress:
    - from:
        - podSelector: {}
      ports:
        - port: 80
`,
});
