import type { Clock, Timer } from '../clock';
import type { Logger } from '../log';
import { StoreError, type Store, type StoredObject } from '../store/types';

const prefix = '/registry/core/events/';
const keepMs = 60 * 60_000;
const lookEveryMs = 5 * 60_000;

/** Removes events an hour after they last happened. */
export function expireEvents(store: Store, clock: Clock, log: Logger): { close(): void } {
  let timer: Timer | undefined;
  let closed = false;
  const look = async () => {
    const oldest = clock.now() - keepMs;
    for (const item of store.list(prefix).items) {
      if (closed || lastSeen(item) > oldest) continue;
      try {
        await store.delete(item.key, item.revision);
      } catch (error) {
        // Happened again, or gone: both are fine.
        if (!(error instanceof StoreError)) log.warn('an event could not be removed', { error: error as Error });
      }
    }
    schedule();
  };
  const schedule = () => {
    if (!closed) timer = clock.setTimeout(() => void look(), lookEveryMs);
  };
  schedule();
  return {
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

function lastSeen({ value }: StoredObject): number {
  const times = [
    value.lastTimestamp,
    value.series?.lastObservedTime,
    value.eventTime,
    value.metadata?.creationTimestamp,
  ];
  return Math.max(0, ...times.map((time) => Date.parse(time ?? '')).filter((time) => !Number.isNaN(time)));
}
