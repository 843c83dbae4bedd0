import { parseCronSchedule } from '@shared/cron-schedule';
import { countTimes, lastTime, nextTime, wallClockOf } from '@shared/cron-times';
import type { CronJob, Job } from '@shared/k8s';
import { isDeepStrictEqual } from 'node:util';
import { timestamp, type Clock } from '../../clock';
import { hasCondition } from '../../client/conditions';
import { isAlreadyExists, isNotFound } from '../../client/controller';
import type { EventRecorder } from '../../client/events';
import { isControlledBy } from '../../client/owners';
import { resources, splitKey } from '../../client/resources';
import type { Informer, KubeClient, Reconciler } from '../../client/types';
import { controlledBy } from '../claim';
import { isFinishedJob } from '../job/outcome';
import { isNamespaceTerminating } from '../terminating';
import { activeRef, beyondHistory, isScheduled, jobFor, jobNameAt } from './jobs';

type CronJobStatus = NonNullable<CronJob['status']>;

interface Parts {
  client: KubeClient;
  clock: Clock;
  events: EventRecorder;
  cronJobs: Informer<CronJob>;
  jobs: Informer<Job>;
}

/** More missed runs than this are worth a warning: the clock jumped, or nothing ran for long. */
const missedMost = 100;

/** Creates a job whenever a schedule is due. */
export class CronJobReconciler implements Reconciler {
  /** The revision of the status last written, by uid: on an older one no run is decided. */
  private readonly written = new Map<string, number>();

  constructor(private readonly parts: Parts) {}

  /** The CronJob with this uid is gone. */
  forget(uid: string): void {
    this.written.delete(uid);
  }

  async reconcile(key: string): Promise<{ requeueAfterMs?: number } | void> {
    const { cronJobs, jobs } = this.parts;
    const { namespace, name } = splitKey(key);
    const cronJob = cronJobs.get(namespace, name);
    if (!cronJob || cronJob.metadata.deletionTimestamp) return;
    // The event that shows our own last write brings it back.
    if (Number(cronJob.metadata.resourceVersion) < (this.written.get(cronJob.metadata.uid) ?? 0)) return;
    const own = controlledBy(jobs, cronJob.metadata.uid);
    const status: CronJobStatus = structuredClone(cronJob.status ?? {});
    await this.follow(cronJob, own, status);
    let wait: number | undefined;
    try {
      wait = await this.schedule(cronJob, own, status);
    } finally {
      await this.report(cronJob, status);
      for (const job of beyondHistory(cronJob, own)) await this.remove(cronJob, job);
    }
    return wait === undefined ? undefined : { requeueAfterMs: wait };
  }

