import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from '@shared/k8s';

/** The Targets column of an autoscaler: what each metric is and what it should be, two at most. */
export function formatTargets(object: HorizontalPodAutoscaler): string {
  const specs = object.spec?.metrics ?? [];
  if (specs.length === 0) return '<none>';
  const shown = specs.slice(0, 2).map((spec, index) => formatMetric(spec, object.status?.currentMetrics?.[index]));
  const text = shown.join(', ');
  return specs.length > 2 ? `${text} + ${specs.length - 2} more...` : text;
}

const unknown = '<unknown>';

function formatMetric(spec: MetricSpec, status: MetricStatus | undefined): string {
  switch (spec.type) {
    case 'External':
      return total(spec.external!.target, status?.external?.current);
    case 'Object':
      return total(spec.object!.target, status?.object?.current);
    case 'Pods':
      return `${status?.pods?.current?.averageValue ?? unknown}/${spec.pods!.target.averageValue ?? '<auto>'}`;
    case 'Resource':
      return `${spec.resource!.name}: ${perPod(spec.resource!.target, status?.resource?.current)}`;
    case 'ContainerResource':
      return `${spec.containerResource!.name}: ${perPod(spec.containerResource!.target, status?.containerResource?.current)}`;
    default:
      return '<unknown type>';
  }
}

interface Value {
  value?: string;
  averageValue?: string;
  averageUtilization?: number;
}

/** A metric of the whole: a value, or one shared among the pods. */
function total(target: Value, current: Value | undefined): string {
  return target.averageValue === undefined
    ? `${current?.value ?? unknown}/${target.value ?? '<auto>'}`
    : `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`;
}

/** A metric per pod: an amount, or a share of what was requested. */
function perPod(target: Value, current: Value | undefined): string {
  if (target.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue}`;
  const percent = (value: number | undefined, none: string) => (value === undefined ? none : `${value}%`);
  return `${percent(current?.averageUtilization, unknown)}/${percent(target.averageUtilization, '<auto>')}`;
}
