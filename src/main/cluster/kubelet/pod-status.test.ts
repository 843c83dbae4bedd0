import { describe, expect, it } from 'vitest';
import type { ContainerStatus, Pod, PodStatus } from '@shared/k8s';
import { phaseOf } from './pod-phase';
import { podStatus, type StatusFacts } from './pod-status';
import { viewOf } from './pod-view';
import { qosClass } from './qos';
import { labels, type RuntimeContainer } from './runtime/types';
import { statusPatch } from './status-writer';

const status = (name: string, state: object, lastState: object = {}): ContainerStatus =>
  ({ name, state, lastState }) as unknown as ContainerStatus;
const running = { running: { startedAt: 't' } };
const waiting = { waiting: { reason: 'ContainerCreating' } };
const ended = (exitCode: number) => ({ terminated: { exitCode } });

const phase = (spec: object, inits: ContainerStatus[], containers: ContainerStatus[], ending = false): string =>
  phaseOf(
    { spec: { containers: containers.map(({ name }) => ({ name })), ...spec } } as unknown as Pod,
    inits,
    containers,
    ending,
  );

describe('phaseOf', () => {
  it.each([
    ['nothing yet', {}, [status('a', waiting)], 'Pending'],
    ['one of two yet', {}, [status('a', running), status('b', waiting)], 'Pending'],
    ['all run', {}, [status('a', running)], 'Running'],
    ['held back', {}, [status('a', { waiting: { reason: 'CrashLoopBackOff' } }, ended(1))], 'Running'],
    ['over, to be restarted', {}, [status('a', ended(0))], 'Running'],
    ['over for good', { restartPolicy: 'Never' }, [status('a', ended(0))], 'Succeeded'],
    ['failed for good', { restartPolicy: 'Never' }, [status('a', ended(0)), status('b', ended(2))], 'Failed'],
    ['failed, to be tried again', { restartPolicy: 'OnFailure' }, [status('a', ended(2))], 'Running'],
    ['done', { restartPolicy: 'OnFailure' }, [status('a', ended(0))], 'Succeeded'],
  ])('%s', (_, spec, containers, wanted) => {
    expect(phase(spec, [], containers)).toBe(wanted);
  });

  it('is Pending during init and Failed when init fails for good', () => {
    const spec = { initContainers: [{ name: 'i' }] };
    expect(phase(spec, [status('i', running)], [status('a', waiting)])).toBe('Pending');
    expect(phase({ ...spec, restartPolicy: 'Never' }, [status('i', ended(1))], [status('a', waiting)])).toBe('Failed');
    expect(phase(spec, [status('i', ended(1))], [status('a', waiting)])).toBe('Pending');
  });

  it('ends by exit codes when the pod is ended, whatever the policy', () => {
    expect(phase({}, [], [status('a', ended(0))], true)).toBe('Succeeded');
    expect(phase({}, [], [status('a', ended(137))], true)).toBe('Failed');
  });
});

const pod = {
  metadata: { name: 'p', namespace: 'ns', uid: 'u' },
  spec: { containers: [{ name: 'a', image: 'i:1' }] },
} as unknown as Pod;
const facts: StatusFacts = {
  waiting: new Map(),
  ready: () => true,
  started: () => true,
  terminationMessage: () => undefined,
  runtimeName: 'docker',
  hostIp: '10.0.0.1',
  podIp: '10.1.0.2',
  startTime: 0,
  ending: false,
  now: 60_000,
};
const container = (state: string, more: object = {}, count = 0): RuntimeContainer =>
  ({
    id: `id${count}`,
    state,
    image: 'i:1',
    imageId: 'sha',
    createdAt: count,
    startedAt: 10_000,
    ...more,
    labels: {
      [labels.kind]: 'app',
      [labels.containerName]: 'a',
      [labels.restartCount]: String(count),
      [labels.sandboxId]: 's',
    },
  }) as unknown as RuntimeContainer;
const sandbox = {
  id: 's',
  state: 'running',
  createdAt: 0,
  labels: { [labels.kind]: 'sandbox' },
} as unknown as RuntimeContainer;

