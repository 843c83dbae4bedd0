import { humanDuration } from './duration';
import type { ContainerStatus, Pod } from './k8s';

/** What one line says about a pod; the words and rules of `kubectl get pods`. */
export interface PodSummary {
  /** `Running`, `Init:0/1`, `CrashLoopBackOff`, `Terminating` … */
  status: string;
  ready: number;
  total: number;
  restarts: number;
  /** When a container last ended and was restarted, ms since the epoch. */
  lastRestart?: number;
}

type PodLike = Pick<Pod, 'spec' | 'status'> & { metadata?: { deletionTimestamp?: string } };

/** The status column of a pod. */
export function podStatusText(pod: PodLike): string {
  return podSummary(pod).status;
}

/** Ready containers over all that keep running, as `1/2` says it. */
export function podReady(pod: PodLike): { ready: number; total: number } {
  const { ready, total } = podSummary(pod);
  return { ready, total };
}

/** How often containers were restarted and when last (ms since the epoch). */
export function podRestarts(pod: PodLike): { restarts: number; lastRestart?: number } {
  const { restarts, lastRestart } = podSummary(pod);
  return { restarts, lastRestart };
}

/** The restarts column: `0`, `2 (5m ago)`. @param now ms since the epoch */
export function podRestartsText(pod: PodLike, now: number): string {
  const { restarts, lastRestart } = podSummary(pod);
  return restarts !== 0 && lastRestart !== undefined
    ? `${restarts} (${humanDuration(now - lastRestart)} ago)`
    : `${restarts}`;
}

/** Everything the pod columns show, in one pass. */
export function podSummary(pod: PodLike): PodSummary {
  const status = pod.status ?? {};
  const conditions = status.conditions ?? [];
  const sidecars = new Set(
    (pod.spec?.initContainers ?? []).filter((init) => init.restartPolicy === 'Always').map((init) => init.name),
  );
  let reason = status.reason || status.phase || 'Unknown';
  if (conditions.some((condition) => condition.type === 'PodScheduled' && condition.reason === 'SchedulingGated')) {
    reason = 'SchedulingGated';
  }

  const all = new RestartCount();
  const ofSidecars = new RestartCount();
  let ready = 0;
  let initializing = false;
  for (const [index, init] of (status.initContainerStatuses ?? []).entries()) {
    all.add(init);
    const sidecar = sidecars.has(init.name);
    if (sidecar) ofSidecars.add(init);
    const { terminated, waiting } = init.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecar && init.started) {
      if (init.ready) ready += 1;
      continue;
    }
    if (terminated) reason = `Init:${terminated.reason || exitText(terminated)}`;
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') reason = `Init:${waiting.reason}`;
    else reason = `Init:${index}/${pod.spec?.initContainers?.length ?? 0}`;
    initializing = true;
    break;
  }

  let counted = all;
  if (
    !initializing ||
    conditions.some((condition) => condition.type === 'Initialized' && condition.status === 'True')
  ) {
    counted = ofSidecars;
    let running = false;
    // Backwards, so that the first container's trouble is the one that shows.
    for (const container of (status.containerStatuses ?? []).toReversed()) {
      counted.add(container);
      const { terminated, waiting, running: isRunning } = container.state ?? {};
      if (waiting?.reason) reason = waiting.reason;
      else if (terminated) reason = terminated.reason || exitText(terminated);
      else if (container.ready && isRunning) {
        running = true;
        ready += 1;
      }
    }
    if (reason === 'Completed' && running) {
      const isReady = conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
      reason = isReady ? 'Running' : 'NotReady';
    }
  }

  if (pod.metadata?.deletionTimestamp) {
    if (status.reason === 'NodeLost') reason = 'Unknown';
    else if (status.phase !== 'Succeeded' && status.phase !== 'Failed') reason = 'Terminating';
  }
  return {
    status: reason,
    ready,
    total: (pod.spec?.containers?.length ?? 0) + sidecars.size,
    restarts: counted.count,
    lastRestart: counted.last,
  };
}

const exitText = (terminated: { signal?: number; exitCode: number }): string =>
  terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;

class RestartCount {
  count = 0;
  last?: number;

  add(status: ContainerStatus): void {
    this.count += status.restartCount ?? 0;
    const ended = Date.parse(status.lastState?.terminated?.finishedAt ?? '');
    if (!Number.isNaN(ended)) this.last = Math.max(this.last ?? 0, ended);
  }
}
