import type { Job } from '@shared/k8s';
import type { Clock } from '../../clock';
import { findCondition } from '../../client/conditions';
import { isNotFound } from '../../client/controller';
import { keyOf, resources, splitKey } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import type { ControllerContext, ControlLoop } from '../framework';
import { isFinishedJob } from './outcome';

/** Deletes finished jobs, with their pods, when their ttlSecondsAfterFinished is over. */
export function createTtlAfterFinishedController({ client, clock, informers }: ControllerContext): ControlLoop {
  const queue = new WorkQueue(clock);
  const jobs = informers.informer(resources.jobs);
  const look = (job: Job) => timeLeft(job, clock) !== undefined && queue.add(keyOf(job));
  jobs.on({ add: look, update: look });

  return {
    name: 'ttl-after-finished',
    queue,
    reconciler: {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const job = jobs.get(namespace, name);
        const left = job && timeLeft(job, clock);
        if (!job || left === undefined) return;
        if (left > 0) return { requeueAfterMs: left };
        try {
          // The cache may be behind a longer time to live.
          const { uid, resourceVersion } = job.metadata;
          const preconditions = { uid, resourceVersion };
          await client.delete(resources.jobs, namespace, name, { propagationPolicy: 'Foreground', preconditions });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
      },
    },
  };
}

/** In ms; undefined for a job that stays. */
function timeLeft(job: Job, clock: Clock): number | undefined {
  const ttl = job.spec?.ttlSecondsAfterFinished;
  if (ttl === undefined || job.metadata.deletionTimestamp || !isFinishedJob(job)) return undefined;
  const { conditions } = job.status!;
  const ended = findCondition(conditions, 'Complete') ?? findCondition(conditions, 'Failed');
  return Date.parse(ended?.lastTransitionTime ?? job.metadata.creationTimestamp) + ttl * 1000 - clock.now();
}
