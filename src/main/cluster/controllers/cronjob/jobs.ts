/** The jobs of a CronJob. Pure. */
import { zonedTimestamp } from '@shared/cron-times';
import type { CronJob, Job } from '@shared/k8s';
import { hasCondition } from '../../client/conditions';
import { controllerRef } from '../../client/owners';
import { refApiVersion, resources } from '../../client/resources';
import { isFinishedJob } from '../job/outcome';

const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

type ActiveRef = NonNullable<NonNullable<CronJob['status']>['active']>[number];

/** The same time gives the same name: whoever tries twice makes one job. @param at in ms */
export const jobNameAt = (cronJob: CronJob, at: number): string =>
  `${cronJob.metadata.name}-${Math.floor(at / 60_000)}`;

/** The job that is due at a time (ms). */
export function jobFor(cronJob: CronJob, at: number): Partial<Job> & { metadata: object } {
  const { jobTemplate, timeZone } = cronJob.spec!;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobNameAt(cronJob, at),
      namespace: cronJob.metadata.namespace,
      labels: jobTemplate.metadata?.labels,
      annotations: { ...jobTemplate.metadata?.annotations, [scheduledAnnotation]: zonedTimestamp(at, timeZone) },
      ownerReferences: [controllerRef(resources.cronJobs, cronJob)],
    },
    spec: jobTemplate.spec,
  } as Partial<Job> & { metadata: object };
}

/** Whether a CronJob's job was made by its schedule, and not by hand. */
export const isScheduled = (job: Job): boolean => job.metadata.annotations?.[scheduledAnnotation] !== undefined;

export function activeRef(job: Job): ActiveRef {
  const { namespace, name, uid, resourceVersion } = job.metadata;
  return { apiVersion: refApiVersion(resources.jobs), kind: 'Job', namespace, name, uid, resourceVersion };
}

/** The finished jobs beyond the history limits, the oldest first. */
export function beyondHistory(cronJob: CronJob, jobs: readonly Job[]): Job[] {
  const finished = jobs.filter((job) => isFinishedJob(job) && !job.metadata.deletionTimestamp);
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec!;
  const surplus = (type: string, limit: number | undefined): Job[] => {
    if (limit === undefined) return [];
    const some = finished.filter((job) => hasCondition(job.status?.conditions, type)).sort(byStart);
    return some.slice(0, Math.max(0, some.length - limit));
  };
  return [...surplus('Complete', successfulJobsHistoryLimit), ...surplus('Failed', failedJobsHistoryLimit)];
}

const startOf = (job: Job): number => Date.parse(job.status?.startTime ?? job.metadata.creationTimestamp);
const byStart = (a: Job, b: Job): number => startOf(a) - startOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1);
