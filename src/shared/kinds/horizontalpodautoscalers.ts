import type { HorizontalPodAutoscaler } from '../k8s';
import { metricLines } from '../metric-lines';
import { condition, status } from './helpers';
import { defineKindView } from './types';

/** Its metrics in short, as they are and should be: `cpu 40%/80%`, `memory <unknown>/200Mi`. */
function targets(object: HorizontalPodAutoscaler): string[] {
  const lines = metricLines(object.spec?.metrics ?? [], object.status?.currentMetrics ?? []);
  return lines.map(({ name, current, target }) => `${name} ${current ?? '<unknown>'}/${target}`);
}

export const horizontalPodAutoscalers = defineKindView<HorizontalPodAutoscaler>({
  id: 'horizontalpodautoscalers',
  group: 'autoscaling',
  version: 'v2',
  plural: 'horizontalpodautoscalers',
  kind: 'HorizontalPodAutoscaler',
  namespaced: true,
  section: 'config',
  order: 50,
  icon: 'Scaling',
  columns: [
    {
      id: 'reference',
      renderer: 'text',
      width: 200,
      value: ({ spec }) => (spec?.scaleTargetRef ? `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}` : null),
    },
    { id: 'targets', renderer: 'list', width: 200, value: targets },
    { id: 'minPods', renderer: 'number', width: 70, align: 'end', value: (object) => object.spec?.minReplicas ?? 1 },
    { id: 'maxPods', renderer: 'number', width: 70, align: 'end', value: (object) => object.spec?.maxReplicas ?? null },
    {
      id: 'replicas',
      renderer: 'number',
      width: 80,
      align: 'end',
      value: (object) => object.status?.currentReplicas ?? 0,
    },
  ],
  status(object) {
    const able = condition(object, 'AbleToScale');
    const active = condition(object, 'ScalingActive');
    if (able?.status === 'False') return status('Unable', 'error', able.message);
    if (active?.status === 'False') return status('Inactive', 'warn', active.message);
    const limited = condition(object, 'ScalingLimited');
    if (limited?.status === 'True') return status('Limited', 'warn', limited.message);
    return active ? status('Active', 'ok') : status('Unknown', 'neutral');
  },
  capabilities: {},
  template: `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: web
  minReplicas: 1
  maxReplicas: 5
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: 80
`,
});