  /** Brings status.active up to date with the jobs there are. */
  private async follow(cronJob: CronJob, own: readonly Job[], status: CronJobStatus): Promise<void> {
    const { client, events } = this.parts;
    const active: NonNullable<CronJobStatus['active']> = [];
    for (const ref of status.active ?? []) {
      let job = own.find(({ metadata }) => metadata.uid === ref.uid);
      // The cache may not show yet what was created last.
      job ??= await client.get(resources.jobs, ref.namespace, ref.name!).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
        return undefined;
      });
      if (!job || job.metadata.uid !== ref.uid) {
        events.event(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${ref.name}`);
      } else if (isFinishedJob(job)) {
        const how = hasCondition(job.status?.conditions, 'Complete') ? 'Complete' : 'Failed';
        events.event(cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${ref.name}, condition: ${how}`);
      } else active.push(ref);
    }
    for (const job of own) {
      if (!isFinishedJob(job) && !active.some(({ uid }) => uid === job.metadata.uid)) {
        if (isScheduled(job)) active.push(activeRef(job));
        else {
          const message = `Saw a job that the controller did not create or forgot: ${job.metadata.name}`;
          events.event(cronJob, 'Warning', 'UnexpectedJob', message);
        }
      }
      const { completionTime } = job.status ?? {};
      if (!completionTime || !hasCondition(job.status?.conditions, 'Complete')) continue;
      if (!status.lastSuccessfulTime || completionTime > status.lastSuccessfulTime) {
        status.lastSuccessfulTime = completionTime;
      }
    }
    setActive(status, active);
  }

  /** @returns why it could not be deleted */
  private async remove(cronJob: CronJob, { metadata: { namespace, name, uid } }: Job): Promise<Error | undefined> {
    const { client, events } = this.parts;
    try {
      const preconditions = { uid };
      await client.delete(resources.jobs, namespace, name, { propagationPolicy: 'Background', preconditions });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      events.event(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${(error as Error).message}`);
      return error as Error;
    }
    events.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
    return undefined;
  }

  /** Starts what is due. @returns in how many ms the next run is; undefined if there is none */
  private async schedule(cronJob: CronJob, own: readonly Job[], status: CronJobStatus): Promise<number | undefined> {
    const { clock, events } = this.parts;
    const { schedule: text, timeZone, suspend, startingDeadlineSeconds, concurrencyPolicy } = cronJob.spec!;
    if (suspend) return undefined;
    const now = clock.now();
    const schedule = parseCronSchedule(text);
    const wallClock = wallClockOf(timeZone);
    const next = nextTime(schedule, wallClock, now);
    const wait = next === undefined ? undefined : next - now;

    let earliest = Date.parse(status.lastScheduleTime ?? cronJob.metadata.creationTimestamp);
    const due = lastTime(schedule, wallClock, earliest, now);
    // What repeats without a calendar is due from its last run on.
    if (due === undefined) return schedule.everyMs ? earliest + schedule.everyMs - now : wait;
    if (startingDeadlineSeconds !== undefined) earliest = Math.max(earliest, now - startingDeadlineSeconds * 1000);
    if (countTimes(schedule, wallClock, earliest, now, missedMost + 1) > missedMost) {
      events.event(
        cronJob,
        'Warning',
        'TooManyMissedTimes',
        'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
      );
    }
    if (startingDeadlineSeconds !== undefined && due + startingDeadlineSeconds * 1000 < now) {
      const time = new Date(due).toUTCString().replace('GMT', '+0000');
      events.event(cronJob, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${time}`);
      return wait;
    }
    const active = status.active ?? [];
    if (active.some(({ name }) => name === jobNameAt(cronJob, due))) {
      status.lastScheduleTime = timestamp(due);
      return wait;
    }
    if (concurrencyPolicy === 'Forbid' && active.length > 0) {
      const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
      events.event(cronJob, 'Normal', 'JobAlreadyActive', message);
      return wait;
    }
    if (concurrencyPolicy === 'Replace') {
      for (const { uid } of active) {
        const job = own.find(({ metadata }) => metadata.uid === uid);
        const failure = job && !job.metadata.deletionTimestamp ? await this.remove(cronJob, job) : undefined;
        if (failure) throw failure;
      }
      setActive(status, []);
    }
    await this.start(cronJob, due, status);
    return wait;
  }

  private async start(cronJob: CronJob, due: number, status: CronJobStatus): Promise<void> {
    const { client, events } = this.parts;
    try {
      const job = await client.create<Job>(resources.jobs, jobFor(cronJob, due));
      events.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`);
      setActive(status, [...(status.active ?? []), activeRef(job)]);
    } catch (error) {
      if (isNamespaceTerminating(error)) return;
      if (!isAlreadyExists(error)) {
        events.event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${(error as Error).message}`);
        throw error;
      }
      // Made before, only not noted: unless it is someone else's.
      const job = await client.get(resources.jobs, cronJob.metadata.namespace, jobNameAt(cronJob, due));
      if (!isControlledBy(job, cronJob)) throw error;
      if (!isFinishedJob(job) && !status.active?.some(({ uid }) => uid === job.metadata.uid)) {
        setActive(status, [...(status.active ?? []), activeRef(job)]);
      }
    }
    status.lastScheduleTime = timestamp(due);
  }

  private async report(cronJob: CronJob, status: CronJobStatus): Promise<void> {
    if (isDeepStrictEqual({ ...cronJob.status }, status)) return;
    try {
      const updated = await this.parts.client.updateStatus<CronJob>(resources.cronJobs, { ...cronJob, status });
      this.written.set(cronJob.metadata.uid, Number(updated.metadata.resourceVersion));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

function setActive(status: CronJobStatus, active: NonNullable<CronJobStatus['active']>): void {
  if (active.length) status.active = active;
  else delete status.active;
}
