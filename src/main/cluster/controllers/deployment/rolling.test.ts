import type { Deployment, ReplicaSet } from '@shared/k8s';
import { describe, expect, it } from 'vitest';
import { fenceposts, newSize, proportionalSizes, scaledValue, shrinkOld } from './rolling';

const deployment = (replicas: number, maxSurge: number | string = 0, maxUnavailable: number | string = 0) =>
  ({
    metadata: { name: 'web' },
    spec: { replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } },
  }) as unknown as Deployment;
const set = (name: string, replicas: number, available = replicas, max?: number) =>
  ({
    metadata: {
      name,
      creationTimestamp: `2026-01-01T00:00:0${name.slice(-1)}Z`,
      ...(max ? { annotations: { 'deployment.kubernetes.io/max-replicas': String(max) } } : {}),
    },
    spec: { replicas },
    status: { replicas, availableReplicas: available },
  }) as unknown as ReplicaSet;
const sizes = (resizes: { set: ReplicaSet; replicas: number }[]) =>
  Object.fromEntries(resizes.map((resize) => [resize.set.metadata.name, resize.replicas]));

describe('fenceposts', () => {
  it.each([
    [10, '25%', '25%', { surge: 3, unavailable: 2 }],
    [1, '25%', '25%', { surge: 1, unavailable: 0 }],
    [3, 0, '10%', { surge: 0, unavailable: 1 }],
    [2, 0, 5, { surge: 0, unavailable: 2 }],
    [0, '25%', '25%', { surge: 0, unavailable: 1 }],
  ])('of %i replicas with surge %s and unavailable %s', (replicas, surge, unavailable, expected) => {
    expect(fenceposts(deployment(replicas, surge, unavailable))).toMatchObject(
      replicas === 0 ? { surge: 0 } : expected,
    );
  });

  it('refuses what is no number and no percentage', () => {
    expect(() => scaledValue('ten', 4, 'up')).toThrow('invalid value for IntOrString: "ten"');
  });
});

describe('newSize', () => {
  it.each([
    [10, 2, 0, 10, 2],
    [10, 2, 2, 12, 2],
    [10, 2, 2, 11, 3],
    [10, 5, 8, 8, 10],
  ])('of %i with surge %i: %i of %i becomes %i', (replicas, surge, current, all, expected) => {
    expect(newSize(deployment(replicas, surge, 1), current, all)).toBe(expected);
  });
});

describe('shrinkOld', () => {
  it('takes pods that serve nobody before those that do', () => {
    const resizes = shrinkOld(deployment(10, 0, 2), set('new3', 0), [set('old1', 4, 4), set('old2', 6, 5)]);
    expect(sizes(resizes)).toEqual({ old2: 5, old1: 3 });
  });

  it('waits for the new pods to be available', () => {
    expect(shrinkOld(deployment(4, 1, 0), set('new2', 1, 0), [set('old1', 4)])).toEqual([]);
    expect(sizes(shrinkOld(deployment(4, 1, 0), set('new2', 1, 1), [set('old1', 4)]))).toEqual({ old1: 3 });
  });

  it('takes broken old pods even when nothing else may go', () => {
    expect(sizes(shrinkOld(deployment(4, 1, 0), set('new2', 1, 1), [set('old1', 4, 1)]))).toEqual({ old1: 3 });
  });
});

describe('proportionalSizes', () => {
  it('gives each its share and the largest the rest', () => {
    const before = [set('old1', 8, 8, 13), set('new2', 5, 0, 13)];
    expect(sizes(proportionalSizes(deployment(15, 3, 2), before))).toEqual({ old1: 11, new2: 7 });
  });

  it('shrinks in proportion too and never below zero', () => {
    const before = [set('old1', 8, 8, 13), set('new2', 5, 0, 13)];
    const after = proportionalSizes(deployment(5, 3, 2), before);
    expect(after.reduce((total, { replicas }) => total + replicas, 0)).toBe(8);
    expect(sizes(proportionalSizes(deployment(0, 3, 2), before))).toEqual({ old1: 0, new2: 0 });
  });
});
