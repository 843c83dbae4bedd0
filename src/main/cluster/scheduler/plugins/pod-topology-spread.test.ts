import { describe, expect, it } from 'vitest';
import type { PodSpec } from '@shared/k8s';
import { cluster, podInfo } from '../testing';

const zone = 'topology.kubernetes.io/zone';
const host = 'kubernetes.io/hostname';
type Constraint = NonNullable<PodSpec['topologySpreadConstraints']>[number];
const constraint = (more: Partial<Constraint> = {}): Constraint => ({
  maxSkew: 1,
  topologyKey: zone,
  whenUnsatisfiable: 'DoNotSchedule',
  labelSelector: { matchLabels: { app: 'web' } },
  ...more,
});
const web = (...constraints: Constraint[]) => ({ labels: { app: 'web' }, topologySpreadConstraints: constraints });

function zones(options: Parameters<typeof cluster>[0] = {}) {
  const it = cluster(options);
  for (const [name, where] of Object.entries({ a1: 'a', a2: 'a', b1: 'b' })) {
    it.node(name, { labels: { [zone]: where } });
  }
  return it;
}

const takers = (it: ReturnType<typeof cluster>, about: object) =>
  it.snapshot
    .nodes()
    .map(({ name }) => name)
    .filter((name) => {
      const pod = podInfo(about);
      return !it.profile.filter(pod, it.snapshot).refusal(it.snapshot.get(name)!);
    })
    .join(' ');

describe('hard constraints', () => {
  it('keep the difference between domains within maxSkew', () => {
    const it = zones();
    it.on('a1', web());
    expect(takers(it, web(constraint()))).toBe('b1');
    expect(takers(it, web(constraint({ maxSkew: 2 })))).toBe('a1 a2 b1');
    it.on('b1', web());
    expect(takers(it, web(constraint()))).toBe('a1 a2 b1');
  });

  it('say so in the words of Kubernetes', () => {
    const it = zones();
    it.on('a1', web());
    it.node('x');
    expect(it.why({ ...web(constraint()), requests: { cpu: '5' } })).toBe(
      '0/4 nodes are available: 4 Insufficient cpu.',
    );
    it.node('b1', { labels: { [zone]: 'b' }, spec: { unschedulable: true } });
    expect(it.why(web(constraint()))).toBe(
      "0/4 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label), " +
        "1 node(s) were unschedulable, 2 node(s) didn't match pod topology spread constraints.",
    );
  });

  it('count no pods of other namespaces, other labels, or on their way out', () => {
    const it = zones();
    it.on('a1', { ...web(), namespace: 'other' });
    it.on('a1', { labels: { app: 'db' } });
    const going = podInfo(web());
    going.pod.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    it.on('a1', going);
    expect(takers(it, web(constraint()))).toBe('a1 a2 b1');
  });

  it('wait for as many domains as minDomains asks for', () => {
    const it = zones();
    it.on('a1', web());
    it.on('b1', web());
    expect(takers(it, web(constraint({ minDomains: 2 })))).toBe('a1 a2 b1');
    expect(takers(it, web(constraint({ minDomains: 3 })))).toBe('');
    it.node('c1', { labels: { [zone]: 'c' } });
    expect(takers(it, web(constraint({ minDomains: 3 })))).toBe('c1');
  });

  it('leave out nodes by the affinity and taints policies', () => {
    const it = zones();
    it.node('b1', { labels: { [zone]: 'b' }, spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } });
    it.on('a1', web());
    // Zone b is counted as empty although nobody may go there.
    expect(takers(it, web(constraint()))).toBe('');
    expect(takers(it, web(constraint({ nodeTaintsPolicy: 'Honor' })))).toBe('a1 a2');
    const inA = { ...web(constraint()), nodeSelector: { [zone]: 'a' } };
    expect(takers(it, inA)).toBe('a1 a2');
    expect(takers(it, { ...inA, topologySpreadConstraints: [constraint({ nodeAffinityPolicy: 'Ignore' })] })).toBe('');
  });

  it('look at pods of the same revision alone with matchLabelKeys', () => {
    const it = zones();
    it.on('a1', { labels: { app: 'web', rev: '1' } });
    const next = {
      labels: { app: 'web', rev: '2' },
      topologySpreadConstraints: [constraint({ matchLabelKeys: ['rev'] })],
    };
    expect(takers(it, next)).toBe('a1 a2 b1');
    it.on('b1', next);
    expect(takers(it, next)).toBe('a1 a2');
  });

  it('hold all at once', () => {
    const it = zones();
    it.on('a1', web());
    it.on('b1', web());
    expect(takers(it, web(constraint(), constraint({ topologyKey: host })))).toBe('a2');
  });
});

describe('soft constraints', () => {
  it('prefer the emptier domain', () => {
    const it = zones();
    it.on('a1', web());
    it.on('a2', web());
    const soft = constraint({ whenUnsatisfiable: 'ScheduleAnyway' });
    const scores = it.scores(web(soft), 'PodTopologySpread');
    expect(scores.a1).toBe(scores.a2);
    expect(scores.b1).toBeGreaterThan(scores.a1!);
    expect(it.nodeOf(web(soft))).toBe('b1');
  });

  it('give nodes without the key nothing', () => {
    const it = zones();
    it.node('x');
    const soft = constraint({ whenUnsatisfiable: 'ScheduleAnyway' });
    expect(it.scores(web(soft), 'PodTopologySpread')).toEqual({ a1: 200, a2: 200, b1: 200, x: 0 });
  });
});

describe('the defaults', () => {
  const selector = { matchLabels: { app: 'web' } };

  it('spread the pods of a service or workload over nodes', () => {
    const it = zones({ view: { groupSelector: () => selector } });
    const placed: string[] = [];
    for (let i = 0; i < 30; i++) {
      const pod = podInfo({ labels: { app: 'web' } });
      const { node } = it.decide(pod);
      placed.push(it.on(node!.name, pod) && node!.name);
    }
    const count = (name: string) => placed.filter((each) => each === name).length;
    expect(Math.max(...['a1', 'a2', 'b1'].map(count)) - Math.min(...['a1', 'a2', 'b1'].map(count))).toBeLessThan(6);
  });

  it('have nothing to say about single pods, or where a profile turns them off', () => {
    expect(
      zones()
        .decide(podInfo({}))
        .scores.map(({ plugin }) => plugin),
    ).not.toContain('PodTopologySpread');
    const it = zones({ view: { groupSelector: () => selector }, profile: { defaultConstraints: [] } });
    expect(it.decide(podInfo({})).scores.map(({ plugin }) => plugin)).not.toContain('PodTopologySpread');
  });
});
