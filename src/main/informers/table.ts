import type { RowBatch, StreamParamsOf } from '@shared/bridge/contract';
import type { KubeObject } from '@shared/k8s';
import { projectRow } from '@shared/kinds/project';
import type { KindView, ProjectionContext } from '@shared/kinds/types';
import type { ResourceRef } from '../cluster/client/types';
import type { Clock } from '../cluster/clock';
import { Doorbell, pause } from './flow';
import { worst } from './freshness';
import type { InformerPool, Selection } from './pool';
import type { UsageSource } from './usage';

/** Least time between two batches, in ms. */
const INTERVAL = 100;
/** Rows in one message; a longer table comes in several, one right after the other. */
const CHUNK = 2000;
/** Up to so many chosen namespaces are watched one by one, which needs no right to see all. */
const MAX_NAMESPACE_WATCHES = 8;

export type RowsRequest = Omit<StreamParamsOf<'rows'>, 'kind'>;

export interface TableOptions {
  pool: InformerPool;
  usage: UsageSource;
  clock: Clock;
  signal: AbortSignal;
}

function selections(request: RowsRequest, namespaced: boolean): { watched: Selection[]; only?: Set<string> } {
  const { labelSelector, fieldSelector } = request;
  const namespaces = namespaced ? [...new Set(request.namespaces ?? [])] : [];
  const rest = { ...(labelSelector ? { labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}) };
  if (namespaces.length === 0) return { watched: [rest] };
  if (namespaces.length > MAX_NAMESPACE_WATCHES) return { watched: [rest], only: new Set(namespaces) };
  return { watched: namespaces.map((namespace) => ({ namespace, ...rest })) };
}

/** The view's resource as the client names it. */
export function refOfView(view: KindView): ResourceRef {
  const { group, version, plural, kind, namespaced } = view;
  return { group, version, plural, kind, namespaced };
}

const idOf = (object: KubeObject): string =>
  object.metadata?.uid ?? `${object.metadata?.namespace ?? ''}/${object.metadata?.name}`;

/**
 * A live table: what is cached at once, then the rows that changed, coalesced
 * while the reader is busy, with the freshness of the cache in every batch.
 */
export async function* streamRows(
  view: KindView,
  request: RowsRequest,
  options: TableOptions,
): AsyncGenerator<RowBatch> {
  const { pool, usage, clock, signal } = options;
  const bell = new Doorbell();
  const { watched, only } = selections(request, view.namespaced);
  const leases = watched.map((selection) => pool.acquire(request.cluster, refOfView(view), selection));
  const changes = new Map<string, KubeObject | null>();
  const note = (object: KubeObject, change: KubeObject | null) => {
    if (only && !only.has(object.metadata?.namespace ?? '')) return;
    const id = idOf(object);
    // Last in, last out: a change moves to the end so that a long table's first chunks go first.
    changes.delete(id);
    changes.set(id, change);
    bell.ring();
  };
  const sampled =
    view.capabilities.metrics === 'pod' ? 'pods' : view.capabilities.metrics === 'node' ? 'nodes' : undefined;
  const usageKey = (object: KubeObject) =>
    view.namespaced ? `${object.metadata?.namespace}/${object.metadata?.name}` : (object.metadata?.name ?? '');
  const contextOf = (object: KubeObject): ProjectionContext => {
    const used = sampled && usage.current(request.cluster, sampled, usageKey(object));
    return used ? { usage: used } : {};
  };
  const ends = leases.flatMap((lease) => [
    lease.informer.on({
      add: (object) => note(object, object),
      update: (object) => note(object, object),
      delete: (object) => note(object, null),
    }),
    lease.onFreshness(() => bell.ring()),
    () => lease.release(),
  ]);
  if (sampled) {
    ends.push(
      usage.watch(request.cluster, sampled, (changed) => {
        for (const { informer } of leases) {
          for (const object of informer.list()) if (changed.has(usageKey(object))) note(object, object);
        }
      }),
    );
  }
  const next = (): RowBatch => {
    const batch: RowBatch = { upsert: [], remove: [], freshness: worst(leases.map((lease) => lease.freshness())) };
    let room = CHUNK;
    for (const [id, object] of changes) {
      if (room-- === 0) break;
      changes.delete(id);
      if (object) batch.upsert.push(projectRow(view, object, contextOf(object)));
      else batch.remove.push(id);
    }
    return batch;
  };

  try {
    let shown = '';
    let first = true;
    while (!signal.aborted) {
      const batch = next();
      const freshness = JSON.stringify(batch.freshness);
      if (first || batch.upsert.length || batch.remove.length || freshness !== shown) {
        yield first ? { reset: true, ...batch } : batch;
        first = false;
        shown = freshness;
      }
      if (changes.size) continue;
      await pause(clock, INTERVAL, signal);
      await bell.wait(signal);
    }
  } finally {
    for (const end of ends) end();
  }
}
