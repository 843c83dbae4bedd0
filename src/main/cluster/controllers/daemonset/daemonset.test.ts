import type { DaemonSet, KubeObject, Node, Pod } from '@shared/k8s';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { resources } from '../../client/resources';
import { timestamp } from '../../clock';
import { hashLabel, targetNode } from './nodes';

let bed: Testbed;
beforeEach(async () => {
  bed = await startTestbed();
});
afterEach(() => bed.stop());

const addNode = async (name: string, labels: Record<string, string> = {}, spec: object = {}) => {
  const now = timestamp(bed.clock.now());
  const conditions = [
    { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now, lastTransitionTime: now },
  ];
  await bed.client.create<Node>(resources.nodes, { metadata: { name, labels }, spec, status: { conditions } });
};
const addNodes = async (count: number) => {
  for (let index = 1; index <= count; index++) await addNode(`n${index}`);
};
const manifest = (spec: object = {}, podSpec: object = {}): KubeObject => ({
  metadata: { name: 'logs', namespace: 'default' },
  spec: {
    selector: { matchLabels: { app: 'logs' } },
    template: {
      metadata: { labels: { app: 'logs' } },
      spec: { containers: [{ name: 'a', image: 'a:1' }], ...podSpec },
    },
    ...spec,
  },
});
const create = async (spec?: object, podSpec?: object) => {
  await bed.client.create<DaemonSet>(resources.daemonSets, manifest(spec, podSpec));
  await bed.settle();
};
const pods = async () => (await bed.client.list(resources.pods, 'default')).items;
const onNodes = async () => (await pods()).map((pod) => targetNode(pod)).sort();
const get = () => bed.client.get(resources.daemonSets, 'default', 'logs');
const revisions = async () =>
  (await bed.client.list(resources.controllerRevisions, 'default')).items.sort((a, b) => a.revision - b.revision);
const setImage = async (image: string) => {
  await bed.edit<DaemonSet>(resources.daemonSets, 'logs', (draft) => {
    draft.spec!.template.spec!.containers[0]!.image = image;
  });
  await bed.settle();
};
const images = async () => (await pods()).map((pod) => pod.spec!.containers[0]!.image).sort();
const fail = (pod: Pod) =>
  bed.client.updateStatus<Pod>(resources.pods, { ...pod, status: { ...pod.status, phase: 'Failed' } });

