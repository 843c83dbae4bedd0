import type { Container, ContainerState, ContainerStatus, Pod, PodCondition, PodStatus } from '@shared/k8s';
import { setCondition } from '../client/conditions';
import { timestamp } from '../clock';
import { phaseOf } from './pod-phase';
import { shouldRestart } from './pod-plan';
import { ephemeralContainers, isSidecar, runningSandbox, type PodContainer, type PodView } from './pod-view';
import { qosClass } from './qos';

export interface Waiting {
  reason: string;
  message?: string;
}

/** Why a node ended a pod. */
export interface PodFailure {
  reason: string;
  message: string;
  /** How long its containers have to end; the pod's own grace when absent. */
  graceSeconds?: number;
  /** The condition that tells its owner that it was not the pod's own doing. */
  disruption?: { reason: string; message: string };
}

export type ContainerResources = Pick<ContainerStatus, 'allocatedResources' | 'resources'>;

/** What the status is made of besides the spec and the runtime's view. */
export interface StatusFacts {
  /** Why a container that should run does not. */
  waiting: Pick<ReadonlyMap<string, Waiting>, 'get'>;
  ready(container: PodContainer): boolean;
  started(container: PodContainer): boolean;
  /** What the container left in its termination message file (or log). */
  terminationMessage(container: PodContainer): string | undefined;
  /** The scheme of container ids: docker, simulated. */
  runtimeName: string;
  hostIp: string;
  /** Address of the pod; absent until the sandbox has one. */
  podIp?: string;
  /** When the kubelet first saw the pod, ms. */
  startTime: number;
  /** Nothing will be started any more, whatever the restart policy says. */
  ending: boolean;
  /** Why the pod was ended by the node. */
  failure?: PodFailure;
  /** What a container was granted of the node, and what it has. */
  resources?(container: Container, one: PodContainer | undefined): ContainerResources;
  /** Conditions that are there for a while only. */
  passing?: Pick<PodCondition, 'type' | 'status'>[];
  now: number;
}

/** The status of a pod, as its node reports it. `previous` is what was reported before. */
export function podStatus(pod: Pod, view: PodView, facts: StatusFacts, previous: PodStatus | undefined): PodStatus {
  const spec = pod.spec!;
  const inits = spec.initContainers ?? [];
  const old = (list: ContainerStatus[] | undefined, name: string): ContainerStatus | undefined =>
    list?.find((status) => status.name === name);
  const waitingForInit = inits.length > 0 && !initDone(inits, view);
  const notYet = waitingForInit ? 'PodInitializing' : 'ContainerCreating';
  const initContainerStatuses = inits.map((container) =>
    containerStatus(pod, container, view, facts, old(previous?.initContainerStatuses, container.name), notYet, 'init'),
  );
  const containerStatuses = spec.containers.map((container) =>
    containerStatus(pod, container, view, facts, old(previous?.containerStatuses, container.name), notYet, 'app'),
  );
  const ephemeralContainerStatuses = ephemeralContainers(pod).map((container) =>
    containerStatus(
      pod,
      container,
      view,
      facts,
      old(previous?.ephemeralContainerStatuses, container.name),
      'ContainerCreating',
      'ephemeral',
    ),
  );

  const ended = previous?.phase === 'Failed' || previous?.phase === 'Succeeded' ? previous.phase : undefined;
  const computed = phaseOf(pod, initContainerStatuses, containerStatuses, facts.ending);
  const phase = ended ?? (facts.failure ? 'Failed' : computed);
  const status: PodStatus = {
    phase,
    conditions: conditionsOf(pod, view, phase, initContainerStatuses, containerStatuses, facts, previous),
    hostIP: facts.hostIp,
    hostIPs: [{ ip: facts.hostIp }],
    startTime: previous?.startTime ?? timestamp(facts.startTime),
    qosClass: previous?.qosClass ?? qosClass(pod),
    containerStatuses,
    ...(inits.length > 0 ? { initContainerStatuses } : {}),
    ...(ephemeralContainerStatuses.length > 0 ? { ephemeralContainerStatuses } : {}),
  };
  const podIp = facts.podIp ?? previous?.podIP;
  if (podIp) {
    status.podIP = podIp;
    status.podIPs = [{ ip: podIp }];
  }
  const reason = facts.failure?.reason ?? (ended ? previous?.reason : undefined);
  const message = facts.failure?.message ?? (ended ? previous?.message : undefined);
  if (reason) status.reason = reason;
  if (message) status.message = message;
  return status;
}

