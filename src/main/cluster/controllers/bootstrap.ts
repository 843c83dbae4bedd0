import type { KubeObject } from '@shared/k8s';
import { isAlreadyExists } from '../client/controller';
import { resources } from '../client/resources';
import type { ResourceRef } from '../client/types';
import { WorkQueue } from '../client/workqueue';
import type { ControllerContext, ControlLoop } from './framework';

/** What every cluster has from its start, beside the system namespaces. */
const objects: { ref: ResourceRef; object: KubeObject }[] = [
  {
    ref: resources.priorityClasses,
    object: {
      metadata: { name: 'system-cluster-critical' },
      value: 2_000_000_000,
      description:
        'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    },
  },
  {
    ref: resources.priorityClasses,
    object: {
      metadata: { name: 'system-node-critical' },
      value: 2_000_001_000,
      description: 'Used for system critical pods that must not be moved from their current node.',
    },
  },
];

/** Creates what is missing of the objects that every cluster has. What is there stays as it is. */
export function createBootstrapController({ client, clock }: ControllerContext): ControlLoop {
  const queue = new WorkQueue(clock);
  for (const index of objects.keys()) queue.add(String(index));
  return {
    name: 'bootstrap',
    queue,
    workers: 1,
    reconciler: {
      async reconcile(key) {
        const { ref, object } = objects[Number(key)]!;
        try {
          await client.create(ref, structuredClone(object));
        } catch (error) {
          if (!isAlreadyExists(error)) throw error;
        }
      },
    },
  };
}
