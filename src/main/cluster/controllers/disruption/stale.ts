import type { Pod } from '@shared/k8s';
import { findCondition, setCondition } from '../../client/conditions';
import { isNotFound } from '../../client/controller';
import { keyOf, resources, splitKey } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import type { ControllerContext, ControlLoop } from '../framework';
import { isActive } from '../pods';

/** In ms (Kubernetes' stalePodDisruptionTimeout). */
const staleAfterMs = 120_000;

/** Takes back DisruptionTarget from pods that were to be disrupted and were not. */
export function createStaleDisruptionController({ client, clock, informers }: ControllerContext): ControlLoop {
  const queue = new WorkQueue(clock);
  const pods = informers.informer(resources.pods);
  const look = (pod: Pod) => targetedSince(pod) !== undefined && queue.add(keyOf(pod));
  pods.on({ add: look, update: look });

  return {
    name: 'stale-disruption',
    queue,
    reconciler: {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const pod = pods.get(namespace, name);
        const since = pod && targetedSince(pod);
        if (!pod || since === undefined) return;
        const left = since + staleAfterMs - clock.now();
        if (left > 0) return { requeueAfterMs: left };
        const condition = { type: 'DisruptionTarget', status: 'False' };
        const conditions = setCondition(pod.status?.conditions, condition, clock.now());
        try {
          await client.updateStatus(resources.pods, { ...pod, status: { ...pod.status, conditions } });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
      },
    },
  };
}

/** When (ms) the pod was said to be going; the kubelet's own word is never taken back. */
function targetedSince(pod: Pod): number | undefined {
  if (!isActive(pod)) return undefined;
  const target = findCondition(pod.status?.conditions, 'DisruptionTarget');
  if (target?.status !== 'True' || target.reason === 'TerminationByKubelet') return undefined;
  return target.lastTransitionTime ? Date.parse(target.lastTransitionTime as unknown as string) : 0;
}
