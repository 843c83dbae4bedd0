import { describe, expect, it } from 'vitest';
import type { Pod } from '@shared/k8s';
import { enoughNodes } from './placement';
import { type PodInfo, Snapshot } from './snapshot';
import { cluster, node, type NodeOptions, podInfo } from './testing';

const tainted = (value?: string, effect = 'NoSchedule') => ({ taints: [{ key: 'key', value, effect }] });
const everything = { requests: { cpu: '1', memory: '1Gi' } };

describe('why no node takes a pod', () => {
  it('is told in the words of Kubernetes, counted and sorted', () => {
    const { node, why } = cluster();
    node('a', { allocatable: { cpu: '1' } });
    node('b', { spec: tainted('value') });
    node('c', { spec: tainted('value') });
    expect(why({ requests: { cpu: '2' } })).toBe(
      '0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {key: value}.',
    );
  });

  it('names every resource that is short, on one node', () => {
    const { node, why } = cluster();
    node('a', { allocatable: { cpu: '1', memory: '1Gi', pods: '0' } });
    expect(why({ requests: { cpu: '2', memory: '2Gi', 'example.com/gpu': '1' } })).toBe(
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
    const { node, why } = cluster();
    node('a', options as NodeOptions);
    expect(why(spec)).toBe(`0/1 nodes are available: 1 ${reason}.`);
  });

  it('is that there are none', () => {
    expect(cluster().why({})).toBe('no nodes available to schedule pods');
  });

  it('counts a node by the first filter that refuses it', () => {
    const { node, why } = cluster();
    node('a', { spec: { unschedulable: true, ...tainted('v') }, allocatable: { cpu: '0' } });
    expect(why({ requests: { cpu: '1' } })).toBe('0/1 nodes are available: 1 node(s) were unschedulable.');
  });

  it('does not look at nodes that the pod does not name', () => {
    const { node, why, on } = cluster();
    for (const name of ['a', 'b', 'c']) node(name, { allocatable: { cpu: '1' } });
    on('b', everything);
    const matchFields = [{ key: 'metadata.name', operator: 'In', values: ['b'] }];
    const required = { nodeSelectorTerms: [{ matchFields }] };
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } };
    expect(why({ ...everything, affinity })).toBe(
      "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    );
  });
});

describe('a node takes a pod', () => {
  it('that tolerates its taints, also that of a cordon', () => {
    const { node, nodeOf } = cluster();
    node('a', {
      spec: { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] },
    });
    expect(nodeOf({ tolerations: [{ operator: 'Exists' }] })).toBe('a');
    expect(nodeOf({})).toBeUndefined();
  });

  it('whose requests fit exactly, and not one more', () => {
    const { node, nodeOf, on } = cluster();
    node('a', { allocatable: { cpu: '1' } });
    on('a', { requests: { cpu: '750m' } });
    expect(nodeOf({ requests: { cpu: '250m' } })).toBe('a');
    expect(nodeOf({ requests: { cpu: '251m' } })).toBeUndefined();
    // A pod that asks for nothing fits on a full node.
    on('a', { requests: { cpu: '250m' } });
    expect(nodeOf({})).toBe('a');
  });

  it('whose host port is free', () => {
    const { node, nodeOf, why, on, snapshot } = cluster();
    const withPort = (hostPort: number, hostIP?: string, protocol?: string) => ({
      containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort, hostIP, protocol }] }],
    });
    node('a');
    const first = on('a', withPort(8080, '10.0.0.1'));
    expect(why(withPort(8080))).toBe(
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
    );
    expect(nodeOf(withPort(8080, '10.0.0.2'))).toBe('a');
    expect(nodeOf(withPort(8080, '0.0.0.0', 'UDP'))).toBe('a');
    expect(nodeOf(withPort(8081))).toBe('a');
    snapshot.remove(first.uid);
    expect(nodeOf(withPort(8080))).toBe('a');
  });

  it('that it was promised, and nobody of less importance', () => {
    const { node, nodeOf, snapshot } = cluster();
    node('a', { allocatable: { cpu: '1' } });
    const [high, low] = [podInfo({ ...everything, priority: 10 }), podInfo(everything)];
    snapshot.nominations.set(high, 'a');
    expect(nodeOf(low)).toBeUndefined();
    expect(nodeOf(podInfo({ ...everything, priority: 11 }))).toBe('a');
    expect(nodeOf(high)).toBe('a');
    snapshot.nominations.delete(high.uid);
    expect(nodeOf(low)).toBe('a');
    expect(snapshot.get('a')!.requested.cpu ?? 0).toBe(0);
  });
});

