import { readableQuantity } from './readable-quantity';
import type { MetricSpec, MetricStatus } from './k8s';

/** One metric of an autoscaler: what it is now and what it should be. */
export interface MetricLine {
  name: string;
  /** What it is measured on, e.g. `pods` or `Ingress/main`. */
  of: string;
  current?: string;
  target: string;
  /** Current of target, where both are numbers of one kind. */
  share?: number;
}

type Source = {
  name?: string;
  container?: string;
  metric?: { name: string };
  describedObject?: { kind: string; name: string };
};
interface Value {
  averageUtilization?: number;
  averageValue?: string;
  value?: string;
}

const sourceOf = (metric: MetricSpec | MetricStatus) =>
  (metric.resource ?? metric.containerResource ?? metric.pods ?? metric.object ?? metric.external) as
    (Source & { target?: Value; current?: Value }) | undefined;

function words(name: string, value: Value | undefined, as: Value | undefined): string | undefined {
  if (!value) return undefined;
  const kind = as ?? value;
  if (kind.averageUtilization !== undefined && value.averageUtilization !== undefined)
    return `${value.averageUtilization}%`;
  const quantity = kind.averageValue === undefined ? (value.value ?? value.averageValue) : value.averageValue;
  return quantity === undefined ? undefined : readableQuantity(name, quantity);
}

const keyOf = (metric: MetricSpec | MetricStatus): string => {
  const { name, container, metric: own, describedObject } = sourceOf(metric) ?? {};
  return JSON.stringify([metric.type, name ?? own?.name, container, describedObject?.kind, describedObject?.name]);
};

/** Target and measurement of every metric of an autoscaler. */
export function metricLines(specs: readonly MetricSpec[], statuses: readonly MetricStatus[]): MetricLine[] {
  return specs.map((spec) => {
    const source = sourceOf(spec);
    const status = statuses.find((each) => each && keyOf(each) === keyOf(spec));
    const name = source?.name ?? source?.metric?.name ?? spec.type;
    const current = words(name, status && sourceOf(status)?.current, source?.target);
    const wanted = source?.target?.averageUtilization;
    const now = (status && sourceOf(status)?.current)?.averageUtilization;
    const { container, describedObject } = source ?? {};
    return {
      name,
      of: describedObject ? `${describedObject.kind}/${describedObject.name}` : (container ?? spec.type),
      ...(current === undefined ? {} : { current }),
      target: words(name, source?.target, undefined) ?? '',
      ...(wanted && now !== undefined ? { share: now / wanted } : {}),
    };
  });
}
