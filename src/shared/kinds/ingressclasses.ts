import type { IngressClass } from '../k8s';
import { defineKindView } from './types';

export const ingressClasses = defineKindView<IngressClass>({
  id: 'ingressclasses',
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'ingressclasses',
  kind: 'IngressClass',
  namespaced: false,
  section: 'network',
  order: 50,
  icon: 'Signpost',
  columns: [
    { id: 'controller', renderer: 'mono', width: 260, value: (object) => object.spec?.controller ?? null },
    {
      id: 'parameters',
      renderer: 'text',
      width: 220,
      value: ({ spec }) => (spec?.parameters ? `${spec.parameters.kind}/${spec.parameters.name}` : null),
    },
    {
      id: 'default',
      renderer: 'text',
      width: 80,
      value: (object) =>
        object.metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true' ? 'Yes' : null,
    },
  ],
  capabilities: {},
  template: `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: nginx
spec:
  controller: gantry.dev/ingress-nginx
`,
});
