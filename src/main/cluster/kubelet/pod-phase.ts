import type { ContainerStatus, Pod } from '@shared/k8s';
import { restartsAfter } from './pod-plan';
import { isSidecar } from './pod-view';

/** The phase that container states amount to. */
export function phaseOf(
  pod: Pick<Pod, 'spec'>,
  inits: ContainerStatus[],
  containers: ContainerStatus[],
  ending: boolean,
): string {
  const policy = pod.spec!.restartPolicy ?? 'Always';
  const specOf = new Map([...(pod.spec!.initContainers ?? []), ...pod.spec!.containers].map((one) => [one.name, one]));
  let running = 0;
  let waiting = 0;
  let stopped = 0;
  let succeeded = 0;
  let restarting = 0;
  let pendingInit = 0;
  let failedInit = 0;

  for (const status of inits) {
    const sidecar = isSidecar(specOf.get(status.name)!);
    const { terminated } = status.state ?? {};
    if (sidecar) {
      if (status.state?.running) {
        if (!status.started) pendingInit++;
        running++;
      } else if (!terminated) pendingInit += status.lastState?.terminated ? 0 : 1;
      continue;
    }
    if (terminated) {
      if (terminated.exitCode !== 0) failedInit++;
    } else pendingInit++;
  }
  for (const status of containers) {
    const { running: runs, terminated } = status.state ?? {};
    const last = terminated ?? status.lastState?.terminated;
    if (runs) running++;
    else if (last) {
      stopped++;
      if (terminated?.exitCode === 0) succeeded++;
      if (restartsAfter(policy, specOf.get(status.name) ?? status, last.exitCode)) restarting++;
    } else waiting++;
  }
  const mainRuns = containers.some((status) => status.state?.running);

  if (failedInit > 0 && (policy === 'Never' || ending)) return 'Failed';
  if (ending && !mainRuns && containers.length > 0) return succeeded === containers.length ? 'Succeeded' : 'Failed';
  if ((pendingInit > 0 || failedInit > 0) && !mainRuns && stopped === 0) return 'Pending';
  if (waiting > 0) return 'Pending';
  if (mainRuns) return 'Running';
  if (stopped > 0) {
    if (restarting > 0 || running > 0) return 'Running';
    return stopped === succeeded ? 'Succeeded' : 'Failed';
  }
  return 'Pending';
}
