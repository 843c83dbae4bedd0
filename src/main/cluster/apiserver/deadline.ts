import type { Clock } from '../clock';

/** The end of something that may not take for ever. */
export interface Deadline {
  /** Aborts when the time is over, with what to say then. */
  readonly signal: AbortSignal;
  /** It ended by itself. */
  over(): void;
}

/**
 * Runs from now on.
 * @param ms undefined for as long as it likes
 * @param sooner ends it before its time
 */
export function startDeadline(
  clock: Clock,
  ms: number | undefined,
  reason: () => Error,
  sooner?: AbortSignal,
): Deadline {
  const controller = new AbortController();
  const timer = ms === undefined ? undefined : clock.setTimeout(() => controller.abort(reason()), ms);
  const end = () => controller.abort(sooner!.reason);
  if (sooner?.aborted) end();
  // Listened to by hand: what AbortSignal.any makes of a signal that lives long is never let go.
  sooner?.addEventListener('abort', end);
  return {
    signal: controller.signal,
    over() {
      timer?.cancel();
      sooner?.removeEventListener('abort', end);
    },
  };
}

/** What work gives, unless the signal is faster: what comes too late is undone. @throws what the signal says */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, undo: (late: T) => void) {
  if (!signal) return work;
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(
      (value) => {
        signal.removeEventListener('abort', abort);
        if (signal.aborted) undo(value);
        else resolve(value);
      },
      (error: Error) => {
        signal.removeEventListener('abort', abort);
        reject(error);
      },
    );
  });
}
