import { describe, expect, it } from 'vitest';
import type { Pod } from '@shared/k8s';
import { planPod, type PlanFacts } from './pod-plan';
import { hashOf, viewOf, type PodView } from './pod-view';
import { labels, type RuntimeContainer } from './runtime/types';

const facts: PlanFacts = {
  failed: () => undefined,
  started: () => true,
  restartCountOf: () => undefined,
  hookRunning: false,
};

const pod = (spec: object = {}): Pod =>
  ({
    metadata: { name: 'p', namespace: 'ns', uid: 'u' },
    spec: {
      containers: [
        { name: 'a', image: 'i' },
        { name: 'b', image: 'i' },
      ],
      ...spec,
    },
  }) as unknown as Pod;

const sandbox = (state: string, id = 's', attempt = 0): RuntimeContainer =>
  ({
    id,
    state,
    createdAt: attempt,
    labels: { [labels.kind]: 'sandbox', [labels.restartCount]: String(attempt) },
  }) as unknown as RuntimeContainer;

const container = (name: string, state: string, more: object = {}, count = 0, sandboxId = 's'): RuntimeContainer =>
  ({
    id: `${name}${count}`,
    state,
    createdAt: count,
    ...more,
    labels: {
      [labels.kind]: 'app',
      [labels.containerName]: name,
      [labels.restartCount]: String(count),
      [labels.sandboxId]: sandboxId,
      [labels.specHash]: hashOf({ name, image: 'i' }),
    },
  }) as unknown as RuntimeContainer;

const plan = (spec: object, view: PodView, more: Partial<PlanFacts> = {}) => {
  const { start, kill, ...rest } = planPod(pod(spec), view, { ...facts, ...more });
  return {
    ...rest,
    removeSandboxes: rest.removeSandboxes.map((one) => one.id),
    start: start.map((one) => `${one.container.name}${one.restartCount}`),
    kill: kill.map((one) => `${one.target.id}: ${one.message}`),
  };
};
const nothing = { kill: [], removeSandboxes: [], createSandbox: false, start: [], finished: false };

