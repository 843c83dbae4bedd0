import { describe, expect, it } from 'vitest';
import type { LabelSelector, PodSpec } from '@shared/k8s';
import { cluster } from '../testing';

const zone = 'topology.kubernetes.io/zone';
const host = 'kubernetes.io/hostname';
const app = (value: string): LabelSelector => ({ matchLabels: { app: value } });
const term = (selector: LabelSelector, topologyKey = zone, more: object = {}) => ({
  labelSelector: selector,
  topologyKey,
  ...more,
});
type Affinity = NonNullable<PodSpec['affinity']>;
const near = (...terms: object[]) =>
  ({ podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } }) as Affinity;
const apart = (...terms: object[]) =>
  ({ podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } }) as Affinity;
const prefers = (podAffinityTerm: object, weight = 10) =>
  ({ podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] } }) as Affinity;
const prefersApart = (podAffinityTerm: object, weight = 10) =>
  ({ podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] } }) as Affinity;

/** Two zones with two nodes each, and a node in none. */
function zones() {
  const it = cluster();
  for (const [name, where] of Object.entries({ a1: 'a', a2: 'a', b1: 'b', b2: 'b' })) {
    it.node(name, { labels: { [zone]: where } });
  }
  it.node('x');
  return it;
}

/** The nodes that would take the pod. */
const takers = (it: ReturnType<typeof cluster>, about: Parameters<typeof it.why>[0] & object) =>
  it.snapshot
    .nodes()
    .map(({ name }) => name)
    .filter((name) => it.nodeOf({ ...about, nodeSelector: { [host]: name } } as never) === name)
    .join(' ');

describe('required affinity', () => {
  it('keeps pods in the domain of those they need', () => {
    const it = zones();
    it.on('a1', { labels: { app: 'db' } });
    expect(takers(it, { affinity: near(term(app('db'))) })).toBe('a1 a2');
    expect(takers(it, { affinity: near(term(app('db'), host)) })).toBe('a1');
  });

  it('says so when there are none, in the words of Kubernetes', () => {
    const it = zones();
    expect(it.why({ affinity: near(term(app('db'))) })).toBe(
      "0/5 nodes are available: 5 node(s) didn't match pod affinity rules.",
    );
  });

  it('lets the first of a group start anywhere that has the key', () => {
    const it = zones();
    const web = { labels: { app: 'web' }, affinity: near(term(app('web'))) };
    expect(takers(it, web)).toBe('a1 a2 b1 b2');
    it.on('b1', web);
    expect(takers(it, web)).toBe('b1 b2');
  });

  it('asks for pods that meet all terms at once', () => {
    const it = zones();
    it.on('a1', { labels: { app: 'db' } });
    it.on('b1', { labels: { app: 'db', tier: 'fast' } });
    const both = near(term(app('db')), term({ matchLabels: { tier: 'fast' } }, host));
    expect(takers(it, { affinity: both })).toBe('b1');
  });

  it('forgets pods that are gone', () => {
    const it = zones();
    const db = it.on('a1', { labels: { app: 'db' } });
    expect(takers(it, { affinity: near(term(app('db'))) })).toBe('a1 a2');
    it.snapshot.remove(db.uid);
    it.on('b1', db);
    expect(takers(it, { affinity: near(term(app('db'))) })).toBe('b1 b2');
  });
});

describe('required anti-affinity', () => {
  it('keeps pods out of the domain of those they shun', () => {
    const it = zones();
    it.on('a1', { labels: { app: 'db' } });
    expect(takers(it, { affinity: apart(term(app('db'))) })).toBe('b1 b2 x');
    it.on('b1', { labels: { app: 'db' } });
    expect(it.why({ nodeSelector: { [zone]: 'a' }, affinity: apart(term(app('db'))) })).toBe(
      "0/5 nodes are available: 2 node(s) didn't match pod anti-affinity rules, 3 node(s) didn't match Pod's node affinity/selector.",
    );
  });

  it('is symmetric: who runs already may shun newcomers', () => {
    const it = zones();
    it.on('a1', { labels: { app: 'db' }, affinity: apart(term(app('web'))) });
    expect(takers(it, { labels: { app: 'web' } })).toBe('b1 b2 x');
    expect(takers(it, { labels: { app: 'other' } })).toBe('a1 a2 b1 b2 x');
    expect(it.why({ labels: { app: 'web' }, nodeSelector: { [host]: 'a2' } })).toMatch(
      /1 node\(s\) didn't satisfy existing pods anti-affinity rules/,
    );
  });

  it('puts one of a kind on each node', () => {
    const it = zones();
    const one = { labels: { app: 'one' }, affinity: apart(term(app('one'), host)) };
    for (const name of ['a1', 'a2', 'b1', 'b2']) it.on(name, one);
    expect(takers(it, one)).toBe('x');
    it.on('x', one);
    expect(it.why(one)).toBe("0/5 nodes are available: 5 node(s) didn't match pod anti-affinity rules.");
  });
});

