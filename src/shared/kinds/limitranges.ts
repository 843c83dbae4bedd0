import type { LimitRange } from '../k8s';
import { defineKindView } from './types';

export const limitRanges = defineKindView<LimitRange>({
  id: 'limitranges',
  group: '',
  version: 'v1',
  plural: 'limitranges',
  kind: 'LimitRange',
  namespaced: true,
  section: 'config',
  order: 40,
  icon: 'Ruler',
  columns: [
    {
      id: 'limitTypes',
      renderer: 'list',
      width: 260,
      value: (object) => (object.spec?.limits ?? []).map((limit) => limit.type),
    },
  ],
  capabilities: {},
  template: `apiVersion: v1
kind: LimitRange
metadata:
  name: defaults
spec:
  limits:
    - type: Container
      default:
        cpu: 500m
        memory: 256Mi
      defaultRequest:
        cpu: 50m
        memory: 64Mi
`,
});