describe('among the nodes that can', () => {
  it('the one with most left is chosen', () => {
    const { node, nodeOf, on } = cluster();
    for (const name of ['a', 'b', 'c']) node(name);
    on('a', { requests: { cpu: '2', memory: '1Gi' } });
    on('c', { requests: { cpu: '1', memory: '1Gi' } });
    expect(nodeOf({ requests: { cpu: '500m' } })).toBe('b');
  });

  it('pods that ask for nothing are spread too', () => {
    const { node, decide, on, snapshot } = cluster();
    for (const name of ['a', 'b', 'c']) node(name);
    for (let i = 0; i < 30; i++) {
      const pod = podInfo();
      on(decide(pod).node!.name, pod);
    }
    expect(snapshot.nodes().map((info) => info.pods.size)).toEqual([10, 10, 10]);
  });

  it('soft taints are avoided and preferences followed', () => {
    const { node, nodeOf, on } = cluster();
    node('a', { spec: tainted('v', 'PreferNoSchedule') });
    node('b');
    node('c', { labels: { disk: 'ssd' } });
    on('b', { requests: { cpu: '1' } });
    on('c', { requests: { cpu: '2', memory: '4Gi' } });
    expect(nodeOf({})).toBe('b');
    const preference = { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] };
    const affinity = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference }] } };
    expect(nodeOf({ affinity })).toBe('c');
  });

  it('chance decides between equals', () => {
    const { node, nodeOf } = cluster();
    for (const name of ['a', 'b', 'c']) node(name);
    expect([0, 0.4, 0.9].map((x) => nodeOf({}, () => x))).toEqual(['a', 'b', 'c']);
  });

  it('of many nodes a share is compared, each in its turn', () => {
    expect([50, 100, 200, 1000, 5000].map((count) => enoughNodes(count))).toEqual([50, 100, 100, 420, 500]);
    expect([enoughNodes(1000, 20), enoughNodes(1000, 100), enoughNodes(1000, 1)]).toEqual([200, 1000, 100]);
    const { node, decide } = cluster();
    for (let i = 0; i < 250; i++) node(`n${i}`);
    expect(decide(podInfo()).looked).toBe(120);
    expect(decide(podInfo(), 240).node?.name).toBe('n240');
  });
});

describe('the snapshot', () => {
  const assigned = (info: PodInfo, nodeName: string) => ({ ...info.pod, spec: { ...info.pod.spec, nodeName } }) as Pod;
  const one = { requests: { cpu: '1' } };

  it('counts an assumed pod once, before and after it is confirmed', () => {
    const snapshot = new Snapshot();
    snapshot.setNode(node('a'));
    const pod = podInfo(one);
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
    snapshot.setNode(node('a'));
    snapshot.setNode(node('b'));
    const [first, two] = [podInfo(one), podInfo({ requests: { cpu: '2' } })];
    snapshot.assume(first!, 'a');
    snapshot.forget(first!.uid);
    expect(snapshot.get('a')!.requested.cpu).toBe(0);
    snapshot.assume(two!, 'a');
    snapshot.confirm(assigned(two!, 'b'));
    expect([snapshot.get('a')!.requested.cpu, snapshot.get('b')!.requested.cpu]).toEqual([0, 2000]);
  });

  it('remembers the pods of a node that went and came back', () => {
    const snapshot = new Snapshot();
    const pod = podInfo(one);
    snapshot.confirm(assigned(pod, 'a'));
    expect(snapshot.nodes()).toHaveLength(0);
    snapshot.setNode(node('a'));
    expect(snapshot.nodes()[0]!.requested.cpu).toBe(1000);
    snapshot.removeNode('a');
    expect(snapshot.nodes()).toHaveLength(0);
    snapshot.setNode(node('a'));
    expect(snapshot.get('a')!.requested.cpu).toBe(1000);
  });
});
