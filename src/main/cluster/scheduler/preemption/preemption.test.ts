import { describe, expect, it } from 'vitest';
import type { PodDisruptionBudget } from '@shared/k8s';
import { cluster, podInfo, type PodOptions } from '../testing';
import type { PodInfo } from '../snapshot';
import { searchPreemption } from './search';

const asking = (cpu: string, priority: number, more: PodOptions = {}) =>
  podInfo({ requests: { cpu }, priority, ...more });

function setUp(...nodes: string[]) {
  const it = cluster();
  for (const name of nodes) it.node(name);
  const search = (pod: PodInfo, options: { budgets?: PodDisruptionBudget[]; leaving?: PodInfo[] } = {}) =>
    searchPreemption({
      placement: it.decide(pod),
      pod,
      snapshot: it.snapshot,
      budgets: () => options.budgets ?? [],
      isLeaving: (other) => options.leaving?.includes(other) ?? false,
      random: () => 0,
    });
  /** `node: victims`, or why not. */
  const result = (pod: PodInfo, options = {}) => {
    const found = search(pod, options);
    if (typeof found === 'string') return found;
    return `${found.node.name}: ${found.pods.map((victim) => victim.pod.metadata.name).join(' ')}`;
  };
  return { ...it, result };
}

describe('who must go', () => {
  it('are as few as possible, the least important, the youngest', () => {
    const { on, result, snapshot } = setUp('a');
    on('a', asking('1', 5, { name: 'five' }));
    on('a', asking('1', 1, { name: 'old', status: { startTime: '2026-01-01T00:00:00Z' } }));
    on('a', asking('1', 1, { name: 'young', status: { startTime: '2026-01-02T00:00:00Z' } }));
    on('a', asking('1', 9, { name: 'nine' }));
    expect(result(asking('1', 10))).toBe('a: young');
    expect(result(asking('2', 10))).toBe('a: old young');
    expect(result(asking('3', 9))).toBe('a: five old young');
    // Nobody was taken away for good.
    expect(snapshot.get('a')!.requested.cpu).toBe(4000);
    expect(snapshot.get('a')!.pods.size).toBe(4);
  });

  it('are on the node where they hurt least', () => {
    const { on, result } = setUp('a', 'b', 'c');
    on('a', asking('4', 5, { name: 'five' }));
    on('b', asking('2', 3, { name: 'three' }));
    on('b', asking('2', 3, { name: 'three too' }));
    on('c', asking('4', 3, { name: 'alone' }));
    expect(result(asking('3', 10))).toBe('c: alone');
  });

  it('are not those a budget protects, if others will do', () => {
    const { on, result } = setUp('a', 'b');
    on('a', asking('4', 1, { name: 'protected', labels: { app: 'db' } }));
    on('b', asking('4', 5, { name: 'free' }));
    const budget = {
      spec: { selector: { matchLabels: { app: 'db' } } },
      status: { disruptionsAllowed: 0 },
    } as unknown as PodDisruptionBudget;
    expect(result(asking('1', 10), { budgets: [budget] })).toBe('b: free');
    expect(result(asking('1', 4), { budgets: [budget] })).toBe('a: protected');
    expect(result(asking('1', 10))).toBe('a: protected');
  });

  it('are those whose anti-affinity is in the way', () => {
    const { on, result } = setUp('a');
    const terms = [{ labelSelector: { matchLabels: { app: 'web' } }, topologyKey: 'kubernetes.io/hostname' }];
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } };
    on('a', asking('1', 1, { name: 'shy', affinity }));
    on('a', asking('1', 1, { name: 'other' }));
    expect(result(asking('1', 10, { labels: { app: 'web' } }))).toBe('a: shy');
  });

  it('are those that spread unevenly', () => {
    const { on, result } = setUp('a', 'b');
    const labels = { app: 'web' };
    on('a', asking('1', 1, { name: 'one', labels }));
    on('b', asking('4', 20, { name: 'full' }));
    const constraint = { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule' };
    const topologySpreadConstraints = [{ ...constraint, labelSelector: { matchLabels: labels } }];
    expect(result(asking('1', 10, { labels, topologySpreadConstraints }))).toBe('a: one');
  });
});

describe('why nobody goes', () => {
  it('is told by node', () => {
    const { node, on, result } = setUp('a', 'b');
    node('c', { spec: { unschedulable: true } });
    node('d', { allocatable: { cpu: '1' } });
    on('a', asking('4', 10));
    on('b', asking('3', 10));
    on('b', asking('1', 1));
    expect(result(asking('2', 10))).toBe(
      'preemption: 0/4 nodes are available: 1 Insufficient cpu, 1 No preemption victims found for incoming pod, ' +
        '2 Preemption is not helpful for scheduling.',
    );
  });

  it('is the policy of the pod, or that somebody goes already', () => {
    const { on, result, snapshot } = setUp('a');
    const low = on('a', asking('4', 1));
    expect(result(asking('1', 10, { preemptionPolicy: 'Never' }))).toBe(
      'preemption: not eligible due to preemptionPolicy=Never.',
    );
    const pod = asking('1', 10);
    snapshot.nominations.set(pod, 'a');
    expect(result(pod, { leaving: [low] })).toBe(
      'preemption: not eligible due to a terminating pod on the nominated node.',
    );
    expect(result(pod)).toMatch(/^a: /);
  });
});
