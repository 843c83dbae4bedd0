import type { StreamDataOf } from '@shared/bridge/contract';
import type { KubeObject } from '@shared/k8s';
import type { ResourceRef } from '../cluster/client/types';
import type { Clock } from '../cluster/clock';
import { Doorbell, pause } from '../informers/flow';
import type { InformerPool } from '../informers/pool';
import type { ObjectAddress } from './resources';

/** Least time between two messages, in ms. */
const INTERVAL = 100;

/** Field ownership is long and of no use to a person. */
function withoutManagedFields(object: KubeObject): KubeObject {
  if (!object.metadata?.managedFields) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** One live object after each change; null once it is gone. */
export async function* streamObject(
  ref: ResourceRef,
  { cluster, namespace, name }: ObjectAddress,
  options: { pool: InformerPool; clock: Clock; signal: AbortSignal },
): AsyncGenerator<StreamDataOf<'object'>> {
  const { pool, clock, signal } = options;
  const bell = new Doorbell();
  const selection = { fieldSelector: `metadata.name=${name}`, ...(namespace ? { namespace } : {}) };
  const lease = pool.acquire(cluster, ref, selection);
  const ring = () => bell.ring();
  const ends = [
    lease.informer.on({ add: ring, update: ring, delete: ring }),
    lease.onFreshness(ring),
    () => lease.release(),
  ];
  void lease.informer.synced.then(ring);
  try {
    let shown: unknown;
    while (!signal.aborted) {
      const object = lease.informer.get(namespace, name) ?? null;
      const freshness = lease.freshness();
      // Before the first answer nothing is known of it.
      if (lease.informer.hasSynced || freshness.state === 'failed') {
        const state = JSON.stringify([object?.metadata?.uid, object?.metadata?.resourceVersion, freshness]);
        if (state !== shown) yield { object: object && withoutManagedFields(object), freshness };
        shown = state;
        await pause(clock, INTERVAL, signal);
      }
      await bell.wait(signal);
    }
  } finally {
    for (const end of ends) end();
  }
}
