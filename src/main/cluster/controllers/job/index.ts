import type { Job } from '@shared/k8s';
import { keyOf, resources } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import { Expectations } from '../expectations';
import { recorderFor, type ControllerContext, type ControlLoop } from '../framework';
import { followOwnedPods } from '../owned-pods';
import { createPodActions } from './actions';
import { createJobOrphanController } from './orphans';
import { JobReconciler } from './reconciler';
import { createTtlAfterFinishedController } from './ttl';

/** Everything that acts on jobs: the job controller, what frees pods without a job, and the time to live. */
export function createJobControllers(context: ControllerContext): ControlLoop[] {
  return [createJobController(context), createJobOrphanController(context), createTtlAfterFinishedController(context)];
}

function createJobController(context: ControllerContext): ControlLoop {
  const { client, clock, informers } = context;
  const queue = new WorkQueue(clock);
  const expectations = new Expectations(clock);
  const jobs = informers.informer(resources.jobs);
  const pods = informers.informer(resources.pods);
  const events = recorderFor(context, 'job-controller');
  const actions = createPodActions({ client, events, expectations });
  const reconciler = new JobReconciler({ client, clock, events, expectations, jobs, pods, actions });

  const enqueue = (job: Job) => queue.add(keyOf(job));
  followOwnedPods({ ref: resources.jobs, owners: jobs, pods, expectations, enqueue });
  jobs.on({ delete: (job) => reconciler.forget(job.metadata.uid) });
  return { name: 'job', queue, reconciler, workers: 5 };
}