/** A regular init container is through once it ended well, a sidecar once it started. */
function initDone(inits: Container[], view: PodView): boolean {
  return inits.every((container) => {
    const one = view.containers.get(container.name)?.[0];
    return isSidecar(container) ? one?.state === 'running' : one?.state === 'exited' && one.exitCode === 0;
  });
}

function containerStatus(
  pod: Pod,
  container: Container,
  view: PodView,
  facts: StatusFacts,
  old: ContainerStatus | undefined,
  notYet: string,
  role: 'init' | 'app' | 'ephemeral',
): ContainerStatus {
  const [current, ...earlier] = view.containers.get(container.name) ?? [];
  const waiting = facts.waiting.get(container.name);
  const before = earlier.find((one) => one.state === 'exited');
  const lastState: ContainerState = before
    ? { terminated: terminatedOf(before, facts) }
    : (lostState(current, old) ?? old?.lastState ?? {});
  const base = {
    name: container.name,
    image: current?.image ?? container.image ?? '',
    imageID: current?.imageId ?? '',
    ...(current ? { containerID: `${facts.runtimeName}://${current.id}` } : {}),
    ...(role === 'ephemeral' ? {} : facts.resources?.(container, current)),
  };
  if (!current || current.state === 'created') {
    return {
      ...base,
      image: container.image ?? '',
      imageID: '',
      containerID: undefined,
      state: ended(pod, old) ?? { waiting: waiting ?? { reason: notYet } },
      lastState,
      ready: false,
      restartCount: old?.restartCount ?? 0,
      started: false,
    };
  }
  const { restartCount } = current;
  // Nobody waits for an ephemeral container, so that it is never said to be ready.
  const neverReady = role === 'ephemeral' || (role === 'init' && !isSidecar(container));
  if (current.state === 'running') {
    const state = { running: { startedAt: timestamp(current.startedAt ?? current.createdAt) } };
    const started = facts.started(current);
    const ready = !neverReady && started && facts.ready(current);
    return { ...base, state, lastState, ready, restartCount, ...(role === 'ephemeral' ? {} : { started }) };
  }
  const terminated: ContainerState = { terminated: terminatedOf(current, facts) };
  const again =
    role !== 'ephemeral' &&
    !facts.ending &&
    !facts.failure &&
    waiting &&
    shouldRestart(pod.spec!.restartPolicy, container, current);
  return {
    ...base,
    state: again ? { waiting } : terminated,
    lastState: again ? terminated : lastState,
    ready: role === 'init' && !isSidecar(container) && current.exitCode === 0,
    restartCount,
    started: false,
  };
}

/** A pod that is over keeps what was reported of containers that are removed since. */
function ended(pod: Pod, old: ContainerStatus | undefined): ContainerState | undefined {
  const over = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed' || pod.metadata.deletionTimestamp;
  return over && old?.state?.terminated ? old.state : undefined;
}

/** A container that ran and of which the runtime has nothing left. */
function lostState(current: PodContainer | undefined, old: ContainerStatus | undefined): ContainerState | undefined {
  if (current || !old?.state?.running) return undefined;
  return {
    terminated: {
      exitCode: 137,
      reason: 'ContainerStatusUnknown',
      message: 'The container could not be located when the pod was deleted.  The container used to be Running',
      containerID: old.containerID,
    },
  };
}

function terminatedOf(one: PodContainer, facts: StatusFacts): NonNullable<ContainerState['terminated']> {
  const exitCode = one.exitCode ?? 137;
  const message = one.error ?? facts.terminationMessage(one);
  return {
    exitCode,
    reason: one.oomKilled ? 'OOMKilled' : one.error ? 'StartError' : exitCode === 0 ? 'Completed' : 'Error',
    ...(message ? { message } : {}),
    startedAt: timestamp(one.startedAt ?? 0),
    finishedAt: timestamp(one.finishedAt ?? one.createdAt),
    containerID: `${facts.runtimeName}://${one.id}`,
  };
}