describe('the pods a term means', () => {
  const withNamespaces = () => {
    const it = zones();
    for (const [name, team] of Object.entries({ default: 'x', prod: 'blue', test: 'green' })) {
      it.snapshot.setNamespace(name, { metadata: { name, labels: { team } } } as never);
    }
    it.on('a1', { namespace: 'prod', labels: { app: 'db' } });
    it.on('b1', { namespace: 'test', labels: { app: 'db' } });
    return it;
  };

  it('are those of its own namespace, of named ones, or of those with labels', () => {
    const it = withNamespaces();
    const to = (more: object) => takers(it, { affinity: near(term(app('db'), zone, more)) });
    expect(to({})).toBe('');
    expect(to({ namespaces: ['prod'] })).toBe('a1 a2');
    expect(to({ namespaceSelector: { matchLabels: { team: 'green' } } })).toBe('b1 b2');
    expect(to({ namespaceSelector: {} })).toBe('a1 a2 b1 b2');
    expect(to({ namespaces: ['prod'], namespaceSelector: { matchLabels: { team: 'green' } } })).toBe('a1 a2 b1 b2');
  });

  it('change with the labels of namespaces', () => {
    const it = withNamespaces();
    const green = { affinity: near(term(app('db'), zone, { namespaceSelector: { matchLabels: { team: 'green' } } })) };
    expect(takers(it, green)).toBe('b1 b2');
    it.snapshot.setNamespace('prod', { metadata: { name: 'prod', labels: { team: 'green' } } } as never);
    expect(takers(it, green)).toBe('a1 a2 b1 b2');
  });

  it('are narrowed by matchLabelKeys and mismatchLabelKeys', () => {
    const it = zones();
    it.on('a1', { labels: { app: 'web', rev: '1' } });
    it.on('b1', { labels: { app: 'web', rev: '2' } });
    const to = (more: object) =>
      takers(it, { labels: { app: 'web', rev: '2' }, affinity: near(term(app('web'), zone, more)) });
    expect(to({ matchLabelKeys: ['rev'] })).toBe('b1 b2');
    expect(to({ mismatchLabelKeys: ['rev'] })).toBe('a1 a2');
    expect(to({ matchLabelKeys: ['none'] })).toBe('a1 a2 b1 b2');
  });
});

describe('preferences', () => {
  it('draw pods to and away from others', () => {
    const it = zones();
    it.on('a1', { labels: { app: 'db' } });
    expect(it.scores({ affinity: prefers(term(app('db'))) }, 'InterPodAffinity')).toEqual({
      a1: 200,
      a2: 200,
      b1: 0,
      b2: 0,
      x: 0,
    });
    expect(it.scores({ affinity: prefersApart(term(app('db'))) }, 'InterPodAffinity')).toEqual({
      a1: 0,
      a2: 0,
      b1: 200,
      b2: 200,
      x: 200,
    });
  });

  it('of pods that run already count too, and what they require a little', () => {
    const it = zones();
    it.on('a1', { affinity: prefers(term(app('web')), 4) });
    it.on('b1', { labels: { app: 'y' }, affinity: near(term(app('web'))) });
    expect(it.scores({ labels: { app: 'web' } }, 'InterPodAffinity')).toEqual({
      a1: 200,
      a2: 200,
      b1: 50,
      b2: 50,
      x: 0,
    });
  });
});
