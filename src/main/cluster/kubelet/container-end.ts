import type { Pod } from '@shared/k8s';
import { runHook } from './lifecycle-hooks';
import type { PodHost } from './pod-host';
import { isUnreachable } from './runtime/docker-errors';
import { fieldPathOf, specContainers, type PodContainer } from './pod-view';

/**
 * Ends a container with its preStop hook. Resolves when it has ended.
 * @param pod what it belongs to
 * @param message of the Killing event
 * @param signal cuts the grace short
 */
export async function endContainer(
  host: PodHost,
  pod: Pod,
  target: PodContainer,
  message: string,
  graceMs: number,
  signal: AbortSignal,
): Promise<void> {
  const container = specContainers(pod).find((one) => one.name === target.name);
  const path = container && fieldPathOf(pod, container);
  host.recorder.event(pod, 'Normal', 'Killing', message, path);
  const from = host.clock.now();
  const handler = container?.lifecycle?.preStop;
  if (handler && container && graceMs > 0 && !signal.aborted) {
    const context = { ...host, container, target, podIp: await addressOf(host, pod, target) };
    const failed = await runHook(handler, graceMs, context, signal);
    if (failed !== undefined) host.recorder.event(pod, 'Warning', 'FailedPreStopHook', 'PreStopHook failed', path);
  }
  // Whatever the hook took, the process gets a moment of its own.
  const left = graceMs === 0 ? 0 : Math.max(2000, graceMs - (host.clock.now() - from));
  const cut = new AbortController();
  const timer = host.clock.setTimeout(() => cut.abort(), left);
  try {
    await host.runtime.stopContainer(
      target.id,
      left === 0 ? 0 : left / 1000 + 60,
      AbortSignal.any([signal, cut.signal]),
    );
  } finally {
    timer.cancel();
  }
}

/**
 * Removes a container that has ended. Where the engine cannot, as while something of it is still mounted, it stays
 * behind: nothing has to wait for it. @throws RuntimeError when it still runs, or the engine does not answer
 */
export async function removeEnded({ runtime, log }: Pick<PodHost, 'runtime' | 'log'>, id: string): Promise<void> {
  try {
    await runtime.removeContainer(id);
  } catch (error) {
    if (isUnreachable(error) || (await runtime.inspect(id))?.state === 'running') throw error;
    log.warn('a container that has ended could not be removed', { container: id, error: error as Error });
  }
}

async function addressOf(host: PodHost, pod: Pod, target: PodContainer): Promise<string> {
  if (pod.spec!.hostNetwork) return host.hostIp();
  return (await host.runtime.inspect(target.sandboxId))?.ip ?? '';
}
