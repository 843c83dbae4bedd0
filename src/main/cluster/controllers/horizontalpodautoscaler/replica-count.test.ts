import type { Pod } from '@shared/k8s';
import { describe, expect, it } from 'vitest';
import { timestamp } from '../../clock';
import type { PodMetrics } from './metrics-reader';
import {
  averageOf,
  groupPods,
  perPodReplicas,
  requestsOf,
  sharedReplicas,
  utilizationOf,
  wholeReplicas,
} from './replica-count';

const now = Date.parse('2026-01-01T01:00:00Z');
const ago = (seconds: number) => timestamp(now - seconds * 1000);
const tolerances = { up: 0.1, down: 0.1 };

interface Made {
  phase?: string;
  ready?: boolean;
  /** Seconds since it started, and since it became what it is. */
  started?: number;
  since?: number;
  deleted?: boolean;
  request?: string;
}
const pod = (name: string, made: Made = {}): Pod => {
  const { phase = 'Running', ready = true, started = 3000, since = 2900, deleted, request = '100m' } = made;
  return {
    metadata: { name, ...(deleted ? { deletionTimestamp: ago(1) } : {}) },
    spec: { containers: [{ name: 'web', resources: { requests: { cpu: request } } }] },
    status: {
      phase,
      startTime: ago(started),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: ago(since) }],
    },
  } as unknown as Pod;
};
const metrics = (values: Record<string, number>, secondsAgo = 0): PodMetrics =>
  new Map(
    Object.entries(values).map(([name, value]) => [name, { value, time: now - secondsAgo * 1000, windowMs: 10_000 }]),
  );
const group = (one: Pod, values = metrics({ a: 1 }), resource = 'cpu') => {
  const { ready, ...sets } = groupPods([one], values, resource, now);
  return ready ? 'ready' : Object.entries(sets).find(([, names]) => names.has('a'))?.[0];
};

describe('pods are grouped', () => {
  it.each<[string, Made, string]>([
    ['one that is deleted', { deleted: true }, 'ignored'],
    ['one that failed', { phase: 'Failed' }, 'ignored'],
    ['one that is pending', { phase: 'Pending' }, 'unready'],
    ['one that works', {}, 'ready'],
    ['one that starts and is not ready', { ready: false, started: 60, since: 60 }, 'unready'],
    ['one that became ready within the sample', { started: 60, since: 5 }, 'unready'],
    ['one that became ready before the sample', { started: 60, since: 10 }, 'ready'],
    ['one that never became ready', { ready: false, started: 3000, since: 2990 }, 'unready'],
    ['one that is ready no more', { ready: false, started: 3000, since: 100 }, 'ready'],
  ])('%s', (_, made, wanted) => expect(group(pod('a', made))).toBe(wanted));

  it('by their samples', () => {
    expect(group(pod('a'), metrics({}))).toBe('missing');
    expect(group(pod('a', { ready: false, started: 60, since: 60 }), metrics({ a: 1 }), 'memory')).toBe('ready');
  });
});

describe('replicas by utilization', () => {
  const count = (pods: Pod[], values: Record<string, number>, percent = 50, current = pods.length) => {
    const found = metrics(values);
    const requests = requestsOf(pods, 'cpu');
    return perPodReplicas({
      current,
      metrics: found,
      groups: groupPods(pods, found, 'cpu', now),
      tolerances,
      measure: (some) => utilizationOf(some, requests, percent),
      assumed: (name) => (requests.get(name)! * Math.max(100, percent)) / 100,
    }).replicas;
  };
  const [a, b, c] = [pod('a'), pod('b'), pod('c')];

  it('of pods that all have samples', () => {
    expect(count([a, b], { a: 90, b: 60 })).toBe(3);
    expect(count([a, b, c], { a: 5, b: 5, c: 5 })).toBe(1);
    expect(count([a, b], { a: 55, b: 55 })).toBe(2);
  });

  it('takes pods without samples to use nothing when scaling up', () => {
    expect(count([a, b, c], { a: 100, b: 100 })).toBe(4);
    // Alone they would make it more, together nothing is to be done.
    expect(count([a, b, c], { a: 75, b: 80 })).toBe(3);
  });

  it('takes pods without samples to use all they asked for when scaling down', () => {
    expect(count([a, b, c], { a: 10, b: 10 })).toBe(3);
    expect(count([a, b, c], { a: 10, b: 10 }, 80)).toBe(2);
  });

  it('takes pods that start to use nothing when scaling up, and leaves them out when scaling down', () => {
    const starting = pod('c', { ready: false, started: 20, since: 20 });
    expect(count([a, b, starting], { a: 100, b: 100, c: 500 })).toBe(4);
    expect(count([a, b, starting], { a: 10, b: 10, c: 500 })).toBe(1);
    expect(count([a, b, starting], { a: 60, b: 60, c: 0 })).toBe(3);
  });

  it('knows nothing without a sample', () => {
    expect(() => count([pod('a', { phase: 'Pending' })], { a: 1 })).toThrow(
      'did not receive metrics for targeted pods (pods might be unready)',
    );
  });

  it('counts requests of containers and of sidecars', () => {
    const two = pod('a');
    two.spec!.initContainers = [
      { name: 'side', image: 'a', restartPolicy: 'Always', resources: { requests: { cpu: '50m' } } },
      { name: 'once', image: 'a' },
    ];
    expect(requestsOf([two], 'cpu').get('a')).toBe(150);
    expect(requestsOf([two], 'cpu', 'side').get('a')).toBe(50);
    expect(() => requestsOf([two], 'memory')).toThrow('missing request for memory in container web of Pod a');
  });
});

it('averages what pods use', () => {
  expect(averageOf(metrics({ a: 10, b: 30 }), 10)).toEqual({ ratio: 2, average: 20 });
});

it('counts replicas by a metric of the whole', () => {
  const pods = [pod('a'), pod('b'), pod('c', { ready: false })];
  expect(wholeReplicas(3, 2, tolerances, pods)).toBe(4);
  expect(wholeReplicas(3, 1.05, tolerances, pods)).toBe(3);
  expect(wholeReplicas(0, 2.5, tolerances, [])).toBe(3);
  expect(sharedReplicas(2, 9000, 3000, tolerances)).toBe(3);
  expect(sharedReplicas(3, 9500, 3000, tolerances)).toBe(3);
  expect(sharedReplicas(0, 0, 3000, tolerances)).toBe(0);
});
