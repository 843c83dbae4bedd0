import { humanDuration } from '@shared/duration';
import type { CronJob, Job, JobSpec } from '@shared/k8s';
import { formatSelector } from '@shared/selectors';
import { eventLines } from './events';
import { longTime, type Lines } from './lines';
import { podTemplateLines } from './pod-template';
import type { Describe } from './types';

const orUnset = (value: unknown, unit = ''): string =>
  value === undefined || value === null ? '<unset>' : `${String(value)}${unit}`;

const bool = (value: unknown): string => (value ? 'True' : 'False');

export const describeJob: Describe<Job> = ({ lines, object, events, now, showEvents }) => {
  const { metadata, spec, status } = object;
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  if (spec!.selector) lines.add(0, `Selector:\t${formatSelector(spec!.selector)}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  const owner = metadata.ownerReferences?.find((reference) => reference.controller);
  if (owner) lines.add(0, `Controlled By:\t${owner.kind}/${owner.name}`);
  lines.add(0, `Parallelism:\t${orUnset(spec!.parallelism)}`);
  lines.add(0, `Completions:\t${orUnset(spec!.completions)}`);
  if (spec!.completionMode) lines.add(0, `Completion Mode:\t${spec!.completionMode}`);
  if (spec!.suspend !== undefined) lines.add(0, `Suspend:\t${spec!.suspend}`);
  if (spec!.backoffLimit !== undefined) lines.add(0, `Backoff Limit:\t${spec!.backoffLimit}`);
  if (spec!.ttlSecondsAfterFinished !== undefined)
    lines.add(0, `TTL Seconds After Finished:\t${spec!.ttlSecondsAfterFinished}`);
  const { startTime, completionTime } = status ?? {};
  if (startTime) lines.add(0, `Start Time:\t${longTime(startTime)}`);
  if (completionTime) lines.add(0, `Completed At:\t${longTime(completionTime)}`);
  if (startTime && completionTime)
    lines.add(0, `Duration:\t${humanDuration(Date.parse(completionTime) - Date.parse(startTime))}`);
  if (spec!.activeDeadlineSeconds) lines.add(0, `Active Deadline Seconds:\t${spec!.activeDeadlineSeconds}s`);
  const ready = status?.ready === undefined ? '' : ` (${status.ready} Ready)`;
  lines.add(
    0,
    `Pods Statuses:\t${status?.active ?? 0} Active${ready} / ${status?.succeeded ?? 0} Succeeded / ${status?.failed ?? 0} Failed`,
  );
  if (spec!.completionMode === 'Indexed') lines.add(0, `Completed Indexes:\t${status?.completedIndexes || '<none>'}`);
  podTemplateLines(lines, spec!.template);
  if (showEvents) eventLines(lines, events, now);
};

function jobTemplateLines(lines: Lines, spec: JobSpec): void {
  lines.add(0, `Selector:\t${spec.selector ? formatSelector(spec.selector) : '<unset>'}`);
  lines.add(0, `Parallelism:\t${orUnset(spec.parallelism)}`);
  lines.add(0, `Completions:\t${orUnset(spec.completions)}`);
  if (spec.activeDeadlineSeconds) lines.add(0, `Active Deadline Seconds:\t${spec.activeDeadlineSeconds}s`);
  podTemplateLines(lines, spec.template);
}

export const describeCronJob: Describe<CronJob> = ({ lines, object, events, now, showEvents }) => {
  const { metadata, spec, status } = object;
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  lines.add(0, `Schedule:\t${spec!.schedule}`);
  if (spec!.timeZone) lines.add(0, `Time Zone:\t${spec!.timeZone}`);
  lines.add(0, `Concurrency Policy:\t${spec!.concurrencyPolicy ?? ''}`);
  lines.add(0, `Suspend:\t${bool(spec!.suspend)}`);
  lines.add(0, `Successful Job History Limit:\t${orUnset(spec!.successfulJobsHistoryLimit)}`);
  lines.add(0, `Failed Job History Limit:\t${orUnset(spec!.failedJobsHistoryLimit)}`);
  lines.add(0, `Starting Deadline Seconds:\t${orUnset(spec!.startingDeadlineSeconds, 's')}`);
  jobTemplateLines(lines, spec!.jobTemplate.spec!);
  lines.add(0, `Last Schedule Time:\t${status?.lastScheduleTime ? longTime(status.lastScheduleTime) : '<unset>'}`);
  const active = (status?.active ?? []).map((job) => job.name).join(', ');
  lines.add(0, `Active Jobs:\t${active || '<none>'}`);
  if (showEvents) eventLines(lines, events, now);
};
