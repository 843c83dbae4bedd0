import type { DaemonSet, Node } from '@shared/k8s';
import { keyOf, resources } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import { indexByController } from '../claim';
import { Expectations } from '../expectations';
import { recorderFor, type ControllerContext, type ControlLoop } from '../framework';
import { followOwnedPods } from '../owned-pods';
import { FailedPodsBackoff } from './failed-pods';
import { eligibility } from './nodes';
import { DaemonSetReconciler } from './reconciler';

/** DaemonSets: one pod on every node that is eligible. */
export function createDaemonSetController(context: ControllerContext): ControlLoop {
  const { client, clock, informers } = context;
  const queue = new WorkQueue(clock);
  const expectations = new Expectations(clock);
  const daemonSets = informers.informer(resources.daemonSets);
  const revisions = informers.informer(resources.controllerRevisions);
  const nodes = informers.informer(resources.nodes);
  const pods = informers.informer(resources.pods);
  indexByController(revisions);

  const enqueue = (set: DaemonSet) => queue.add(keyOf(set));
  followOwnedPods({ ref: resources.daemonSets, owners: daemonSets, pods, expectations, enqueue });

  const wanted = (set: DaemonSet, node: Node) => {
    const { shouldRun, mayStay } = eligibility(set, node);
    return `${shouldRun}/${mayStay}`;
  };
  const enqueueWhere = (concerned: (set: DaemonSet) => boolean) => daemonSets.list().filter(concerned).forEach(enqueue);
  nodes.on({
    add: (node) => enqueueWhere((set) => eligibility(set, node).mayStay),
    update(node, old) {
      // Most updates are heartbeats.
      const same =
        JSON.stringify([node.metadata.labels, node.spec?.taints]) ===
        JSON.stringify([old.metadata.labels, old.spec?.taints]);
      if (!same) enqueueWhere((set) => wanted(set, node) !== wanted(set, old));
    },
    delete: (node) => enqueueWhere((set) => eligibility(set, node).mayStay),
  });

  const events = recorderFor(context, 'daemonset-controller');
  const backoff = new FailedPodsBackoff(clock);
  const reconciler = new DaemonSetReconciler({
    client,
    clock,
    events,
    expectations,
    backoff,
    daemonSets,
    revisions,
    nodes,
    pods,
  });
  return { name: 'daemonset', queue, reconciler, workers: 2 };
}
