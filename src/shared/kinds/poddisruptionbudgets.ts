import type { PodDisruptionBudget } from '../k8s';
import { formatSelector } from '../selectors';
import { defineKindView } from './types';

export const podDisruptionBudgets = defineKindView<PodDisruptionBudget>({
  id: 'poddisruptionbudgets',
  group: 'policy',
  version: 'v1',
  plural: 'poddisruptionbudgets',
  kind: 'PodDisruptionBudget',
  namespaced: true,
  section: 'config',
  order: 60,
  icon: 'ShieldHalf',
  columns: [
    { id: 'minAvailable', renderer: 'text', width: 120, value: (object) => object.spec?.minAvailable ?? null },
    { id: 'maxUnavailable', renderer: 'text', width: 130, value: (object) => object.spec?.maxUnavailable ?? null },
    {
      id: 'allowedDisruptions',
      renderer: 'number',
      width: 150,
      align: 'end',
      value: (object) => object.status?.disruptionsAllowed ?? 0,
    },
    {
      id: 'healthy',
      renderer: 'text',
      width: 90,
      align: 'end',
      value: (object) => `${object.status?.currentHealthy ?? 0}/${object.status?.expectedPods ?? 0}`,
    },
  ],
  podSelector: (object) => (object.spec?.selector ? formatSelector(object.spec.selector) : undefined),
  capabilities: {},
  template: `apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: web
spec:
  minAvailable: 1
  selector:
    matchLabels:
      app: web
`,
});
