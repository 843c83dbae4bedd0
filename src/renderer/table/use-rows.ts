import { onScopeDispose, shallowRef, triggerRef, watch, type ShallowRef } from 'vue';
import type { BridgeError } from '@shared/bridge/protocol';
import type { Row } from '@shared/kinds/types';
import { useBridge } from '@/bridge';
import { LiveRows, type Changed, type RowsParams } from './live-rows';

/** A stream stays open so long after its last user, so that going back is instant. */
const LINGER = 20_000;

interface Shared {
  live: LiveRows;
  users: number;
  timer?: ReturnType<typeof setTimeout>;
}
const shared = new Map<string, Shared>();
let watching = false;

function acquire(params: RowsParams): LiveRows {
  const bridge = useBridge();
  if (!watching) {
    watching = true;
    bridge.onState((state, message) => {
      if (state !== 'reconnecting') return;
      for (const { live } of shared.values()) live.disconnected(message ?? '');
    });
  }
  const key = JSON.stringify(params);
  let entry = shared.get(key);
  // One that failed is asked for anew by its next user.
  if (entry && entry.users === 0 && entry.live.freshness.state === 'failed') {
    drop(key, entry);
    entry = undefined;
  }
  if (!entry) shared.set(key, (entry = { live: new LiveRows(bridge, params, Date.now), users: 0 }));
  clearTimeout(entry.timer);
  entry.users += 1;
  return entry.live;
}

function drop(key: string, entry: Shared): void {
  entry.live.close();
  shared.delete(key);
}

function release(params: RowsParams): void {
  const key = JSON.stringify(params);
  const entry = shared.get(key);
  if (!entry || --entry.users > 0) return;
  entry.timer = setTimeout(() => drop(key, entry), LINGER);
}

/**
 * Live rows for as long as the caller lives; users with the same parameters
 * share a stream. `params` may change; undefined asks for nothing. The ref
 * triggers on every batch, its value is undefined while nothing is asked for.
 */
export function useRows(
  params: () => RowsParams | undefined,
  changed?: (changed: Changed, live: LiveRows) => void,
): ShallowRef<LiveRows | undefined> {
  const live = shallowRef<LiveRows>();
  let stop = (): void => {};

  watch(
    () => JSON.stringify(params()),
    (text) => {
      stop();
      live.value = undefined;
      if (!text) return;
      const own = JSON.parse(text) as RowsParams;
      const rows = acquire(own);
      const unlisten = rows.listen((what) => {
        changed?.(what, rows);
        triggerRef(live);
      });
      stop = () => {
        unlisten();
        release(own);
        stop = () => {};
      };
      live.value = rows;
      changed?.('all', rows);
    },
    { immediate: true },
  );
  onScopeDispose(() => stop());
  return live;
}

/** All rows of a set, as an array. */
export function rowsOf(live: LiveRows | undefined): Row[] {
  return live ? [...live.rows.values()] : [];
}

/** How far sets of rows are that are shown as one. */
export interface RowsState {
  /** Why one of them cannot be had. */
  error?: BridgeError;
  loading: boolean;
  /** Asks again for those that failed. */
  retry(): void;
}

/** The state of sets of rows. To be asked for again whenever they trigger. */
export function stateOf(...sets: (LiveRows | undefined)[]): RowsState {
  const failed = sets.filter((live) => live?.error);
  return {
    ...(failed[0]?.error ? { error: failed[0].error } : {}),
    loading: sets.some((live) => live?.freshness.state === 'loading'),
    retry: () => failed.forEach((live) => live?.refresh()),
  };
}
