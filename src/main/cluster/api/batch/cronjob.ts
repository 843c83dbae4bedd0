import { parseCronSchedule } from '@shared/cron-schedule';
import { humanAge } from '@shared/duration';
import type { CronJob } from '@shared/k8s';
import { defaultTemplate } from '../apps/defaults';
import { validateCounts } from '../apps/validation';
import { defineKind, type FieldError } from '../kind';
import { ageColumn, formatLabelSelector, integer, text, wide } from '../printing';
import { setDefault, specAndStatus } from '../strategy';
import { invalid, oneOf, required } from '../validation/field';
import { validateAnnotations, validateLabels } from '../validation/meta';
import { validateJobSpec } from './job-spec';

/** The names of its jobs are longer by eleven characters. */
const longestName = 52;

const containersOf = (object: CronJob) => object.spec?.jobTemplate?.spec?.template?.spec?.containers ?? [];

export const cronJob = defineKind<CronJob>({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  singular: 'cronjob',
  shortNames: ['cj'],
  categories: ['all'],
  namespaced: true,
  ...specAndStatus,
  defaults(object) {
    const spec = object.spec;
    if (!spec) return;
    setDefault(spec, 'concurrencyPolicy', 'Allow');
    setDefault(spec, 'suspend', false);
    setDefault(spec, 'successfulJobsHistoryLimit', 3);
    setDefault(spec, 'failedJobsHistoryLimit', 1);
    defaultTemplate(spec.jobTemplate?.spec?.template);
  },
  validate: validateCronJob,
  columns: [
    text('Schedule', 'When it runs', (object) => object.spec?.schedule ?? ''),
    text('Timezone', 'The time zone of the schedule', (object) => object.spec?.timeZone ?? '<none>'),
    text('Suspend', 'Whether it is held', (object) => {
      const suspend = object.spec?.suspend;
      return suspend === undefined ? '<unset>' : suspend ? 'True' : 'False';
    }),
    integer('Active', 'Jobs that run now', (object) => object.status?.active?.length ?? 0),
    text('Last Schedule', 'When it ran last', (object, now) =>
      object.status?.lastScheduleTime ? humanAge(object.status.lastScheduleTime, now) : '<none>',
    ),
    ageColumn,
    wide('Containers', 'Names of each container in the template.', (object) =>
      containersOf(object)
        .map((container) => container.name)
        .join(','),
    ),
    wide('Images', 'Images referenced by each container in the template.', (object) =>
      containersOf(object)
        .map((container) => container.image)
        .join(','),
    ),
    wide('Selector', 'The selector of the pods that belong to this object.', (object) =>
      formatLabelSelector(object.spec?.jobTemplate?.spec?.selector),
    ),
  ],
});

function validateCronJob(object: CronJob): FieldError[] {
  const spec = object.spec ?? ({} as NonNullable<CronJob['spec']>);
  const errors = [
    ...validateSchedule(spec.schedule, spec.timeZone),
    ...validateCounts(spec, 'startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit'),
    ...oneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']),
    ...validateLabels(spec.jobTemplate?.metadata?.labels, 'spec.jobTemplate.metadata.labels'),
    ...validateAnnotations(spec.jobTemplate?.metadata?.annotations, 'spec.jobTemplate.metadata.annotations'),
    ...validateJobSpec(spec.jobTemplate?.spec, 'spec.jobTemplate.spec'),
  ];
  if (object.metadata.name && object.metadata.name.length > longestName) {
    errors.push(invalid('metadata.name', object.metadata.name, `must be no more than ${longestName} characters`));
  }
  return errors;
}

function validateSchedule(schedule: string | undefined, timeZone: string | undefined): FieldError[] {
  if (!schedule) return [required('spec.schedule')];
  const errors: FieldError[] = [];
  if (/TZ=/.test(schedule)) {
    errors.push(invalid('spec.schedule', schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
  } else {
    try {
      parseCronSchedule(schedule);
    } catch (error) {
      errors.push(invalid('spec.schedule', schedule, (error as Error).message));
    }
  }
  if (timeZone === '') errors.push(invalid('spec.timeZone', timeZone, 'timeZone must be nil or non-empty string'));
  else if (timeZone?.toLowerCase() === 'local') {
    errors.push(
      invalid(
        'spec.timeZone',
        timeZone,
        'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
      ),
    );
  } else if (timeZone && !isTimeZone(timeZone)) {
    errors.push(invalid('spec.timeZone', timeZone, `unknown time zone ${timeZone}`));
  }
  return errors;
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