describe('a DaemonSet', () => {
  it('runs one pod per node, which says where it belongs', async () => {
    bed.play();
    await addNodes(3);
    await create();
    expect(await onNodes()).toEqual(['n1', 'n2', 'n3']);
    const [pod] = await pods();
    expect(pod!.spec!.nodeName).toBeUndefined();
    expect(pod!.spec!.affinity!.nodeAffinity!.requiredDuringSchedulingIgnoredDuringExecution).toEqual({
      nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [targetNode(pod!)] }] }],
    });
    expect(pod!.spec!.tolerations!.map(({ key, effect }) => `${key}:${effect}`)).toEqual([
      'node.kubernetes.io/not-ready:NoExecute',
      'node.kubernetes.io/unreachable:NoExecute',
      'node.kubernetes.io/disk-pressure:NoSchedule',
      'node.kubernetes.io/memory-pressure:NoSchedule',
      'node.kubernetes.io/pid-pressure:NoSchedule',
      'node.kubernetes.io/unschedulable:NoSchedule',
    ]);
    const [revision] = await revisions();
    expect(pod!.metadata.labels).toEqual({
      app: 'logs',
      [hashLabel]: revision!.metadata.labels![hashLabel],
      'pod-template-generation': '1',
    });
    expect(revision!.metadata.name).toBe(`logs-${pod!.metadata.labels![hashLabel]}`);
    expect((await get()).status).toEqual({
      currentNumberScheduled: 3,
      desiredNumberScheduled: 3,
      numberAvailable: 3,
      numberMisscheduled: 0,
      numberReady: 3,
      observedGeneration: 1,
      updatedNumberScheduled: 3,
    });
    expect(await bed.events('logs')).toHaveLength(3);
    expect((await bed.events('logs'))[0]).toMatch(/^SuccessfulCreate: Created pod: logs-\w{5}$/);
    expect(bed.problems).toEqual([]);
  });

  it('follows nodes that join, leave and change', async () => {
    bed.play();
    await addNode('n1', { disk: 'ssd' });
    await addNode('n2');
    await create({}, { nodeSelector: { disk: 'ssd' } });
    expect(await onNodes()).toEqual(['n1']);
    await addNode('n3', { disk: 'ssd' });
    await bed.settle();
    expect(await onNodes()).toEqual(['n1', 'n3']);
    await bed.edit<Node>(resources.nodes, 'n2', (node) => void (node.metadata.labels = { disk: 'ssd' }));
    await bed.edit<Node>(resources.nodes, 'n1', (node) => void (node.metadata.labels = {}));
    await bed.settle();
    expect(await onNodes()).toEqual(['n2', 'n3']);
    await bed.client.delete(resources.nodes, undefined, 'n3');
    await bed.settle();
    expect((await get()).status).toMatchObject({ desiredNumberScheduled: 1, currentNumberScheduled: 1 });
    expect(await onNodes()).toEqual(['n2']);
  });

  it('meets taints as Kubernetes does', async () => {
    bed.play();
    const taint = (key: string, effect: string) => ({ taints: [{ key, effect }] });
    await addNode('own', {}, taint('dedicated', 'NoSchedule'));
    await addNode('cordoned', {}, { unschedulable: true });
    await addNode('full', {}, taint('node.kubernetes.io/disk-pressure', 'NoSchedule'));
    await addNode('free');
    await create();
    expect(await onNodes()).toEqual(['cordoned', 'free', 'full']);

    // A pod that is there may stay when new ones may not come, and goes when nobody may stay.
    await bed.edit<Node>(resources.nodes, 'free', (node) => void (node.spec = taint('dedicated', 'NoSchedule')));
    await bed.settle();
    expect(await onNodes()).toEqual(['cordoned', 'free', 'full']);
    expect((await get()).status).toMatchObject({ desiredNumberScheduled: 2, numberMisscheduled: 1 });
    await bed.edit<Node>(resources.nodes, 'free', (node) => void (node.spec = taint('dedicated', 'NoExecute')));
    await bed.settle();
    expect(await onNodes()).toEqual(['cordoned', 'full']);
  });

  it('replaces a failed pod, each time a little later', async () => {
    await addNodes(1);
    await create();
    const before = (await pods())[0]!;
    await fail(before);
    await bed.settle();
    const second = (await pods())[0]!;
    expect(second.metadata.uid).not.toBe(before.metadata.uid);
    expect(await bed.events('logs')).toContain(
      `FailedDaemonPod: Found failed daemon pod default/${before.metadata.name} on node n1, will try to kill it`,
    );
    await fail(second);
    await bed.advance(900);
    expect((await pods())[0]!.metadata.uid).toBe(second.metadata.uid);
    await bed.advance(200);
    expect((await pods())[0]!.metadata.uid).not.toBe(second.metadata.uid);
  });

  it('leaves one pod per node and adopts what matches', async () => {
    bed.play();
    await addNodes(1);
    const orphan = { metadata: { name: 'orphan', namespace: 'default', labels: { app: 'logs' } } };
    const spec = { nodeName: 'n1', containers: [{ name: 'a', image: 'a:1' }] };
    await bed.client.create(resources.pods, { ...orphan, spec });
    await create({ updateStrategy: { type: 'OnDelete' } });
    expect((await pods()).map((pod) => pod.metadata.name)).toEqual(['orphan']);
    expect((await pods())[0]!.metadata.ownerReferences).toMatchObject([{ kind: 'DaemonSet', name: 'logs' }]);
  });

  it('does not create twice on a cache that lags', async () => {
    await addNodes(3);
    await bed.settle();
    let catchUp = () => {};
    const lag = new Promise<void>((done) => (catchUp = done));
    bed.lag = (path) => (path.endsWith('/pods') ? lag : undefined);
    await create();
    await addNode('n4');
    await bed.settle();
    expect(await pods()).toHaveLength(3);
    bed.lag = undefined;
    catchUp();
    await bed.settle();
    expect(await onNodes()).toEqual(['n1', 'n2', 'n3', 'n4']);
  });
});

