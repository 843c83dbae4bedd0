import type { Job, Pod } from '@shared/k8s';
import { controllerOf } from '../../client/owners';
import { keyOf, resources } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import { indexByController, matchingOwners } from '../claim';
import { Expectations } from '../expectations';
import { recorderFor, type ControllerContext, type ControlLoop } from '../framework';
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
  indexByController(pods);
  const events = recorderFor(context, 'job-controller');
  const actions = createPodActions({ client, events, expectations });
  const reconciler = new JobReconciler({ client, clock, events, expectations, jobs, pods, actions });

  const enqueue = (job: Job) => queue.add(keyOf(job));
  const ownerOf = (pod: Pod): Job | undefined => {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'Job') return undefined;
    const job = jobs.get(pod.metadata.namespace, owner.name);
    return job?.metadata.uid === owner.uid ? job : undefined;
  };
  const adopters = (pod: Pod) => {
    if (!controllerOf(pod)) matchingOwners(jobs, pod).forEach(enqueue);
  };
  const going = (pod: Pod) => {
    const job = ownerOf(pod);
    if (!job) return;
    expectations.deleted(keyOf(job), pod.metadata.uid);
    enqueue(job);
  };

  jobs.on({
    add: enqueue,
    update: enqueue,
    delete(job) {
      expectations.forget(keyOf(job));
      reconciler.forget(job.metadata.uid);
    },
  });
  pods.on({
    add(pod) {
      const job = ownerOf(pod);
      if (!job) return adopters(pod);
      expectations.created(keyOf(job));
      if (pod.metadata.deletionTimestamp) going(pod);
      else enqueue(job);
    },
    update(pod, old) {
      if (pod.metadata.deletionTimestamp) return going(pod);
      if (controllerOf(pod)?.uid !== controllerOf(old)?.uid) {
        const before = ownerOf(old);
        if (before) enqueue(before);
      }
      const job = ownerOf(pod);
      if (job) enqueue(job);
      else if (pod.metadata.labels !== old.metadata.labels || controllerOf(old)) adopters(pod);
    },
    delete: going,
  });
  return { name: 'job', queue, reconciler, workers: 5 };
}
