import type { Pod, ReplicaSet } from '@shared/k8s';
import { controllerOf } from '../../client/owners';
import { keyOf, resources } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import { indexByController, matchingOwners } from '../claim';
import { Expectations } from '../expectations';
import { recorderFor, type ControllerContext, type ControlLoop } from '../framework';
import { replicaSetKind } from './kinds';
import { ReplicaSetReconciler } from './reconciler';

/** ReplicaSets, or ReplicationControllers: as many pods of a template as asked for. */
export function createReplicaSetController(context: ControllerContext, kind = replicaSetKind): ControlLoop {
  const { client, clock, informers } = context;
  const queue = new WorkQueue(clock);
  const expectations = new Expectations(clock);
  const replicaSets = informers.informer(kind.ref);
  const pods = informers.informer(resources.pods);
  indexByController(replicaSets);
  indexByController(pods);

  const enqueue = (set: ReplicaSet) => queue.add(keyOf(set));
  const ownerOf = (pod: Pod): ReplicaSet | undefined => {
    const owner = controllerOf(pod);
    if (owner?.kind !== kind.ref.kind) return undefined;
    const set = replicaSets.get(pod.metadata.namespace, owner.name);
    return set?.metadata.uid === owner.uid ? set : undefined;
  };
  const adopters = (pod: Pod) => {
    if (!controllerOf(pod)) matchingOwners(replicaSets, pod, kind.selectorOf).forEach(enqueue);
  };
  const gone = (pod: Pod) => {
    const set = ownerOf(pod);
    if (!set) return;
    expectations.deleted(keyOf(set), pod.metadata.uid);
    enqueue(set);
  };

  replicaSets.on({
    add: enqueue,
    update: enqueue,
    delete(set) {
      expectations.forget(keyOf(set));
      enqueue(set);
    },
  });
  pods.on({
    add(pod) {
      if (pod.metadata.deletionTimestamp) return gone(pod);
      const set = ownerOf(pod);
      if (!set) return adopters(pod);
      expectations.created(keyOf(set));
      enqueue(set);
    },
    update(pod, old) {
      if (pod.metadata.deletionTimestamp) return gone(pod);
      if (controllerOf(pod)?.uid !== controllerOf(old)?.uid) {
        const before = ownerOf(old);
        if (before) enqueue(before);
      }
      const set = ownerOf(pod);
      if (set) enqueue(set);
      else if (pod.metadata.labels !== old.metadata.labels || controllerOf(old)) adopters(pod);
    },
    delete: gone,
  });

  const events = recorderFor(context, kind.component);
  const reconciler = new ReplicaSetReconciler({ kind, client, clock, events, expectations, replicaSets, pods });
  return { name: kind.name, queue, reconciler, workers: 5 };
}
