import { describe, expect, it } from 'vitest';
import type { Node, Pod, PodSpec } from '@shared/k8s';
import { enoughNodes, place } from './placement';
import { NodeInfo, PodInfo, Snapshot } from './snapshot';

let uid = 0;
const podInfo = (spec: Partial<PodSpec> = {}, requests: Record<string, string> = {}) =>
  new PodInfo({
    metadata: { name: 'p', namespace: 'default', uid: `uid-${++uid}` },
    spec: { containers: [{ name: 'c', resources: { requests } }], ...spec },
  } as unknown as Pod);

function node(
  name: string,
  options: { spec?: Node['spec']; labels?: Record<string, string>; allocatable?: Record<string, string> } = {},
): NodeInfo {
  const info = new NodeInfo();
  info.setNode({
    metadata: { name, labels: options.labels },
    spec: options.spec,
    status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...options.allocatable } },
  } as unknown as Node);
  return info;
}

const nameOf = (pod: PodInfo, nodes: NodeInfo[], start = 0, random = () => 0) =>
  place(pod, nodes, start, random).node?.node?.metadata.name;
const messageOf = (pod: PodInfo, nodes: NodeInfo[]) => {
  const placement = place(pod, nodes, 0, () => 0);
  return placement.node ? undefined : placement.message;
};
const tainted = (value?: string, effect = 'NoSchedule') => ({ taints: [{ key: 'key', value, effect }] });

describe('why no node takes a pod', () => {
  it('is told in the words of Kubernetes, counted and sorted', () => {
    const nodes = [
      node('a', { allocatable: { cpu: '1' } }),
      node('b', { spec: tainted('value') }),
      node('c', { spec: tainted('value') }),
    ];
    expect(messageOf(podInfo({}, { cpu: '2' }), nodes)).toBe(
      '0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {key: value}.',
    );
  });

  it('names every resource that is short, on one node', () => {
    const full = node('a', { allocatable: { cpu: '1', memory: '1Gi', pods: '0' } });
    expect(messageOf(podInfo({}, { cpu: '2', memory: '2Gi', 'example.com/gpu': '1' }), [full])).toBe(
      '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient example.com/gpu, 1 Insufficient memory, 1 Too many pods.',
    );
  });

  it.each([
    ['unschedulable', { spec: { unschedulable: true } }, {}, 'node(s) were unschedulable'],
    ['another name', {}, { nodeName: 'other' }, "node(s) didn't match the requested node name"],
    ['a taint without a value', { spec: tainted(undefined, 'NoExecute') }, {}, 'node(s) had untolerated taint {key: }'],
    [
      'labels',
      { labels: { disk: 'hdd' } },
      { nodeSelector: { disk: 'ssd' } },
      "node(s) didn't match Pod's node affinity/selector",
    ],
  ] as const)('%s', (_, options, spec, reason) => {
    expect(messageOf(podInfo(spec as PodSpec), [node('a', options as object)])).toBe(
      `0/1 nodes are available: 1 ${reason}.`,
    );
  });

  it('is that there are none', () => {
    expect(messageOf(podInfo(), [])).toBe('no nodes available to schedule pods');
  });

  it('counts a node by the first filter that refuses it', () => {
    const cordoned = node('a', { spec: { unschedulable: true, ...tainted('v') }, allocatable: { cpu: '0' } });
    expect(messageOf(podInfo({}, { cpu: '1' }), [cordoned])).toBe(
      '0/1 nodes are available: 1 node(s) were unschedulable.',
    );
  });
});

describe('a node takes a pod', () => {
  it('that tolerates its taints, also that of a cordon', () => {
    const cordoned = node('a', {
      spec: { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] },
    });
    expect(nameOf(podInfo({ tolerations: [{ operator: 'Exists' }] } as PodSpec), [cordoned])).toBe('a');
    expect(nameOf(podInfo(), [cordoned])).toBeUndefined();
  });

  it('whose requests fit exactly, and not one more', () => {
    const one = node('a', { allocatable: { cpu: '1' } });
    one.add(podInfo({}, { cpu: '750m' }));
    expect(nameOf(podInfo({}, { cpu: '250m' }), [one])).toBe('a');
    expect(nameOf(podInfo({}, { cpu: '251m' }), [one])).toBeUndefined();
    // A pod that asks for nothing fits on a full node.
    one.add(podInfo({}, { cpu: '250m' }));
    expect(nameOf(podInfo(), [one])).toBe('a');
  });

  it('whose host port is free', () => {
    const withPort = (hostPort: number, hostIP?: string, protocol?: string) =>
      podInfo({ containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort, hostIP, protocol }] }] });
    const one = node('a');
    const first = withPort(8080, '10.0.0.1');
    one.add(first);
    expect(messageOf(withPort(8080), [one])).toBe(
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
    );
    expect(nameOf(withPort(8080, '10.0.0.2'), [one])).toBe('a');
    expect(nameOf(withPort(8080, '0.0.0.0', 'UDP'), [one])).toBe('a');
    expect(nameOf(withPort(8081), [one])).toBe('a');
    one.remove(first.uid);
    expect(nameOf(withPort(8080), [one])).toBe('a');
  });
});

