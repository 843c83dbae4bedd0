import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerV1,
  KubeObject,
  MetricSpec,
  MetricStatus,
} from '@shared/k8s';

/** autoscaling/v1 knows one metric, CPU in percent; annotations carry the rest, so that nothing is lost on the way. */

const metricsKey = 'autoscaling.alpha.kubernetes.io/metrics';
const behaviorKey = 'autoscaling.alpha.kubernetes.io/behavior';
const currentKey = 'autoscaling.alpha.kubernetes.io/current-metrics';
const conditionsKey = 'autoscaling.alpha.kubernetes.io/conditions';

const isCpu = (metric: MetricSpec | MetricStatus): boolean =>
  metric.type === 'Resource' && metric.resource?.name === 'cpu';
const isCpuShare = (metric: MetricSpec): boolean =>
  isCpu(metric) && metric.resource?.target.averageUtilization !== undefined;

/** A v2 object as v1. */
export function toV1(object: KubeObject): KubeObject {
  const { spec, status, metadata, ...rest } = object as HorizontalPodAutoscaler;
  const metrics = spec?.metrics ?? [];
  const share = metrics.find(isCpuShare);
  const others = metrics.filter((metric) => metric !== share);
  const current = status?.currentMetrics ?? [];
  const currentShare = share && current.find(isCpu);
  const annotations = {
    ...metadata.annotations,
    ...annotation(metricsKey, others),
    ...annotation(behaviorKey, spec?.behavior),
    ...annotation(
      currentKey,
      current.filter((metric) => metric !== currentShare),
    ),
    ...annotation(conditionsKey, status?.conditions),
  };
  const converted = {
    ...rest,
    apiVersion: 'autoscaling/v1',
    metadata: { ...metadata, ...(Object.keys(annotations).length ? { annotations } : {}) },
    ...(spec && {
      spec: {
        scaleTargetRef: spec.scaleTargetRef,
        minReplicas: spec.minReplicas,
        maxReplicas: spec.maxReplicas,
        targetCPUUtilizationPercentage: share?.resource?.target.averageUtilization,
      },
    }),
    ...(status && {
      status: {
        observedGeneration: status.observedGeneration,
        lastScaleTime: status.lastScaleTime,
        currentReplicas: status.currentReplicas ?? 0,
        desiredReplicas: status.desiredReplicas,
        currentCPUUtilizationPercentage: currentShare?.resource?.current.averageUtilization,
      },
    }),
  };
  return withoutUndefined(converted);
}

/** A v1 object as v2. */
export function fromV1(object: KubeObject): KubeObject {
  const { spec, status, metadata, ...rest } = object as HorizontalPodAutoscalerV1;
  const annotations = { ...metadata?.annotations };
  const take = <T>(key: string): T | undefined => {
    const text = annotations[key];
    delete annotations[key];
    return text === undefined ? undefined : parsed<T>(text);
  };
  const others = take<MetricSpec[]>(metricsKey) ?? [];
  const behavior = take<object>(behaviorKey);
  const otherCurrent = take<MetricStatus[]>(currentKey) ?? [];
  const conditions = take<object[]>(conditionsKey);
  const share = spec?.targetCPUUtilizationPercentage;
  const currentShare = status?.currentCPUUtilizationPercentage;
  const target = { type: 'Utilization', averageUtilization: share };
  const metrics = [
    ...(share === undefined ? [] : [{ type: 'Resource', resource: { name: 'cpu', target } }]),
    ...others,
  ];
  const current = [
    ...(currentShare === undefined
      ? []
      : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: currentShare } } }]),
    ...otherCurrent,
  ];
  const { annotations: _, ...meta } = metadata ?? {};
  return withoutUndefined({
    ...rest,
    apiVersion: 'autoscaling/v2',
    metadata: { ...meta, ...(Object.keys(annotations).length ? { annotations } : {}) },
    ...(spec && {
      spec: {
        scaleTargetRef: spec.scaleTargetRef,
        minReplicas: spec.minReplicas,
        maxReplicas: spec.maxReplicas,
        metrics: metrics.length ? metrics : undefined,
        behavior,
      },
    }),
    ...(status && {
      status: {
        observedGeneration: status.observedGeneration,
        lastScaleTime: status.lastScaleTime,
        currentReplicas: status.currentReplicas,
        desiredReplicas: status.desiredReplicas,
        currentMetrics: current.length ? current : undefined,
        conditions,
      },
    }),
  });
}

const annotation = (key: string, value: object | undefined): Record<string, string> =>
  value && Object.keys(value).length > 0 ? { [key]: JSON.stringify(value) } : {};

function parsed<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

/** Fields that are not set are not there: an object is compared with what is stored. */
function withoutUndefined<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutUndefined) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(entries.map(([key, field]) => [key, withoutUndefined(field)])) as T;
}
