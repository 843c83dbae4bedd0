import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../settings';
import { cluster, podInfo } from '../testing';

const half = { requests: { cpu: '1', memory: '2Gi' } };
const [, packing] = defaultSettings().profiles;

describe('resources', () => {
  it('the least allocated node is best, or the most allocated', () => {
    for (const [type, expected] of [
      ['LeastAllocated', { a: 50, b: 75 }],
      ['MostAllocated', { a: 50, b: 25 }],
    ] as const) {
      const { node, on, scores } = cluster({ profile: { scoringStrategy: { type } } });
      node('a');
      node('b');
      on('a', half);
      expect(scores(half, 'NodeResourcesFit')).toEqual(expected);
    }
  });

  it('resources weigh as the strategy says', () => {
    const resources = [
      { name: 'cpu', weight: 3 },
      { name: 'memory', weight: 1 },
    ];
    const { node, on, scores } = cluster({ profile: { scoringStrategy: { type: 'LeastAllocated', resources } } });
    node('a');
    node('b');
    on('a', { requests: { cpu: '2', memory: '0' } });
    expect(scores({ requests: { cpu: '1', memory: '4Gi' } }, 'NodeResourcesFit')).toEqual({ a: 31, b: 68 });
  });

  it('a curve scores by utilization', () => {
    const shape = [
      { utilization: 0, score: 0 },
      { utilization: 50, score: 10 },
      { utilization: 100, score: 2 },
    ];
    const profile = { scoringStrategy: { type: 'RequestedToCapacityRatio' as const, shape } };
    const { node, on, scores } = cluster({ profile });
    for (const name of ['a', 'b', 'c']) node(name);
    on('b', half);
    on('c', { requests: { cpu: '3', memory: '6Gi' } });
    expect(scores(half, 'NodeResourcesFit')).toEqual({ a: 50, b: 100, c: 20 });
  });

  it('the bin packing profile fills one node before it takes the next', () => {
    const it = cluster({ profile: packing });
    for (const name of ['a', 'b', 'c']) it.node(name);
    const placed: string[] = [];
    for (let i = 0; i < 6; i++) {
      const pod = podInfo(half);
      const { node } = it.decide(pod, 0, () => 0.9);
      it.on(node!.name, pod);
      placed.push(node!.name);
    }
    expect(placed).toEqual(['c', 'c', 'c', 'c', 'b', 'b']);
  });

  it('nodes that stay balanced are preferred, for pods that ask for something', () => {
    const { node, on, scores, decide } = cluster();
    node('a');
    node('b');
    on('a', { requests: { cpu: '3' } });
    expect(scores({ requests: { memory: '6Gi' } }, 'NodeResourcesBalancedAllocation')).toEqual({ a: 100, b: 62 });
    expect(decide(podInfo()).scores.map(({ plugin }) => plugin)).not.toContain('NodeResourcesBalancedAllocation');
  });
});

describe('images', () => {
  const images = [{ names: ['docker.io/library/big:latest'], sizeBytes: 1e9 }];

  it('nodes that have them are preferred, whatever name they go by', () => {
    const { node, scores } = cluster();
    node('a', { images });
    node('b');
    const given = scores({ image: 'big' }, 'ImageLocality');
    expect(given.a).toBeGreaterThan(40);
    expect(given.b).toBe(0);
    expect(scores({ image: 'registry.example:5000/big' }, 'ImageLocality').a).toBeNaN();
  });

  it('are known as the nodes report them', () => {
    const { node, scores } = cluster();
    node('a', { images });
    node('b', { images });
    node('a', {});
    expect(scores({ image: 'big:latest' }, 'ImageLocality').a).toBe(0);
    expect(scores({ image: 'big:latest' }, 'ImageLocality').b).toBeGreaterThan(0);
    node('b', {});
    expect(scores({ image: 'big:latest' }, 'ImageLocality').b).toBeNaN();
  });
});
