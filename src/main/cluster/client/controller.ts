import { ApiError } from '../api/errors';
import type { Clock } from '../clock';
import type { Logger } from '../log';
import type { Reconciler } from './types';
import type { WorkQueue, WorkQueueMetrics } from './workqueue';

export interface ControllerOptions {
  name: string;
  queue: WorkQueue;
  reconciler: Reconciler;
  /** Keys reconciled at a time; 1 unless told. */
  workers?: number;
  clock: Clock;
  log: Logger;
}

export interface RunningController {
  readonly name: string;
  /** The last failure of a key that has not succeeded since. */
  lastError(): string | undefined;
  metrics(): WorkQueueMetrics;
  /** Takes no more keys; resolves when the last reconcile has ended. */
  stop(): Promise<void>;
}

/** How long a worker may keep the event loop with reconciles that wait for nothing. */
const sliceMs = 10;

/**
 * Runs the loop: takes keys, reconciles them, puts them back with back-off when
 * that failed. A conflict is no failure but "look again".
 */
export function runController({
  name,
  queue,
  reconciler,
  workers = 1,
  clock,
  log,
}: ControllerOptions): RunningController {
  const errors = new Map<string, string>();
  let sliceEnd = clock.now() + sliceMs;

  const work = async () => {
    for (;;) {
      const key = await queue.take();
      if (key === undefined) return;
      try {
        const result = await reconciler.reconcile(key);
        queue.forget(key);
        errors.delete(key);
        if (result?.requeueAfterMs !== undefined) queue.addAfter(key, result.requeueAfterMs);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        if (isConflict(error)) log.debug('changed meanwhile, reconciling again', { key, error: text });
        else {
          errors.set(key, text);
          log.warn('reconcile failed, trying again', { key, error: text });
        }
        queue.addRateLimited(key);
      } finally {
        queue.done(key);
      }
      if (clock.now() >= sliceEnd) {
        await new Promise((resolve) => setImmediate(resolve));
        sliceEnd = clock.now() + sliceMs;
      }
    }
  };

  const running = Array.from({ length: workers }, work);
  return {
    name,
    lastError: () => [...errors.values()].at(-1),
    metrics: () => queue.metrics(),
    async stop() {
      queue.close();
      await Promise.all(running);
    },
  };
}

/** True for a lost race of optimistic concurrency (not for "already exists"). */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.reason === 'Conflict';
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.code === 404;
}

export function isAlreadyExists(error: unknown): boolean {
  return error instanceof ApiError && error.reason === 'AlreadyExists';
}
