import { describe, expect, it } from 'vitest';
import type { Node, PodSpec } from './k8s';
import { matchesNodeSelection } from './node-selector';
import { podLimits, podRequests } from './pod-resources';
import { tolerates, untolerated } from './taints';

const container = (requests: Record<string, string>, more: object = {}) => ({
  name: 'c',
  resources: { requests },
  ...more,
});
const sidecar = { restartPolicy: 'Always' };

describe('requests of a pod', () => {
  it('are the sum of its containers and its overhead', () => {
    const spec: PodSpec = {
      containers: [container({ cpu: '250m', memory: '64Mi' }), container({ cpu: '1', 'example.com/device': '2' })],
      overhead: { cpu: '10m', memory: '1Mi' },
    };
    expect(podRequests(spec)).toEqual({ cpu: 1260, memory: 65 * 1024 ** 2, 'example.com/device': 2 });
  });

  it('are those of the greediest init container when that is more', () => {
    const spec: PodSpec = {
      containers: [container({ cpu: '100m', memory: '10Mi' })],
      initContainers: [container({ cpu: '500m' }), container({ cpu: '300m', memory: '5Mi' })],
    };
    expect(podRequests(spec)).toEqual({ cpu: 500, memory: 10 * 1024 ** 2 });
  });

  it('count sidecars beside the containers and beside later init containers', () => {
    const spec: PodSpec = {
      containers: [container({ cpu: '100m' })],
      initContainers: [container({ cpu: '350m' }), container({ cpu: '200m' }, sidecar), container({ cpu: '300m' })],
    };
    expect(podRequests(spec)).toEqual({ cpu: 500 });
    expect(podRequests({ ...spec, containers: [container({ cpu: '400m' })] })).toEqual({ cpu: 600 });
  });

  it('can count at least something for a container that asks for nothing', () => {
    const spec: PodSpec = { containers: [container({}), container({ cpu: '1' })] };
    expect(podRequests(spec, { cpu: 100 })).toEqual({ cpu: 1100 });
    expect(podRequests(spec)).toEqual({ cpu: 1000 });
    expect(podLimits(spec)).toEqual({});
  });
});

describe('taints', () => {
  const taint = { key: 'k', value: 'v', effect: 'NoSchedule' };
  it.each([
    [{ key: 'k', value: 'v' }, true],
    [{ key: 'k', operator: 'Equal', value: 'other' }, false],
    [{ key: 'k', operator: 'Exists' }, true],
    [{ operator: 'Exists' }, true],
    [{ operator: 'Exists', effect: 'NoExecute' }, false],
    [{ key: 'k', value: 'v', effect: 'NoSchedule' }, true],
    [{ value: 'v' }, false],
  ])('%j tolerates it: %s', (toleration, expected) => expect(tolerates(toleration, taint)).toBe(expected));

  it('that no toleration covers are found by effect', () => {
    const soft = { key: 'soft', effect: 'PreferNoSchedule' };
    expect(untolerated([soft, taint], [], ['NoSchedule'])).toBe(taint);
    expect(untolerated([soft, taint], [{ key: 'k', operator: 'Exists' }], ['NoSchedule'])).toBeUndefined();
    expect(untolerated(undefined, undefined, ['NoSchedule'])).toBeUndefined();
  });
});

describe('node selection', () => {
  const node = { metadata: { name: 'n1', labels: { disk: 'ssd', zone: 'a', cores: '8' } } } as unknown as Node;
  const affinity = (...nodeSelectorTerms: object[]) =>
    ({
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
    }) as PodSpec;
  const expression = (key: string, operator: string, ...values: string[]) => ({
    matchExpressions: [{ key, operator, values }],
  });
  it.each([
    [{ nodeSelector: { disk: 'ssd' } }, true],
    [{ nodeSelector: { disk: 'ssd', zone: 'b' } }, false],
    [{}, true],
    [affinity(expression('disk', 'In', 'hdd', 'ssd')), true],
    [affinity(expression('disk', 'NotIn', 'ssd')), false],
    [affinity(expression('absent', 'NotIn', 'ssd')), true],
    [affinity(expression('disk', 'Exists')), true],
    [affinity(expression('disk', 'DoesNotExist')), false],
    [affinity(expression('cores', 'Gt', '4')), true],
    [affinity(expression('cores', 'Lt', '8')), false],
    [affinity(expression('disk', 'Gt', '4')), false],
    [affinity(expression('disk', 'In', 'hdd'), expression('zone', 'In', 'a')), true],
    [
      affinity({
        matchExpressions: [
          { key: 'disk', operator: 'Exists' },
          { key: 'zone', operator: 'In', values: ['b'] },
        ],
      }),
      false,
    ],
    [affinity({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }), true],
    [affinity({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n2'] }] }), false],
    [affinity({}), false],
    [affinity(), false],
    [{ nodeSelector: { zone: 'b' }, ...affinity(expression('disk', 'Exists')) }, false],
  ])('%j takes the node: %s', (spec, expected) => expect(matchesNodeSelection(spec as PodSpec, node)).toBe(expected));
});
