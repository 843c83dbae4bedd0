import type { HorizontalPodAutoscaler } from '@shared/k8s';
import { eventLines } from './events';
import { longTime, type Lines } from './lines';
import type { Describe } from './types';

type Spec = NonNullable<HorizontalPodAutoscaler['spec']>;
type Metric = NonNullable<Spec['metrics']>[number];
type Status = NonNullable<NonNullable<HorizontalPodAutoscaler['status']>['currentMetrics']>[number];
type Rules = NonNullable<NonNullable<Spec['behavior']>['scaleUp']>;

interface Target {
  type?: string;
  averageUtilization?: number;
  averageValue?: string;
  value?: string;
}

/** `12% (6m) / 60%` of a resource; what is not known yet is `<unknown>`. */
function resourceText(target: Target, current: Target | undefined): { title: string; text: string } {
  if (target.averageUtilization !== undefined) {
    const known = current?.averageUtilization;
    const now = known === undefined ? '<unknown>' : `${known}% (${current?.averageValue ?? ''})`;
    return { title: '  (as a percentage of request)', text: `${now} / ${target.averageUtilization}%` };
  }
  return { title: '', text: `${current?.averageValue ?? '<unknown>'} / ${target.averageValue ?? target.value ?? ''}` };
}

/** `how it is / how it should be` of a metric that is no resource. */
function valueText(target: Target, current: Target | undefined): { title: string; text: string } {
  if (target.averageValue !== undefined)
    return { title: 'target average value', text: `${current?.averageValue ?? '<unknown>'} / ${target.averageValue}` };
  return { title: 'target value', text: `${current?.value ?? '<unknown>'} / ${target.value ?? ''}` };
}

function metricLine(lines: Lines, metric: Metric, status: Status | undefined): void {
  const { resource, containerResource, pods, object, external } = metric;
  if (resource) {
    const { title, text } = resourceText(resource.target, status?.resource?.current);
    lines.add(1, `resource ${resource.name} on pods${title}:\t${text}`);
  } else if (containerResource) {
    const { title, text } = resourceText(containerResource.target, status?.containerResource?.current);
    lines.add(
      1,
      `resource ${containerResource.name} of container "${containerResource.container}" on pods${title}:\t${text}`,
    );
  } else if (pods) {
    lines.add(1, `"${pods.metric.name}" on pods:\t${valueText(pods.target, status?.pods?.current).text}`);
  } else if (object) {
    const { title, text } = valueText(object.target, status?.object?.current);
    const { kind, name } = object.describedObject;
    lines.add(1, `"${object.metric.name}" on ${kind}/${name} (${title}):\t${text}`);
  } else if (external) {
    const { title, text } = valueText(external.target, status?.external?.current);
    lines.add(1, `"${external.metric.name}" (${title}):\t${text}`);
  }
}

function rulesLines(lines: Lines, title: string, rules: Rules | undefined): void {
  if (!rules) return;
  lines.add(1, `${title}:`);
  if (rules.stabilizationWindowSeconds !== undefined)
    lines.add(2, `Stabilization Window: ${rules.stabilizationWindowSeconds} seconds`);
  lines.add(2, `Select Policy: ${rules.selectPolicy ?? 'Max'}`);
  if (!rules.policies?.length) return;
  lines.add(2, 'Policies:');
  for (const { type, value, periodSeconds } of rules.policies)
    lines.add(3, `- Type: ${type}\tValue: ${value}\tPeriod: ${periodSeconds} seconds`);
}

export const describeAutoscaler: Describe<HorizontalPodAutoscaler> = ({ lines, object, events, now, showEvents }) => {
  const { metadata, spec, status } = object;
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  lines.add(0, `CreationTimestamp:\t${longTime(metadata.creationTimestamp)}`);
  lines.add(0, `Reference:\t${spec!.scaleTargetRef.kind}/${spec!.scaleTargetRef.name}`);
  lines.add(0, 'Metrics:\t( current / target )');
  (spec!.metrics ?? []).forEach((metric, at) => metricLine(lines, metric, status?.currentMetrics?.[at]));
  lines.add(0, `Min replicas:\t${spec!.minReplicas ?? '<unset>'}`);
  lines.add(0, `Max replicas:\t${spec!.maxReplicas}`);
  if (spec!.behavior) {
    lines.add(0, 'Behavior:');
    rulesLines(lines, 'Scale Up', spec!.behavior.scaleUp);
    rulesLines(lines, 'Scale Down', spec!.behavior.scaleDown);
  }
  lines.add(
    0,
    `${spec!.scaleTargetRef.kind} pods:\t${status?.currentReplicas ?? 0} current / ${status?.desiredReplicas ?? 0} desired`,
  );
  if (status?.conditions?.length) {
    lines.add(0, 'Conditions:\n  Type\tStatus\tReason\tMessage');
    lines.add(1, '----\t------\t------\t-------');
    for (const { type, status: state, reason, message } of status.conditions)
      lines.add(1, `${type}\t${state}\t${reason ?? ''}\t${message ?? ''}`);
  }
  if (showEvents) eventLines(lines, events, now);
};
