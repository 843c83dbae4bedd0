import { describe, expect, it } from 'vitest';
import { podReady, podRestarts, podRestartsText, podStatusText } from './pod-status';

const running = (ready = true, more: object = {}) => ({
  name: 'a',
  ready,
  restartCount: 0,
  state: { running: {} },
  ...more,
});
const waiting = (reason: string, more: object = {}) => ({
  name: 'a',
  ready: false,
  restartCount: 0,
  state: { waiting: { reason } },
  ...more,
});
const terminated = (state: object, more: object = {}) => ({
  name: 'a',
  ready: false,
  restartCount: 0,
  state: { terminated: state },
  ...more,
});

function pod(status: object, spec: object = { containers: [{ name: 'a' }] }, metadata: object = {}): any {
  return { metadata, spec, status };
}

describe('podStatusText', () => {
  it.each([
    ['the phase', pod({ phase: 'Pending' }), 'Pending'],
    ['the reason of the pod', pod({ phase: 'Failed', reason: 'Evicted' }), 'Evicted'],
    ['running containers', pod({ phase: 'Running', containerStatuses: [running()] }), 'Running'],
    ['a crash loop', pod({ phase: 'Running', containerStatuses: [waiting('CrashLoopBackOff')] }), 'CrashLoopBackOff'],
    ['a pull that failed', pod({ phase: 'Pending', containerStatuses: [waiting('ErrImagePull')] }), 'ErrImagePull'],
    [
      'completion',
      pod({ phase: 'Succeeded', containerStatuses: [terminated({ exitCode: 0, reason: 'Completed' })] }),
      'Completed',
    ],
    ['an exit code', pod({ phase: 'Failed', containerStatuses: [terminated({ exitCode: 3 })] }), 'ExitCode:3'],
    ['a signal', pod({ phase: 'Failed', containerStatuses: [terminated({ exitCode: 137, signal: 9 })] }), 'Signal:9'],
    [
      'one of two containers done',
      pod({
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'False' }],
        containerStatuses: [terminated({ exitCode: 0, reason: 'Completed' }), running()],
      }),
      'NotReady',
    ],
    [
      'a pod that is ready although one container is done',
      pod({
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [terminated({ exitCode: 0, reason: 'Completed' }), running()],
      }),
      'Running',
    ],
    [
      'init containers',
      pod(
        { phase: 'Pending', initContainerStatuses: [terminated({ exitCode: 0 }), running(false)] },
        { containers: [{ name: 'a' }], initContainers: [{ name: 'x' }, { name: 'y' }] },
      ),
      'Init:1/2',
    ],
    [
      'an init container that crashes',
      pod(
        { phase: 'Pending', initContainerStatuses: [waiting('CrashLoopBackOff')] },
        { containers: [{ name: 'a' }], initContainers: [{ name: 'a' }] },
      ),
      'Init:CrashLoopBackOff',
    ],
    [
      'an init container that failed',
      pod(
        { phase: 'Failed', initContainerStatuses: [terminated({ exitCode: 2 })] },
        { containers: [{ name: 'a' }], initContainers: [{ name: 'a' }] },
      ),
      'Init:ExitCode:2',
    ],
    [
      'a scheduling gate',
      pod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }),
      'SchedulingGated',
    ],
    [
      'deletion',
      pod({ phase: 'Running', containerStatuses: [running()] }, undefined, {
        deletionTimestamp: '2026-01-01T00:00:00Z',
      }),
      'Terminating',
    ],
    [
      'deletion on a lost node',
      pod({ phase: 'Running', reason: 'NodeLost' }, undefined, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      'Unknown',
    ],
    ['no status at all', { spec: { containers: [] } } as any, 'Unknown'],
  ])('shows %s', (_, object, words) => {
    expect(podStatusText(object)).toBe(words);
  });
});

describe('readiness and restarts', () => {
  it('counts sidecars among the containers', () => {
    const object = pod(
      {
        phase: 'Running',
        initContainerStatuses: [running(true, { name: 'side', started: true, restartCount: 2 })],
        containerStatuses: [running()],
      },
      { containers: [{ name: 'a' }], initContainers: [{ name: 'side', restartPolicy: 'Always' }] },
    );
    expect(podReady(object)).toEqual({ ready: 2, total: 2 });
    expect(podRestarts(object).restarts).toBe(2);
  });

  it('forgets restarts of init containers once they are done', () => {
    const object = pod(
      {
        phase: 'Running',
        initContainerStatuses: [terminated({ exitCode: 0 }, { restartCount: 5 })],
        containerStatuses: [running()],
      },
      { containers: [{ name: 'a' }], initContainers: [{ name: 'a' }] },
    );
    expect(podRestarts(object).restarts).toBe(0);
  });

  it('says when the last restart was', () => {
    const lastState = { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:00:00Z' } };
    const object = pod({ phase: 'Running', containerStatuses: [running(true, { restartCount: 3, lastState })] });
    expect(podRestartsText(object, Date.parse('2026-01-01T00:05:00Z'))).toBe('3 (5m ago)');
    expect(podRestartsText(pod({ containerStatuses: [running()] }), 0)).toBe('0');
  });
});
