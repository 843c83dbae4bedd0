import type { Node, Pod } from '@shared/k8s';
import { setCondition } from '../../client/conditions';
import { isNotFound } from '../../client/controller';
import { keyOf, resources, splitKey } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import { recorderFor, type ControllerContext, type ControlLoop } from '../framework';
import { indexByNode, isFinished, podsOfNode } from '../pods';
import { evictionTime } from './taints';

/** Deletes pods from nodes with NoExecute taints once their tolerations have run out. */
export function createTaintEvictionController(context: ControllerContext): ControlLoop {
  const { client, clock, informers, log } = context;
  const queue = new WorkQueue(clock);
  const nodes = informers.informer(resources.nodes);
  const pods = informers.informer(resources.pods);
  indexByNode(pods);
  const events = recorderFor(context, 'taint-eviction-controller');
  /** Pods that are to go later: only to tell when that is called off. */
  const marked = new Set<string>();

  const noExecute = (node: Node | undefined) =>
    (node?.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
  const concerns = (pod: Pod) =>
    Boolean(pod.spec?.nodeName) && noExecute(nodes.get(undefined, pod.spec!.nodeName!)).length > 0;
  const onNode = (node: Node) => podsOfNode(pods, node.metadata.name).forEach((pod) => queue.add(keyOf(pod)));
  nodes.on({
    add: (node) => noExecute(node).length > 0 && onNode(node),
    update: (node, old) => JSON.stringify(noExecute(node)) !== JSON.stringify(noExecute(old)) && onNode(node),
  });
  pods.on({
    add: (pod) => concerns(pod) && queue.add(keyOf(pod)),
    update(pod, old) {
      const moved = pod.spec?.nodeName !== old.spec?.nodeName || pod.spec?.tolerations !== old.spec?.tolerations;
      if (moved && concerns(pod)) queue.add(keyOf(pod));
    },
    delete: (pod) => marked.delete(keyOf(pod)),
  });

  const evict = async (pod: Pod) => {
    const { namespace, name, uid } = pod.metadata;
    const key = keyOf(pod);
    log.info('evicting a pod from a tainted node', { pod: key, node: pod.spec?.nodeName ?? '' });
    events.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
    };
    const conditions = setCondition(pod.status?.conditions, condition, clock.now());
    try {
      await client.updateStatus(resources.pods, { ...pod, status: { ...pod.status, conditions } });
      await client.delete(resources.pods, namespace, name, { preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    marked.delete(key);
  };

  return {
    name: 'taint-eviction',
    queue,
    workers: 8,
    reconciler: {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const pod = pods.get(namespace, name);
        if (!pod?.spec?.nodeName || pod.metadata.deletionTimestamp || isFinished(pod)) return void marked.delete(key);
        const now = clock.now();
        const taints = nodes.get(undefined, pod.spec.nodeName)?.spec?.taints ?? [];
        const time = evictionTime(pod.spec.tolerations ?? [], taints, now);
        if (time <= now) return evict(pod);
        if (time !== Infinity) {
          marked.add(key);
          return { requeueAfterMs: time - now };
        }
        if (marked.delete(key)) {
          events.event(pod, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`);
        }
      },
    },
  };
}
