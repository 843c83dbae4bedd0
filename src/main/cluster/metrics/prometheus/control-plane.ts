import { qualifiedResource } from '../../api/errors';
import type { Resource } from '../../apiserver/resources';
import type { Controllers } from '../../controllers';
import type { Scheduler } from '../../scheduler';
import type { Store } from '../../store';
import { counter, gauge, histogram, one, type Family } from './families';

/** How many objects of each resource are stored, and how far the store has come. */
export function storeFamilies(store: Store, resources: readonly Resource[]): Family[] {
  // A view of another resource's objects has none of its own.
  const stored = resources.filter(({ definition }) => !definition.storedAs);
  const counts = new Map(stored.map(({ definition, prefix }) => [qualifiedResource(definition), store.count(prefix)]));
  return [
    gauge(
      'apiserver_storage_objects',
      'Stored objects by resource.',
      [...counts].map(([resource, count]) => one(count, { resource })),
    ),
    gauge('gantry_store_objects', 'Stored objects.', [one(store.count('/registry/'))]),
    counter('gantry_store_revision', 'The last revision that is durable: writes since the store was made.', [
      one(store.revision),
    ]),
  ];
}

/** The queues of the controllers. */
export function queueFamilies(controllers: Pick<Controllers, 'queues'>): Family[] {
  const queues = controllers.queues().map(({ name, metrics }) => ({ labels: { name }, metrics }));
  return [
    gauge(
      'workqueue_depth',
      'Keys that wait, by controller.',
      queues.map(({ labels, metrics }) => one(metrics.depth, labels)),
    ),
    counter(
      'workqueue_adds_total',
      'Keys that were added.',
      queues.map(({ labels, metrics }) => one(metrics.adds, labels)),
    ),
    counter(
      'workqueue_retries_total',
      'Keys that were added again after a failure.',
      queues.map(({ labels, metrics }) => one(metrics.retries, labels)),
    ),
    gauge(
      'workqueue_unfinished_work_seconds',
      'How long the keys being processed have been, together.',
      queues.map(({ labels, metrics }) => one(metrics.unfinishedSeconds, labels)),
    ),
    histogram(
      'workqueue_queue_duration_seconds',
      'How long keys waited until they were taken.',
      queues.map(({ labels, metrics }) => [labels, metrics.waited] as const),
    ),
    histogram(
      'workqueue_work_duration_seconds',
      'How long keys took to process.',
      queues.map(({ labels, metrics }) => [labels, metrics.worked] as const),
    ),
  ];
}

export function schedulerFamilies(scheduler: Pick<Scheduler, 'figures'>): Family[] {
  const { pending, attempts } = scheduler.figures();
  const labelled = attempts.map(({ profile, result, duration }) => ({ labels: { profile, result }, duration }));
  return [
    counter(
      'scheduler_schedule_attempts_total',
      'Attempts to give a pod a node, by how they ended.',
      labelled.map(({ labels, duration }) => one(duration.count, labels)),
    ),
    histogram(
      'scheduler_scheduling_attempt_duration_seconds',
      'How long attempts took, with the binding.',
      labelled.map(({ labels, duration }) => [labels, duration] as const),
    ),
    gauge(
      'scheduler_pending_pods',
      'Pods without a node: to be tried, waiting after a failure, fitting nowhere.',
      Object.entries(pending).map(([queue, count]) => one(count, { queue })),
    ),
  ];
}
