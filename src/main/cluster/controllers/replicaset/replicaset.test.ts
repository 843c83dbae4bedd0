import type { Pod, ReplicaSet } from '@shared/k8s';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { resources } from '../../client/resources';
import { slowStart } from './batch';
import { rankForDeletion } from './ranking';

let bed: Testbed;
beforeEach(async () => {
  bed = await startTestbed();
});
afterEach(() => bed.stop());

const manifest = (replicas: number, spec: object = {}) => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'a', image: 'a' }] } },
    ...spec,
  },
});
const pods = async () => (await bed.client.list(resources.pods, 'default')).items;
const get = () => bed.client.get(resources.replicaSets, 'default', 'web');
const create = async (replicas: number, spec?: object) => {
  const set = await bed.client.create<ReplicaSet>(resources.replicaSets, manifest(replicas, spec));
  await bed.settle();
  return set;
};

describe('a ReplicaSet', () => {
  it('makes a thousand pods, each once', async () => {
    let requests = 0;
    bed.intercept = () => void requests++;
    await create(1000);
    // Besides the pods: some events, and statuses that count several pods each.
    expect(requests).toBeLessThan(1400);
    expect(await pods()).toHaveLength(1000);
    expect((await get()).status).toMatchObject({ replicas: 1000, fullyLabeledReplicas: 1000, observedGeneration: 1 });
    // A thousand messages are one Event after the first few, and never a flood.
    expect((await bed.events('web')).length).toBeLessThanOrEqual(11);
  });

  it('does not act twice on a cache that is behind', async () => {
    let catchUp!: () => void;
    const behind = new Promise<void>((resolve) => (catchUp = resolve));
    bed.lag = (path) => (path.endsWith('/pods') ? behind : undefined);
    await create(3);
    await bed.client.patch(resources.replicaSets, 'default', 'web', { metadata: { annotations: { look: 'again' } } });
    await bed.settle();
    expect(await pods()).toHaveLength(3);
    await bed.client.patch(resources.replicaSets, 'default', 'web', { spec: { replicas: 4 } });
    await bed.settle();
    expect(await pods()).toHaveLength(3);
    catchUp();
    await bed.settle();
    expect(await pods()).toHaveLength(4);
  });

  it('counts ready pods and names what it did', async () => {
    await create(2);
    const [first] = await pods();
    await bed.run(first!);
    await bed.settle();
    expect((await get()).status).toMatchObject({ replicas: 2, readyReplicas: 1, availableReplicas: 1 });
    await bed.client.patch(resources.replicaSets, 'default', 'web', { spec: { replicas: 1 } });
    await bed.settle();
    expect((await pods()).map((pod) => pod.metadata.name)).toEqual([first!.metadata.name]);
    const events = await bed.events('web');
    expect(events.filter((event) => event.startsWith('SuccessfulCreate: Created pod: web-'))).toHaveLength(2);
    expect(events.filter((event) => event.startsWith('SuccessfulDelete: Deleted pod: web-'))).toHaveLength(1);
  });

  it('adopts orphans, releases strangers and replaces the pods that ended', async () => {
    const orphan = { metadata: { name: 'orphan', namespace: 'default', labels: { app: 'web' } } };
    await bed.client.create(resources.pods, { ...orphan, spec: { containers: [{ name: 'a', image: 'a' }] } });
    const set = await create(2);
    const adopted = await bed.client.get(resources.pods, 'default', 'orphan');
    expect(adopted.metadata.ownerReferences).toMatchObject([
      { kind: 'ReplicaSet', uid: set.metadata.uid, controller: true },
    ]);
    expect(await pods()).toHaveLength(2);

    await bed.client.patch(resources.pods, 'default', 'orphan', { metadata: { labels: { app: 'free' } } });
    await bed.settle();
    const released = await bed.client.get(resources.pods, 'default', 'orphan');
    expect(released.metadata.ownerReferences ?? []).toEqual([]);
    expect(await pods()).toHaveLength(3);

    const [owned] = (await pods()).filter((pod) => pod.metadata.labels!.app === 'web');
    await bed.client.updateStatus(resources.pods, { ...owned!, status: { ...owned!.status, phase: 'Failed' } });
    await bed.settle();
    expect((await pods()).filter((pod) => pod.metadata.labels!.app === 'web')).toHaveLength(3);
    expect((await get()).status!.replicas).toBe(2);
  });

  it('waits for the end of terminating pods with nothing but their replacement', async () => {
    await bed.client.create(resources.nodes, { metadata: { name: 'n' } });
    const template = {
      metadata: { labels: { app: 'web' } },
      spec: { nodeName: 'n', containers: [{ name: 'a', image: 'a' }] },
    };
    await create(1, { template });
    const [pod] = await pods();
    await bed.client.delete(resources.pods, 'default', pod!.metadata.name);
    await bed.settle();
    expect((await pods()).map((one) => Boolean(one.metadata.deletionTimestamp)).sort()).toEqual([false, true]);
    expect((await get()).status).toMatchObject({ replicas: 1, terminatingReplicas: 1 });
    await bed.client.delete(resources.pods, 'default', pod!.metadata.name, { gracePeriodSeconds: 0 });
    await bed.settle();
    expect((await get()).status).toMatchObject({ replicas: 1, terminatingReplicas: 0 });
  });
});