describe('among the nodes that can', () => {
  it('the one with most left is chosen', () => {
    const [a, b, c] = [node('a'), node('b'), node('c')];
    a!.add(podInfo({}, { cpu: '2', memory: '1Gi' }));
    c!.add(podInfo({}, { cpu: '1', memory: '1Gi' }));
    expect(nameOf(podInfo({}, { cpu: '500m' }), [a!, b!, c!])).toBe('b');
  });

  it('pods that ask for nothing are spread too', () => {
    const nodes = [node('a'), node('b'), node('c')];
    for (let i = 0; i < 30; i++) {
      const pod = podInfo();
      const placement = place(pod, nodes, 0, () => 0);
      placement.node!.add(pod);
    }
    expect(nodes.map((info) => info.pods.size)).toEqual([10, 10, 10]);
  });

  it('soft taints are avoided and preferences followed', () => {
    const nodes = [
      node('a', { spec: tainted('v', 'PreferNoSchedule') }),
      node('b'),
      node('c', { labels: { disk: 'ssd' } }),
    ];
    nodes[1]!.add(podInfo({}, { cpu: '1' }));
    nodes[2]!.add(podInfo({}, { cpu: '2', memory: '4Gi' }));
    expect(nameOf(podInfo(), nodes)).toBe('b');
    const preference = { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] };
    const affinity = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference }] } };
    expect(nameOf(podInfo({ affinity } as PodSpec), nodes)).toBe('c');
  });

  it('chance decides between equals', () => {
    const nodes = [node('a'), node('b'), node('c')];
    expect([0, 0.4, 0.9].map((x) => nameOf(podInfo(), nodes, 0, () => x))).toEqual(['a', 'b', 'c']);
  });

  it('of many nodes a share is compared, each in its turn', () => {
    expect([50, 100, 200, 1000, 5000].map(enoughNodes)).toEqual([50, 100, 100, 420, 500]);
    const nodes = Array.from({ length: 250 }, (_, i) => node(`n${i}`));
    expect(place(podInfo(), nodes, 0, () => 0).looked).toBe(120);
    expect(nameOf(podInfo(), nodes, 240)).toBe('n240');
  });
});

describe('the snapshot', () => {
  const assigned = (info: PodInfo, nodeName: string) => ({ ...info.pod, spec: { ...info.pod.spec, nodeName } }) as Pod;
  const bare = (name: string) => node(name).node!;

  it('counts an assumed pod once, before and after it is confirmed', () => {
    const snapshot = new Snapshot();
    snapshot.setNode(bare('a'));
    const pod = podInfo({}, { cpu: '1' });
    snapshot.assume(pod, 'a');
    expect(snapshot.get('a')!.requested.cpu).toBe(1000);
    snapshot.confirm(assigned(pod, 'a'));
    expect(snapshot.get('a')!.requested.cpu).toBe(1000);
    // What the API has said is not taken back by a late failure.
    snapshot.forget(pod.uid);
    expect(snapshot.has(pod.uid)).toBe(true);
    expect(snapshot.remove(pod.uid)).toBe('a');
    expect(snapshot.get('a')!.requested.cpu).toBe(0);
  });

  it('takes back an assumption, and moves a pod that went elsewhere', () => {
    const snapshot = new Snapshot();
    snapshot.setNode(bare('a'));
    snapshot.setNode(bare('b'));
    const [one, two] = [podInfo({}, { cpu: '1' }), podInfo({}, { cpu: '2' })];
    snapshot.assume(one!, 'a');
    snapshot.forget(one!.uid);
    expect(snapshot.get('a')!.requested.cpu).toBe(0);
    snapshot.assume(two!, 'a');
    snapshot.confirm(assigned(two!, 'b'));
    expect([snapshot.get('a')!.requested.cpu, snapshot.get('b')!.requested.cpu]).toEqual([0, 2000]);
  });

  it('remembers the pods of a node that went and came back', () => {
    const snapshot = new Snapshot();
    const pod = podInfo({}, { cpu: '1' });
    snapshot.confirm(assigned(pod, 'a'));
    expect(snapshot.nodes()).toHaveLength(0);
    snapshot.setNode(bare('a'));
    expect(snapshot.nodes()[0]!.requested.cpu).toBe(1000);
    snapshot.removeNode('a');
    expect(snapshot.nodes()).toHaveLength(0);
    snapshot.setNode(bare('a'));
    expect(snapshot.get('a')!.requested.cpu).toBe(1000);
  });
});
