import { kindViews } from '@shared/kinds';
import { customKindOf, customKindView, type CustomKind } from '@shared/kinds/custom';
import { customResourceDefinitions } from '@shared/kinds/customresourcedefinitions';
import type { KubeObject } from '@shared/k8s';
import type { KindView } from '@shared/kinds/types';
import { ApiError } from '../cluster/api/errors';
import type { KubeTransport } from '../cluster/client/transport';
import type { Clock } from '../cluster/clock';
import { Doorbell, pause } from '../informers/flow';
import type { InformerPool } from '../informers/pool';
import { refOfView } from '../informers/table';
import { objectPath } from './resources';

/** Least time between two messages, in ms: definitions come in crowds. */
const INTERVAL = 500;

/** The view of a kind that a cluster's CustomResourceDefinition makes; `id` is the definition's name. */
export async function findCustomView(
  transport: KubeTransport,
  id: string,
  signal: AbortSignal,
): Promise<KindView | undefined> {
  try {
    const path = objectPath({ resource: refOfView(customResourceDefinitions), name: id });
    const { body } = await transport.request<KubeObject>({ method: 'GET', path, signal });
    const kind = customKindOf(body);
    return kind && customKindView(kind);
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}

/** The custom kinds of a cluster after each change, sorted; none where they may not be listed. */
export async function* streamCustomKinds(
  cluster: string,
  options: { pool: InformerPool; clock: Clock; signal: AbortSignal },
): AsyncGenerator<CustomKind[]> {
  const { pool, clock, signal } = options;
  const bell = new Doorbell();
  const lease = pool.acquire(cluster, refOfView(customResourceDefinitions));
  const ring = () => bell.ring();
  const ends = [
    lease.informer.on({ add: ring, update: ring, delete: ring }),
    lease.onFreshness(ring),
    () => lease.release(),
  ];
  void lease.informer.synced.then(ring);
  try {
    let shown: string | undefined;
    while (!signal.aborted) {
      if (lease.informer.hasSynced || lease.freshness().state === 'failed') {
        const kinds = lease.informer
          .list()
          .flatMap((crd) => customKindOf(crd) ?? [])
          .filter(({ group, plural }) => !kindViews.some((view) => view.group === group && view.plural === plural))
          .toSorted((a, b) => a.group.localeCompare(b.group) || a.kind.localeCompare(b.kind));
        const text = JSON.stringify(kinds);
        if (text !== shown) yield kinds;
        shown = text;
        await pause(clock, INTERVAL, signal);
      }
      await bell.wait(signal);
    }
  } finally {
    for (const end of ends) end();
  }
}
