import { type Clock, systemClock } from '../clock';
import { type Logger, silentLogger } from '../log';
import { memoryJournal } from './journal';
import { RevisionedStore } from './revisioned-store';
import type { Store } from './types';

/** Revision 0 means "any" in the API, so an empty store is at 1. */
export const firstRevision = 1;

/** Events kept for watches unless told otherwise. */
export const defaultLogSize = 10_000;

/** A store with the semantics of the one on disk and no disk: for tests and simulated clusters. */
export function openMemoryStore(options: { clock?: Clock; logSize?: number; log?: Logger } = {}): Store {
  const { clock = systemClock, logSize = defaultLogSize, log = silentLogger } = options;
  return new RevisionedStore({
    journal: memoryJournal,
    log,
    logSize,
    objects: [],
    revision: firstRevision,
    now: () => clock.now(),
  });
}
