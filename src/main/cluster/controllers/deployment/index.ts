import type { Deployment, Pod, ReplicaSet } from '@shared/k8s';
import { controllerOf } from '../../client/owners';
import { keyOf, resources } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import { controlledBy, indexByController, matchingOwners } from '../claim';
import { recorderFor, type ControllerContext, type ControlLoop } from '../framework';
import { DeploymentReconciler } from './reconciler';

/** Deployments: ReplicaSets per revision, rolled from one to the next. */
export function createDeploymentController(context: ControllerContext): ControlLoop {
  const { client, clock, informers } = context;
  const queue = new WorkQueue(clock);
  const deployments = informers.informer(resources.deployments);
  const replicaSets = informers.informer(resources.replicaSets);
  const pods = informers.informer(resources.pods);
  indexByController(replicaSets);
  indexByController(pods);

  const enqueue = (deployment: Deployment) => queue.add(keyOf(deployment));
  const ownerOf = (object: ReplicaSet): Deployment | undefined => {
    const owner = controllerOf(object);
    if (owner?.kind !== resources.deployments.kind) return undefined;
    const deployment = deployments.get(object.metadata.namespace, owner.name);
    return deployment?.metadata.uid === owner.uid ? deployment : undefined;
  };
  const enqueueOwner = (set: ReplicaSet) => {
    const owner = ownerOf(set);
    if (owner) enqueue(owner);
    else if (!controllerOf(set)) matchingOwners(deployments, set).forEach(enqueue);
  };

  deployments.on({ add: enqueue, update: enqueue });
  replicaSets.on({
    add: enqueueOwner,
    update(set, old) {
      if (controllerOf(set)?.uid !== controllerOf(old)?.uid) enqueueOwner(old);
      enqueueOwner(set);
    },
    delete: enqueueOwner,
  });
  // Recreate waits until the last old pod is gone, which no ReplicaSet event may tell.
  const podGone = (pod: Pod) => {
    const owner = controllerOf(pod);
    const set = owner && replicaSets.get(pod.metadata.namespace, owner.name);
    const deployment = set && set.metadata.uid === owner.uid && ownerOf(set);
    if (!deployment || deployment.spec?.strategy?.type !== 'Recreate') return;
    if (controlledBy(pods, owner.uid).length === 0) enqueue(deployment);
  };
  pods.on({ delete: podGone });

  const events = recorderFor(context, 'deployment-controller');
  const reconciler = new DeploymentReconciler({ client, clock, events, deployments, replicaSets, pods });
  return { name: 'deployment', queue, reconciler, workers: 5 };
}