describe('podStatus', () => {
  it('reports a running container', () => {
    const result = podStatus(pod, viewOf([sandbox, container('running')]), facts, undefined);
    expect(result).toMatchObject({
      phase: 'Running',
      podIP: '10.1.0.2',
      hostIP: '10.0.0.1',
      startTime: '1970-01-01T00:00:00Z',
    });
    expect(result.containerStatuses).toEqual([
      {
        name: 'a',
        image: 'i:1',
        imageID: 'sha',
        containerID: 'docker://id0',
        state: { running: { startedAt: '1970-01-01T00:00:10Z' } },
        lastState: {},
        ready: true,
        restartCount: 0,
        started: true,
      },
    ]);
    expect(result.conditions!.map(({ type, status: is }) => `${type}=${is}`)).toEqual([
      'PodReadyToStartContainers=True',
      'Initialized=True',
      'Ready=True',
      'ContainersReady=True',
      'PodScheduled=True',
    ]);
  });

  it.each([
    [{ exitCode: 0 }, 'Completed', 0],
    [{ exitCode: 3 }, 'Error', 3],
    [{ exitCode: 137, oomKilled: true }, 'OOMKilled', 137],
    [{ exitCode: 128, error: 'no such file' }, 'StartError', 128],
  ])('names the end of a container %j', (end, reason, exitCode) => {
    const result = podStatus(
      pod,
      viewOf([sandbox, container('exited', { finishedAt: 20_000, ...end })]),
      facts,
      undefined,
    );
    expect(result.containerStatuses![0]!.state!.terminated).toMatchObject({
      reason,
      exitCode,
      finishedAt: '1970-01-01T00:00:20Z',
    });
  });

  it('shows the reason for waiting and the last end beside it', () => {
    const held = new Map([['a', { reason: 'CrashLoopBackOff', message: 'm' }]]);
    const view = viewOf([sandbox, container('exited', { exitCode: 1 }, 2)]);
    expect(podStatus(pod, view, { ...facts, waiting: held }, undefined).containerStatuses![0]).toMatchObject({
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'm' } },
      lastState: { terminated: { exitCode: 1 } },
      restartCount: 2,
    });
  });

  it('never leaves a final phase, and keeps what was reported of removed containers', () => {
    const over = { ...pod, status: { phase: 'Succeeded' } } as unknown as Pod;
    const before = podStatus(
      { ...pod, spec: { ...pod.spec!, restartPolicy: 'Never' } },
      viewOf([sandbox, container('exited', { exitCode: 0 })]),
      facts,
      undefined,
    );
    expect(before.phase).toBe('Succeeded');
    const after = podStatus(over, viewOf([]), facts, before);
    expect(after.phase).toBe('Succeeded');
    expect(after.containerStatuses![0]!.state!.terminated!.reason).toBe('Completed');
  });

  it('is not ready without its sandbox, though the container still runs', () => {
    const dead = { ...sandbox, state: 'exited' as const };
    const { phase: now, conditions } = podStatus(pod, viewOf([dead, container('running')]), facts, undefined);
    expect(now).toBe('Running');
    expect(conditions!.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      message: 'the sandbox of the pod does not run',
    });
  });

  it('keeps the time of a condition that did not change', () => {
    const before = podStatus(pod, viewOf([sandbox, container('running')]), facts, undefined);
    const after = podStatus(
      pod,
      viewOf([sandbox, container('running')]),
      { ...facts, ready: () => false, now: 90_000 },
      before,
    );
    const times = Object.fromEntries(after.conditions!.map((one) => [one.type, one.lastTransitionTime]));
    expect(times).toMatchObject({ Initialized: '1970-01-01T00:01:00Z', Ready: '1970-01-01T00:01:30Z' });
  });

  it('heeds readiness gates', () => {
    const gated = { ...pod, spec: { ...pod.spec!, readinessGates: [{ conditionType: 'lb' }] } };
    const ready = podStatus(gated, viewOf([sandbox, container('running')]), facts, undefined).conditions!.find(
      (one) => one.type === 'Ready',
    );
    expect(ready).toMatchObject({
      status: 'False',
      reason: 'ReadinessGatesNotReady',
      message: 'corresponding condition of pod readiness gate "lb" does not exist.',
    });
  });
});

describe('statusPatch', () => {
  const base: PodStatus = {
    phase: 'Pending',
    podIPs: [{ ip: '1' }],
    reason: 'x',
    conditions: [{ type: 'Ready', status: 'False', reason: 'r' }],
  };

  it('is nothing for the same status', () => {
    expect(statusPatch(base, structuredClone(base))).toBeUndefined();
    expect(statusPatch(base, { ...base, message: undefined })).toBeUndefined();
  });

  it('holds only what changed', () => {
    const to: PodStatus = { phase: 'Running', podIPs: [{ ip: '2' }], conditions: [{ type: 'Ready', status: 'True' }] };
    expect(statusPatch(base, to)).toEqual({
      phase: 'Running',
      podIPs: [{ ip: '2' }, { $patch: 'replace' }],
      reason: null,
      conditions: [{ type: 'Ready', status: 'True', reason: null, message: null }],
    });
  });
});

it.each([
  [{}, 'BestEffort'],
  [{ requests: { cpu: '1' } }, 'Burstable'],
  [{ requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1000m', memory: '1Gi' } }, 'Guaranteed'],
  [{ limits: { cpu: '1', memory: '1Gi' } }, 'Guaranteed'],
  [{ requests: { cpu: '500m' }, limits: { cpu: '1', memory: '1Gi' } }, 'Burstable'],
])('qosClass of %j is %s', (resources, wanted) => {
  expect(qosClass({ spec: { containers: [{ name: 'a', resources }] } } as never)).toBe(wanted);
});
