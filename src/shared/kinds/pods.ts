import type { ContainerStatus, Pod } from '../k8s';
import { claimNamesOf } from '../pod-claims';
import { podRequests } from '../pod-resources';
import { podSummary } from '../pod-status';
import { parseQuantity } from '../quantity';
import { controlledBy, imagesOf, status } from './helpers';
import { defineKindView, type StatusValue, type Tone } from './types';

const BUSY = new Set(['Pending', 'ContainerCreating', 'PodInitializing', 'Terminating', 'SchedulingGated', 'NotReady']);
const ERRORS = /Err|BackOff|Error|Failed|Evicted|OOMKilled|Invalid|ExitCode|Signal|ContainerCannotRun|NodeLost|Unknown/;

/** What the word in a pod's status column means for the user. */
export function podTone(text: string, ready: boolean): Tone {
  if (text === 'Running') return ready ? 'ok' : 'warn';
  if (text === 'Completed' || text === 'Succeeded') return 'off';
  if (ERRORS.test(text)) return 'error';
  return BUSY.has(text) || text.startsWith('Init:') ? 'busy' : 'neutral';
}

/** Why a pod is not running: a container's own message, or the scheduler's. */
function reasonOf(pod: Pod): string | undefined {
  if (pod.status?.message) return pod.status.message;
  const containers = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const { state, lastState, name } of containers) {
    if (state?.waiting?.message) return `${name}: ${state.waiting.message}`;
    const ended = state?.terminated ?? (state?.waiting ? lastState?.terminated : undefined);
    if (ended && ended.exitCode !== 0)
      return `${name}: ${ended.message || ended.reason || ''} (exit code ${ended.exitCode})`;
  }
  return pod.status?.conditions?.find((candidate) => candidate.status === 'False' && candidate.message)?.message;
}

export function podStatus(pod: Pod): StatusValue {
  const summary = podSummary(pod);
  const ready = summary.ready === summary.total;
  const tone = podTone(summary.status, ready);
  return status(summary.status, tone, tone === 'ok' || tone === 'off' ? undefined : reasonOf(pod));
}

/**
 * A container's state as a brick of the table: its tone, and its name with the reason.
 * One that runs to its end (an init container that is no sidecar) is never ready before.
 */
export function containerStatus(container: ContainerStatus, runsToEnd = false): StatusValue {
  const { running, waiting, terminated } = container.state ?? {};
  if (running && runsToEnd) return status(container.name, 'busy', 'Running');
  if (running) {
    const started = container.ready;
    return status(container.name, started ? 'ok' : 'warn', started ? 'Running' : 'Running, not ready');
  }
  if (terminated) {
    const failed = terminated.exitCode !== 0;
    return status(container.name, failed ? 'error' : 'off', terminated.reason ?? `Exit code ${terminated.exitCode}`);
  }
  const reason = waiting?.reason ?? 'Waiting';
  return status(container.name, ERRORS.test(reason) ? 'error' : 'busy', reason);
}

function bricks(pod: Pod): StatusValue[] {
  const init = pod.status?.initContainerStatuses ?? [];
  const main = pod.status?.containerStatuses;
  const waiting = (pod.spec?.containers ?? []).map((container) => status(container.name, 'neutral', 'Not created yet'));
  const sidecars = new Set(
    pod.spec?.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name),
  );
  return [
    ...init.map((container) => containerStatus(container, !sidecars.has(container.name))),
    ...(main?.map((container) => containerStatus(container)) ?? waiting),
  ];
}

/** The sum of a resource's limits, or null when a container has none. */
function limitOf(pod: Pod, resource: 'cpu' | 'memory'): number | null {
  let sum = 0;
  for (const container of pod.spec?.containers ?? []) {
    const limit = container.resources?.limits?.[resource];
    if (limit === undefined) return null;
    sum += parseQuantity(limit);
  }
  return sum;
}

/** What it takes from its node until it has ended: cores and bytes. Nothing, where its quantities make no sense. */
function takes(pod: Pod): { cpuTaken: number; memoryTaken: number } {
  const over = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  try {
    const { cpu = 0, memory = 0 } = over ? {} : podRequests(pod.spec);
    return { cpuTaken: cpu / 1000, memoryTaken: memory };
  } catch {
    return { cpuTaken: 0, memoryTaken: 0 };
  }
}

export const pods = defineKindView<Pod>({
  id: 'pods',
  group: '',
  version: 'v1',
  plural: 'pods',
  kind: 'Pod',
  namespaced: true,
  section: 'workloads',
  order: 10,
  icon: 'Box',
  columns: [
    { id: 'containers', renderer: 'bricks', width: 84, value: bricks },
    {
      id: 'readyOf',
      renderer: 'text',
      width: 60,
      align: 'end',
      value: (pod) => {
        const { ready, total } = podSummary(pod);
        return `${ready}/${total}`;
      },
    },
    { id: 'restarts', renderer: 'number', width: 76, align: 'end', value: (pod) => podSummary(pod).restarts },
    { id: 'cpu', renderer: 'cpu', width: 64, align: 'end', value: (_, context) => context.usage?.cpu ?? null },
    { id: 'memory', renderer: 'bytes', width: 80, align: 'end', value: (_, context) => context.usage?.memory ?? null },
    { id: 'controlledBy', renderer: 'text', width: 200, wide: true, value: controlledBy },
    { id: 'node', renderer: 'text', width: 100, value: (pod) => pod.spec?.nodeName ?? null },
    { id: 'podIP', renderer: 'mono', width: 120, wide: true, value: (pod) => pod.status?.podIP ?? null },
    { id: 'qos', renderer: 'text', width: 100, optional: true, value: (pod) => pod.status?.qosClass ?? null },
    { id: 'cpuLimit', renderer: 'cpu', width: 90, align: 'end', optional: true, value: (pod) => limitOf(pod, 'cpu') },
    {
      id: 'memoryLimit',
      renderer: 'bytes',
      width: 110,
      align: 'end',
      optional: true,
      value: (pod) => limitOf(pod, 'memory'),
    },
    { id: 'images', renderer: 'list', width: 260, optional: true, value: (pod) => imagesOf(pod.spec) },
  ],
  status: podStatus,
  search: (pod) => imagesOf(pod.spec).join(' '),
  facts: (pod) => ({
    phase: pod.status?.phase ?? 'Unknown',
    containers: (pod.spec?.containers ?? []).map((container) => container.name),
    initContainers: (pod.spec?.initContainers ?? []).map((container) => container.name),
    controlled: controlledBy(pod) !== null,
    claims: claimNamesOf(pod),
    ...takes(pod),
    running: (pod.status?.containerStatuses ?? []).some((container) => container.state?.running !== undefined),
  }),
  capabilities: { logs: true, exec: true, evict: true, metrics: 'pod' },
  template: `apiVersion: v1
kind: Pod
metadata:
  name: hello
  labels:
    app: hello
spec:
  containers:
    - name: hello
      image: busybox:1.36
      command: ["sh", "-c", "while true; do date; sleep 5; done"]
      resources:
        requests:
          cpu: 10m
          memory: 16Mi
        limits:
          cpu: 100m
          memory: 32Mi
`,
});
