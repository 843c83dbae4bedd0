import type { CronJob, Job } from '@shared/k8s';
import { controllerOf } from '../../client/owners';
import { keyOf, resources } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import { indexByController } from '../claim';
import { recorderFor, type ControllerContext, type ControlLoop } from '../framework';
import { CronJobReconciler } from './reconciler';

/** CronJobs: a job whenever their schedule is due. */
export function createCronJobController(context: ControllerContext): ControlLoop {
  const { client, clock, informers } = context;
  const queue = new WorkQueue(clock);
  const cronJobs = informers.informer(resources.cronJobs);
  const jobs = informers.informer(resources.jobs);
  indexByController(jobs);
  const events = recorderFor(context, 'cronjob-controller');
  const reconciler = new CronJobReconciler({ client, clock, events, cronJobs, jobs });

  const enqueue = (cronJob: CronJob) => queue.add(keyOf(cronJob));
  cronJobs.on({ add: enqueue, update: enqueue, delete: ({ metadata }) => reconciler.forget(metadata.uid) });
  const enqueueOwner = (job: Job) => {
    const owner = controllerOf(job);
    const cronJob = owner?.kind === 'CronJob' ? cronJobs.get(job.metadata.namespace, owner.name) : undefined;
    if (cronJob && cronJob.metadata.uid === owner!.uid) enqueue(cronJob);
  };
  jobs.on({ add: enqueueOwner, update: enqueueOwner, delete: enqueueOwner });
  return { name: 'cronjob', queue, reconciler, workers: 5 };
}
