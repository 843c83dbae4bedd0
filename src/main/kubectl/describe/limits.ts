import type { LimitRange, PodDisruptionBudget, ResourceQuota } from '@shared/k8s';
import { formatSelector } from '@shared/selectors';
import { eventLines } from './events';
import type { Lines } from './lines';
import type { Describe } from './types';

/** The table of what a quota allows and what is used of it. */
export function quotaLines(lines: Lines, level: number, quota: Pick<ResourceQuota, 'status'>, dashes = '----'): void {
  const { hard = {}, used = {} } = quota.status ?? {};
  lines.add(level, 'Resource\tUsed\tHard');
  lines.add(level, `--------\t${dashes}\t${dashes}`);
  for (const name of Object.keys(hard).sort()) lines.add(level, `${name}\t${used[name] ?? '0'}\t${hard[name]}`);
}

/** The table of the limits of one or more ranges. */
export function limitLines(lines: Lines, level: number, ranges: readonly Pick<LimitRange, 'spec'>[]): void {
  lines.add(level, 'Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio');
  lines.add(level, '----\t--------\t---\t---\t---------------\t-------------\t-----------------------');
  for (const item of ranges.flatMap((range) => range.spec?.limits ?? [])) {
    const parts: (Record<string, string> | undefined)[] = [
      item.min,
      item.max,
      item.defaultRequest,
      (item as { default?: Record<string, string> }).default,
      item.maxLimitRequestRatio,
    ];
    const names = new Set(parts.flatMap((part) => Object.keys(part ?? {})));
    for (const name of [...names].sort())
      lines.add(level, [item.type, name, ...parts.map((part) => part?.[name] ?? '-')].join('\t'));
  }
}

export const describeQuota: Describe<ResourceQuota> = ({ lines, object }) => {
  lines.add(0, `Name:\t${object.metadata.name}`);
  lines.add(0, `Namespace:\t${object.metadata.namespace}`);
  if (object.spec?.scopes?.length) lines.add(0, `Scopes:\t${[...object.spec.scopes].sort().join(', ')}`);
  quotaLines(lines, 0, object);
};

export const describeLimitRange: Describe<LimitRange> = ({ lines, object }) => {
  lines.add(0, `Name:\t${object.metadata.name}`);
  lines.add(0, `Namespace:\t${object.metadata.namespace}`);
  limitLines(lines, 0, [object]);
};

export const describeDisruptionBudget: Describe<PodDisruptionBudget> = ({ lines, object, events, now, showEvents }) => {
  const { metadata, spec, status } = object;
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  if (spec?.minAvailable !== undefined) lines.add(0, `Min available:\t${spec.minAvailable}`);
  else if (spec?.maxUnavailable !== undefined) lines.add(0, `Max unavailable:\t${spec.maxUnavailable}`);
  lines.add(0, `Selector:\t${spec?.selector ? formatSelector(spec.selector) : '<unset>'}`);
  lines.add(0, 'Status:');
  lines.add(2, `Allowed disruptions:\t${status?.disruptionsAllowed ?? 0}`);
  lines.add(2, `Current:\t${status?.currentHealthy ?? 0}`);
  lines.add(2, `Desired:\t${status?.desiredHealthy ?? 0}`);
  lines.add(2, `Total:\t${status?.expectedPods ?? 0}`);
  if (showEvents) eventLines(lines, events, now);
};