describe('a ReplicationController', () => {
  it('keeps as many pods as it asks for, whichever are its own', async () => {
    const controllers = resources.replicationControllers;
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'a', image: 'a' }] } };
    await bed.client.create(resources.pods, {
      metadata: { name: 'orphan', namespace: 'default', labels: { app: 'web' } },
      spec: template.spec,
    });
    await bed.client.create(controllers, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { replicas: 3, template },
    });
    await bed.settle();
    expect(await pods()).toHaveLength(3);
    const owners = (await pods()).flatMap((pod) => pod.metadata.ownerReferences ?? []);
    expect(owners.map(({ apiVersion, kind, name }) => `${apiVersion} ${kind} ${name}`)).toEqual(
      Array(3).fill('v1 ReplicationController web'),
    );
    await bed.client.patch(controllers, 'default', 'web', { spec: { replicas: 1 } });
    await bed.settle();
    expect(await pods()).toHaveLength(1);
    const { spec, status } = await bed.client.get(controllers, 'default', 'web');
    expect(status).toMatchObject({ replicas: 1, fullyLabeledReplicas: 1, observedGeneration: 2 });
    expect(spec!.selector).toEqual({ app: 'web' });
    await bed.client.delete(controllers, 'default', 'web');
    await bed.settle();
    expect(await pods()).toHaveLength(0);
  });
});

describe('slowStart', () => {
  it('doubles its batches and stops at the first that fails', async () => {
    const batches: number[] = [];
    let running = 0;
    const count = async () => {
      running++;
      await Promise.resolve();
      if (running) batches.push(running);
      running = 0;
    };
    expect(await slowStart(10, count)).toEqual({ done: 10, failed: 0 });
    expect(batches).toEqual([1, 2, 4, 3]);
    let calls = 0;
    const failing = async () => {
      if (++calls === 3) throw new Error('full');
    };
    expect(await slowStart(100, failing)).toMatchObject({ done: 2, failed: 1, error: new Error('full') });
  });
});

describe('rankForDeletion', () => {
  const now = Date.parse('2026-01-01T12:00:00Z');
  const pod = (
    name: string,
    fields: { node?: string; phase?: string; ready?: string; cost?: string; restarts?: number; age?: string },
  ) =>
    ({
      metadata: {
        name,
        uid: name,
        creationTimestamp: fields.age ?? '2026-01-01T00:00:00Z',
        annotations: fields.cost ? { 'controller.kubernetes.io/pod-deletion-cost': fields.cost } : {},
      },
      spec: { nodeName: fields.node ?? 'n' },
      status: {
        phase: fields.phase ?? 'Running',
        conditions:
          fields.ready === 'no'
            ? []
            : [{ type: 'Ready', status: 'True', lastTransitionTime: fields.ready ?? '2026-01-01T00:00:00Z' }],
        containerStatuses: [{ restartCount: fields.restarts ?? 0 }],
      },
    }) as unknown as Pod;
  const order = (...candidates: (Pod | [Pod, number])[]) =>
    rankForDeletion(
      candidates.map((one) => (Array.isArray(one) ? { pod: one[0], crowd: one[1] } : { pod: one, crowd: 0 })),
      now,
    ).map((one) => one.metadata.name);

  it('takes the least useful first', () => {
    expect(
      order(
        pod('good', {}),
        pod('restarted', { restarts: 3 }),
        pod('recent', { ready: '2026-01-01T11:59:00Z' }),
        [pod('crowded', {}), 2],
        pod('cheap', { cost: '-5' }),
        pod('unready', { ready: 'no' }),
        pod('pending', { phase: 'Pending', ready: 'no' }),
        pod('unassigned', { node: '', phase: 'Pending', ready: 'no' }),
      ),
    ).toEqual(['unassigned', 'pending', 'unready', 'cheap', 'crowded', 'recent', 'restarted', 'good']);
  });

  it('prefers young pods only where ages differ much, and takes a bad cost for none', () => {
    expect(order(pod('old', {}), pod('young', { age: '2026-01-01T11:59:59Z' }))).toEqual(['young', 'old']);
    expect(order(pod('b', { cost: '+1' }), pod('a', { age: '2026-01-01T00:00:01Z' }))).toEqual(['a', 'b']);
  });
});
