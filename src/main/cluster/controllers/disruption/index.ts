import type { Pod, PodDisruptionBudget } from '@shared/k8s';
import { isDeepStrictEqual } from 'node:util';
import { formatSelector, isEmptySelector, matchesSelector } from '@shared/selectors';
import { isConflict, isNotFound } from '../../client/controller';
import { keyOf, resources, splitKey } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import { recorderFor, type ControllerContext, type ControlLoop } from '../framework';
import { ExpectedPods } from './expected';
import { createStaleDisruptionController } from './stale';
import { budgetStatus, failedStatus, sortDisrupted } from './status';

export const createDisruptionControllers = (context: ControllerContext): ControlLoop[] => [
  createDisruptionController(context),
  createStaleDisruptionController(context),
];

/** PodDisruptionBudgets: counts how many of their pods may be evicted now. The eviction subresource takes from that. */
function createDisruptionController(context: ControllerContext): ControlLoop {
  const { client, clock, informers } = context;
  const queue = new WorkQueue(clock);
  const budgets = informers.informer(resources.podDisruptionBudgets);
  const pods = informers.informer(resources.pods);
  const owners = [
    resources.deployments,
    resources.replicaSets,
    resources.replicationControllers,
    resources.statefulSets,
  ].map((ref) => ({ ref, informer: informers.informer<any>(ref) }));
  const expectedPods = new ExpectedPods({ client, cached: owners });
  const events = recorderFor(context, 'controllermanager');

  const enqueue = (budget: PodDisruptionBudget) => queue.add(keyOf(budget));
  const enqueueFor = (...versions: Pod[]) => {
    for (const budget of budgets.list(versions[0]!.metadata.namespace)) {
      if (versions.some((pod) => selects(budget, pod))) enqueue(budget);
    }
  };
  budgets.on({ add: enqueue, update: enqueue });
  pods.on({ add: enqueueFor, update: enqueueFor, delete: enqueueFor });
  // A share of an owner's pods changes with the owner's size.
  for (const { informer } of owners) {
    informer.on({
      update({ metadata, spec }, old) {
        if (spec?.replicas !== old.spec?.replicas) budgets.list(metadata.namespace).forEach(enqueue);
      },
    });
  }

  const report = async (budget: PodDisruptionBudget, status: PodDisruptionBudget['status']) => {
    if (isDeepStrictEqual({ ...budget.status }, status)) return;
    try {
      await client.updateStatus(resources.podDisruptionBudgets, { ...budget, status });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };

  const sync = async (budget: PodDisruptionBudget): Promise<number> => {
    const now = clock.now();
    const own = pods.list(budget.metadata.namespace).filter((pod) => selects(budget, pod));
    if (own.length === 0) events.event(budget, 'Normal', 'NoPods', 'No matching pods found');
    const expectation = await expectedPods.of(budget, own).catch((error: Error) => {
      const message = `Failed to calculate the number of expected pods: ${error.message}`;
      events.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', message);
      throw error;
    });
    if (expectation.unmanaged.length) {
      events.event(budget, 'Warning', 'UnmanagedPods', unmanagedMessage(budget));
    }
    const { waiting, late, nextMs } = sortDisrupted(budget, own, now);
    for (const pod of late) {
      const message = `Pod was expected by PDB ${keyOf(budget)} to be deleted but it wasn't`;
      events.event(pod, 'Warning', 'NotDeleted', message);
    }
    await report(budget, budgetStatus(budget, own, expectation, waiting, now));
    return nextMs;
  };

  return {
    name: 'disruption',
    queue,
    workers: 2,
    reconciler: {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const budget = budgets.get(namespace, name);
        if (!budget) return;
        try {
          const nextMs = await sync(budget);
          return nextMs === Infinity ? undefined : { requeueAfterMs: nextMs };
        } catch (error) {
          // Whoever asks for an eviction is told that it is not known what may go.
          if (!isConflict(error)) await report(budget, failedStatus(budget, (error as Error).message, clock.now()));
          throw error;
        }
      },
    },
  };
}

/** An empty selector selects every pod of the namespace, an absent one none. */
function selects({ spec }: PodDisruptionBudget, pod: Pod): boolean {
  return (
    Boolean(spec?.selector) && (isEmptySelector(spec!.selector) || matchesSelector(spec!.selector, pod.metadata.labels))
  );
}

const unmanagedMessage = ({ spec }: PodDisruptionBudget): string =>
  `Pods selected by this PodDisruptionBudget (selector: ${formatSelector(spec?.selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`;