function conditionsOf(
  pod: Pod,
  view: PodView,
  phase: string,
  inits: ContainerStatus[],
  containers: ContainerStatus[],
  facts: StatusFacts,
  previous: PodStatus | undefined,
): PodCondition[] {
  const passing = new Set(facts.passing?.map(({ type }) => type));
  const kept = (previous?.conditions ?? []).filter(({ type }) => ownConditions.has(type) || passing.has(type));
  const sidecars = new Set((pod.spec!.initContainers ?? []).filter(isSidecar).map((container) => container.name));
  const sandboxReady = runningSandbox(view) !== undefined && phase !== 'Succeeded' && phase !== 'Failed';
  const incomplete = inits.filter((status) => (sidecars.has(status.name) ? !status.started : !status.ready));
  const mainStarted = containers.some((status) => status.state?.running || status.state?.terminated);
  const unready = [...inits.filter((status) => sidecars.has(status.name)), ...containers].filter((one) => !one.ready);
  const names = (list: ContainerStatus[]): string => `[${list.map((one) => one.name).join(' ')}]`;
  const over = (): Partial<PodCondition> | undefined =>
    phase === 'Succeeded'
      ? { status: 'False', reason: 'PodCompleted' }
      : phase === 'Failed'
        ? { status: 'False', reason: 'PodFailed' }
        : undefined;

  const initialized: Partial<PodCondition> =
    phase === 'Succeeded'
      ? { status: 'True', reason: 'PodCompleted' }
      : incomplete.length > 0 && !mainStarted
        ? {
            status: 'False',
            reason: 'ContainersNotInitialized',
            message: `containers with incomplete status: ${names(incomplete)}`,
          }
        : { status: 'True' };
  const containersReady: Partial<PodCondition> =
    over() ??
    (unready.length > 0
      ? { status: 'False', reason: 'ContainersNotReady', message: `containers with unready status: ${names(unready)}` }
      : // What still runs has lost its network with the sandbox: nobody may be sent there.
        sandboxReady
        ? { status: 'True' }
        : { status: 'False', reason: 'ContainersNotReady', message: 'the sandbox of the pod does not run' });
  const gates = (pod.spec!.readinessGates ?? []).map((gate) => gate.conditionType);
  const closed = gates.map((type) => gateMessage(pod, type)).filter((message) => message !== undefined);
  const ready: Partial<PodCondition> =
    containersReady.status === 'True' && closed.length > 0
      ? { status: 'False', reason: 'ReadinessGatesNotReady', message: closed.join(', ') }
      : containersReady;

  const wanted: [string, Partial<PodCondition>][] = [
    ['PodReadyToStartContainers', { status: sandboxReady ? 'True' : 'False' }],
    ['Initialized', initialized],
    ['Ready', ready],
    ['ContainersReady', containersReady],
    ['PodScheduled', { status: 'True' }],
    ...(facts.passing ?? []).map((one): [string, Partial<PodCondition>] => [one.type, one]),
  ];
  if (facts.failure?.disruption) {
    wanted.push(['DisruptionTarget', { status: 'True', ...facts.failure.disruption }]);
  }
  let conditions = kept;
  for (const [type, condition] of wanted) {
    conditions = setCondition(conditions, { type, ...condition } as PodCondition, facts.now);
  }
  return conditions;
}

/** The conditions that are the node's to write. The others (readiness gates) belong to others. */
const ownConditions = new Set(['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled']);

function gateMessage(pod: Pod, type: string): string | undefined {
  const condition = pod.status?.conditions?.find((one) => one.type === type);
  if (!condition) return `corresponding condition of pod readiness gate "${type}" does not exist.`;
  return condition.status === 'True'
    ? undefined
    : `the status of pod readiness gate "${type}" is not "True", but ${condition.status}`;
}