describe('planPod', () => {
  it('starts an ephemeral container once, whatever else waits', () => {
    const spec = { ephemeralContainers: [{ name: 'debug', image: 'i', targetContainerName: 'a' }] };
    const both = [sandbox('running'), container('a', 'running'), container('b', 'running')];
    expect(plan(spec, viewOf(both))).toMatchObject({ start: ['debug0'], kill: [] });
    expect(plan(spec, viewOf(both), { hookRunning: true })).toMatchObject({ start: ['debug0'] });
    expect(plan(spec, viewOf([...both, container('debug', 'exited')]))).toMatchObject({ start: [] });
    expect(plan(spec, viewOf(both), { restartCountOf: () => 1 })).toMatchObject({ start: [] });
  });

  it('makes a sandbox and starts all containers of a new pod', () => {
    expect(plan({}, viewOf([]))).toEqual({ ...nothing, createSandbox: true, start: ['a0', 'b0'] });
  });

  it('has nothing to do for what runs', () => {
    expect(plan({}, viewOf([sandbox('running'), container('a', 'running'), container('b', 'running')]))).toEqual(
      nothing,
    );
  });

  it('restarts what ended, by policy', () => {
    const view = viewOf([
      sandbox('running'),
      container('a', 'exited', { exitCode: 0 }, 4),
      container('b', 'exited', { exitCode: 1 }),
    ]);
    expect(plan({}, view).start).toEqual(['a5', 'b1']);
    expect(plan({ restartPolicy: 'OnFailure' }, view).start).toEqual(['b1']);
    expect(plan({ restartPolicy: 'Never' }, view)).toEqual({ ...nothing, finished: true });
  });

  it('takes what was created and never started for a start that did not count', () => {
    expect(
      plan({}, viewOf([sandbox('running'), container('a', 'created', {}, 2), container('b', 'running')])).start,
    ).toEqual(['a2']);
  });

  it('goes on counting when a container left no trace', () => {
    const view = viewOf([sandbox('running'), container('b', 'running')]);
    expect(plan({}, view, { restartCountOf: (name) => (name === 'a' ? 3 : undefined) }).start).toEqual(['a3']);
  });

  it('ends a container that somebody started again although another took its place', () => {
    const view = viewOf([
      sandbox('running'),
      container('a', 'running', {}, 0),
      container('a', 'running', {}, 1),
      container('b', 'running'),
    ]);
    expect(plan({}, view)).toEqual({ ...nothing, kill: ['a0: Stopping container a, another has taken its place'] });
  });

  it('ends a container that runs in a sandbox of before', () => {
    const view = viewOf([
      sandbox('running', 'new', 1),
      container('a', 'running', {}, 0, 'old'),
      container('b', 'running', {}, 1, 'new'),
    ]);
    expect(plan({}, view).kill).toEqual(['a0: Stopping container a, its sandbox is gone']);
  });

  it('ends what runs without its sandbox and begins anew, init containers included', () => {
    const view = viewOf([sandbox('exited'), container('a', 'running'), container('b', 'exited', { exitCode: 0 })]);
    expect(plan({ initContainers: [{ name: 'i', image: 'i' }] }, view)).toEqual({
      ...nothing,
      kill: ['a0: Stopping container a'],
      removeSandboxes: ['s'],
      createSandbox: true,
      start: ['i0'],
    });
  });

  it('kills for a failed probe and a changed image', () => {
    const view = viewOf([sandbox('running'), container('a', 'running'), container('b', 'running')]);
    const changed = {
      containers: [
        { name: 'a', image: 'i' },
        { name: 'b', image: 'other' },
      ],
    };
    const failed: PlanFacts['failed'] = ({ name }) => (name === 'a' ? { message: 'failed' } : undefined);
    expect(plan(changed, view, { failed }).kill).toEqual([
      'a0: failed',
      'b0: Container b definition changed, will be restarted',
    ]);
  });

  it('runs init containers one by one and waits for sidecars to start', () => {
    const initContainers = [
      { name: 'x', image: 'i' },
      { name: 'side', image: 'i', restartPolicy: 'Always' },
      { name: 'y', image: 'i' },
    ];
    const step = (...more: RuntimeContainer[]) => plan({ initContainers }, viewOf([sandbox('running'), ...more])).start;
    const done = { exitCode: 0 };
    expect(step()).toEqual(['x0']);
    expect(step(container('x', 'running'))).toEqual([]);
    expect(step(container('x', 'exited', { exitCode: 1 }))).toEqual(['x1']);
    expect(step(container('x', 'exited', done))).toEqual(['side0']);
    expect(step(container('x', 'exited', done), container('side', 'running'))).toEqual(['y0']);
    const ready = [container('x', 'exited', done), container('side', 'running'), container('y', 'exited', done)];
    expect(step(...ready)).toEqual(['a0', 'b0']);
    const unstarted = plan({ initContainers }, viewOf([sandbox('running'), ready[0]!, ready[1]!]), {
      started: () => false,
    });
    expect(unstarted.start).toEqual([]);
  });

  it('gives up when an init container fails for good', () => {
    const view = viewOf([sandbox('running'), container('x', 'exited', { exitCode: 1 })]);
    expect(plan({ initContainers: [{ name: 'x', image: 'i' }], restartPolicy: 'Never' }, view)).toEqual({
      ...nothing,
      finished: true,
    });
  });

  it('ends sidecars after the work', () => {
    const initContainers = [{ name: 'side', image: 'i', restartPolicy: 'Always' }];
    const over = [container('a', 'exited', { exitCode: 0 }), container('b', 'exited', { exitCode: 0 })];
    const spec = { initContainers, restartPolicy: 'Never' };
    expect(plan(spec, viewOf([sandbox('running'), container('side', 'running'), ...over]))).toEqual({
      ...nothing,
      kill: ['side0: Stopping container side'],
    });
  });

  it('starts nothing more while a postStart hook runs', () => {
    expect(plan({}, viewOf([sandbox('running'), container('a', 'running')]), { hookRunning: true }).start).toEqual([]);
  });
});
