import type { Event } from '@shared/k8s';
import { isNotFound } from '../client/controller';
import { resources } from '../client/resources';
import { WorkQueue } from '../client/workqueue';
import type { ControllerContext, ControlLoop } from './framework';

const hourMs = 3_600_000;
const sweepMs = 60_000;

/** Deletes events that nothing has repeated for an hour. */
export function createEventTtlController(context: ControllerContext): ControlLoop {
  const { client, clock, informers, options } = context;
  const queue = new WorkQueue(clock);
  const events = informers.informer(resources.events);
  const ttl = options.eventTtlMs ?? hourMs;
  queue.add('sweep');
  return {
    name: 'event-ttl',
    queue,
    reconciler: {
      async reconcile() {
        const oldest = clock.now() - ttl;
        for (const event of events.list()) {
          if (lastSeen(event) >= oldest) continue;
          const { namespace, name, uid } = event.metadata;
          try {
            await client.delete(resources.events, namespace, name, { preconditions: { uid } });
          } catch (error) {
            if (!isNotFound(error)) throw error;
          }
        }
        return { requeueAfterMs: Math.min(sweepMs, ttl) };
      },
    },
  };
}

function lastSeen(event: Event): number {
  const times = [
    event.series?.lastObservedTime,
    event.lastTimestamp,
    event.eventTime,
    event.metadata.creationTimestamp,
  ].map((time) => (time ? Date.parse(time) : 0));
  return Math.max(...times);
}
