import type { Node, Pod } from '@shared/k8s';
import { isNotFound } from '../client/controller';
import { hasCondition, setCondition } from '../client/conditions';
import { resources } from '../client/resources';
import { WorkQueue } from '../client/workqueue';
import type { ControllerContext, ControlLoop } from './framework';
import { isFinished } from './pods';

const sweepMs = 20_000;
/** A node that is not there may only be late: its pods get this long. */
const quarantineMs = 40_000;
/** Finished pods that are kept for looking at, as in Kubernetes. */
const finishedKept = 12_500;

/** Whoever sets it on a node says that the machine is off: nothing on it runs any more. */
const outOfService = 'node.kubernetes.io/out-of-service';

/** Deletes pods that no kubelet will ever end: those of nodes that are gone or out of service, deleted ones that were never scheduled, and a surplus of finished ones. */
export function createPodGCController(context: ControllerContext): ControlLoop {
  const { client, clock, informers, log } = context;
  const queue = new WorkQueue(clock);
  const pods = informers.informer(resources.pods);
  const nodes = informers.informer(resources.nodes);
  const missingSince = new Map<string, number>();
  queue.add('sweep');
  const isOff = (node: Node | undefined): boolean =>
    !hasCondition(node?.status?.conditions, 'Ready') &&
    (node?.spec?.taints ?? []).some(({ key, effect }) => key === outOfService && effect === 'NoExecute');
  nodes.on({
    update: (node, old) => isOff(node) && !isOff(old) && queue.add('sweep'),
    delete: () => queue.add('sweep'),
  });

  const remove = async ({ metadata: { namespace, name, uid } }: Pod) => {
    try {
      await client.delete(resources.pods, namespace, name, { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };

  /**
   * Has the pod fail before it is deleted: nobody else would say so, and its owner may wait for that.
   * @param why a condition says so; not told of one that never ran
   */
  const removeLost = async (pod: Pod, why?: string) => {
    if (!isFinished(pod)) {
      const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
      log.info('deleting a pod that nothing runs', { pod: name, message: why ?? 'it never had a node' });
      const before = pod.status?.conditions;
      const condition = { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC', message: why };
      const conditions = why === undefined ? before : setCondition(before, condition, clock.now());
      try {
        await client.updateStatus(resources.pods, { ...pod, status: { ...pod.status, phase: 'Failed', conditions } });
      } catch (error) {
        if (isNotFound(error)) return;
        throw error;
      }
    }
    await remove(pod);
  };

  return {
    name: 'pod-gc',
    queue,
    reconciler: {
      async reconcile() {
        const now = clock.now();
        const finished: Pod[] = [];
        const gone = new Map<string, Pod[]>();
        let failure: unknown;
        /** What fails with one pod must not keep the others. */
        const attempt = async (work: Promise<void>) => {
          try {
            await work;
          } catch (error) {
            failure ??= error;
          }
        };
        for (const pod of pods.list()) {
          const node = pod.spec?.nodeName;
          if (node && !nodes.get(undefined, node)) {
            const orphans = gone.get(node);
            if (orphans) orphans.push(pod);
            else gone.set(node, [pod]);
          } else if (!node && pod.metadata.deletionTimestamp) await attempt(removeLost(pod));
          else if (pod.metadata.deletionTimestamp && isOff(nodes.get(undefined, node!))) {
            await attempt(removeLost(pod, 'PodGC: node is out of service'));
          } else if (isFinished(pod)) finished.push(pod);
        }
        for (const node of missingSince.keys()) if (!gone.has(node)) missingSince.delete(node);
        for (const [node, orphans] of gone) {
          const since = missingSince.get(node) ?? now;
          missingSince.set(node, since);
          if (now - since < quarantineMs) continue;
          for (const orphan of orphans) await attempt(removeLost(orphan, 'PodGC: node no longer exists'));
        }
        const surplus = finished.length - finishedKept;
        if (surplus > 0) {
          finished.sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
          for (const pod of finished.slice(0, surplus)) await attempt(remove(pod));
        }
        if (failure) throw failure;
        return { requeueAfterMs: sweepMs };
      },
    },
  };
}
