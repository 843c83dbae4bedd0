import type { ReplicaSet } from '@shared/k8s';
import { keyOf, resources } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import { indexByController } from '../claim';
import { Expectations } from '../expectations';
import { recorderFor, type ControllerContext, type ControlLoop } from '../framework';
import { followOwnedPods } from '../owned-pods';
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

  const enqueue = (set: ReplicaSet) => queue.add(keyOf(set));
  followOwnedPods({ ref: kind.ref, owners: replicaSets, pods, expectations, enqueue, selectorOf: kind.selectorOf });

  const events = recorderFor(context, kind.component);
  const reconciler = new ReplicaSetReconciler({ kind, client, clock, events, expectations, replicaSets, pods });
  return { name: kind.name, queue, reconciler, workers: 5 };
}