describe('updating a DaemonSet', () => {
  it('replaces pods one by one, each after the one before is available', async () => {
    let runs = true;
    bed.play(() => runs);
    await addNodes(3);
    await create();
    runs = false;
    await setImage('a:2');
    expect(await images()).toEqual(['a:1', 'a:1', 'a:2']);
    expect((await get()).status).toMatchObject({ updatedNumberScheduled: 1, numberUnavailable: 1, numberReady: 2 });
    for (const expected of [
      ['a:1', 'a:2', 'a:2'],
      ['a:2', 'a:2', 'a:2'],
    ]) {
      await bed.run((await pods()).find((pod) => pod.status?.phase !== 'Running')!);
      await bed.settle();
      expect(await images()).toEqual(expected);
    }
    expect((await get()).metadata.annotations).toEqual({ 'deprecated.daemonset.template.generation': '2' });
    expect((await revisions()).map(({ revision }) => revision)).toEqual([1, 2]);
    expect(bed.problems).toEqual([]);
  });

  it('replaces as many at a time as may be unavailable', async () => {
    let runs = true;
    bed.play(() => runs);
    await addNodes(4);
    await create({ updateStrategy: { rollingUpdate: { maxUnavailable: '50%' } } });
    runs = false;
    await setImage('a:2');
    expect(await images()).toEqual(['a:1', 'a:1', 'a:2', 'a:2']);
  });

  it('waits for minReadySeconds between pods', async () => {
    bed.play();
    await addNodes(2);
    await create({ minReadySeconds: 5 });
    expect((await get()).status).toMatchObject({ numberReady: 2, numberUnavailable: 2 });
    await bed.advance(5000);
    expect((await get()).status).toMatchObject({ numberReady: 2, numberAvailable: 2 });
    await setImage('a:2');
    expect(await images()).toEqual(['a:1', 'a:2']);
    await bed.advance(5000);
    expect(await images()).toEqual(['a:2', 'a:2']);
  });

  it('surges: the new pod is available before the old one goes', async () => {
    let runs = true;
    bed.play(() => runs);
    await addNodes(2);
    await create({ updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
    runs = false;
    await bed.advance(1000);
    await setImage('a:2');
    expect(await images()).toEqual(['a:1', 'a:1', 'a:2']);
    expect((await get()).status).toMatchObject({ numberAvailable: 2 });
    for (const expected of [
      ['a:1', 'a:2', 'a:2'],
      ['a:2', 'a:2'],
    ]) {
      await bed.run((await pods()).find((pod) => pod.status?.phase !== 'Running')!);
      await bed.settle();
      expect(await images()).toEqual(expected);
    }
  });

  it('waits for hands with OnDelete', async () => {
    bed.play();
    await addNodes(2);
    await create({ updateStrategy: { type: 'OnDelete' } });
    await setImage('a:2');
    expect(await images()).toEqual(['a:1', 'a:1']);
    await bed.client.delete(resources.pods, 'default', (await pods())[0]!.metadata.name);
    await bed.settle();
    expect(await images()).toEqual(['a:1', 'a:2']);
  });

  it('goes back to a former revision under a new number, and keeps only so many', async () => {
    bed.play();
    await addNodes(1);
    await create({ revisionHistoryLimit: 1 });
    const first = (await revisions())[0]!;
    await setImage('a:2');
    await bed.client.patch(resources.daemonSets, 'default', 'logs', first.data, { type: 'strategic' });
    await bed.settle();
    expect(await images()).toEqual(['a:1']);
    expect(
      (await revisions()).map(({ metadata, revision }) => [metadata.name === first.metadata.name, revision]),
    ).toEqual([
      [false, 2],
      [true, 3],
    ]);
    await setImage('a:3');
    await setImage('a:4');
    expect((await revisions()).map(({ revision }) => revision)).toEqual([4, 5]);
  });

  it('counts a collision when the name of its revision is taken', async () => {
    bed.play();
    await addNodes(1);
    await create();
    const [mine] = await revisions();
    await bed.client.delete(resources.daemonSets, 'default', 'logs', { propagationPolicy: 'Background' });
    await bed.settle();
    const taken = { metadata: { name: mine!.metadata.name, namespace: 'default' }, data: {}, revision: 1 };
    await bed.client.create(resources.controllerRevisions, taken);
    await create();
    expect((await get()).status).toMatchObject({ collisionCount: 1, numberReady: 1 });
  });
});
