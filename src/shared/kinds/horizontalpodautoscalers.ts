import type { HorizontalPodAutoscaler, MetricSpec } from '../k8s';
import { condition, status } from './helpers';
import { defineKindView } from './types';

/** A metric's target in short: `cpu 80%`, `memory 200Mi`, `queue_length 30`. */
function target(metric: MetricSpec): string {
  const source = metric.resource ?? metric.containerResource ?? metric.pods ?? metric.object ?? metric.external;
  if (!source) return metric.type;
  const name = 'name' in source ? source.name : source.metric.name;
  const { averageUtilization, averageValue, value } = source.target;
  return `${name} ${averageUtilization === undefined ? (averageValue ?? value ?? '') : `${averageUtilization}%`}`;
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
    { id: 'targets', renderer: 'list', width: 200, value: (object) => (object.spec?.metrics ?? []).map(target) },
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
