import type { Pod } from '@shared/k8s';
import { controllerOf } from '../../client/owners';
import { keyOf, resources, splitKey } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import type { ControllerContext, ControlLoop } from '../framework';
import { releasePod } from './actions';
import { isTracked } from './pods';

/** Lets go of the pods whose job is gone or owns them no more: nobody will count them. */
export function createJobOrphanController({ client, clock, informers }: ControllerContext): ControlLoop {
  const queue = new WorkQueue(clock);
  const jobs = informers.informer(resources.jobs);
  const pods = informers.informer(resources.pods);

  const isOrphan = (pod: Pod): boolean => {
    if (!isTracked(pod)) return false;
    const owner = controllerOf(pod);
    return owner?.kind !== 'Job' || jobs.get(pod.metadata.namespace, owner.name)?.metadata.uid !== owner.uid;
  };
  const look = (pod: Pod) => isOrphan(pod) && queue.add(keyOf(pod));
  pods.on({ add: look, update: look });
  jobs.on({ delete: (job) => pods.list(job.metadata.namespace).forEach(look) });

  return {
    name: 'job-orphans',
    queue,
    reconciler: {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const pod = pods.get(namespace, name);
        if (pod && isOrphan(pod)) await releasePod(client, pod);
      },
    },
  };
}
