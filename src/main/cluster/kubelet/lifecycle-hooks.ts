import type { Container } from '@shared/k8s';
import { check, type CheckContext } from './probe-check';

type Handler = NonNullable<NonNullable<Container['lifecycle']>['preStop']>;

/**
 * Runs a lifecycle hook to its end.
 * @param limitMs longest time it may take
 * @returns why it failed, or undefined
 */
export async function runHook(
  handler: Handler,
  limitMs: number,
  context: CheckContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (handler.sleep) {
    await pause(Math.min(handler.sleep.seconds * 1000, limitMs), context, signal);
    return undefined;
  }
  const { result, output } = await check(handler, limitMs, context);
  return result === 'success' ? undefined : output || 'the command failed';
}

function pause(ms: number, context: CheckContext, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = context.clock.setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        timer.cancel();
        resolve();
      },
      { once: true },
    );
  });
}
