import { afterEach, describe, expect, it } from 'vitest';
import type { KubeObject, Pod } from '@shared/k8s';
import { kinds } from '../api';
import { conflict } from '../api/errors';
import { loadSchema } from '../api/schema';
import { createNodeConnections } from '../apiserver/nodes';
import { createApiServer } from '../apiserver/server';
import { createClient } from '../client/client';
import { createInProcessTransport } from '../client/in-process';
import { createInformerFactory } from '../client/informer';
import { resources } from '../client/resources';
import type { InformerFactory, KubeClient } from '../client/types';
import { FakeClock } from '../clock';
import { silentLogger as log } from '../log';
import { openMemoryStore } from '../store';
import { createScheduler, type Scheduler } from '.';

let scheduler: Scheduler | undefined;
let informers: InformerFactory | undefined;
afterEach(() => {
  scheduler?.stop();
  informers?.stop();
});

/** A scheduler on a real API server in memory. */
async function setUp(change: (client: KubeClient) => Partial<KubeClient> = () => ({}), started = true) {
  const clock = new FakeClock();
  const store = openMemoryStore({ clock });
  const server = createApiServer({ store, kinds, schema: loadSchema(), clock, log, nodes: createNodeConnections() });
  const api = createClient(createInProcessTransport(server));
  await api.create(resources.namespaces, { metadata: { name: 'default' } });
  informers = createInformerFactory({ client: api, clock, log });
  scheduler = createScheduler({ client: { ...api, ...change(api) }, informers, clock, log, random: () => 0 });
  const start = () => scheduler!.start();
  if (started) start();
  const settle = async () => {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const node = async (name: string, cpu = '4', spec: object = {}) => {
    const status = { allocatable: { cpu, memory: '8Gi', pods: '110' }, capacity: { cpu, memory: '8Gi', pods: '110' } };
    const created = await api.create(resources.nodes, { metadata: { name }, spec });
    await api.updateStatus(resources.nodes, { ...created, status });
  };
  const pod = (name: string, cpu?: string, spec: object = {}) => {
    const requests = cpu ? { cpu } : {};
    const containers = [{ name: 'c', image: 'i', resources: { requests } }];
    return api.create(resources.pods, { metadata: { name, namespace: 'default' }, spec: { containers, ...spec } });
  };
  const get = (name: string): Promise<Pod> => api.get(resources.pods, 'default', name);
  const nodeOf = async (name: string) => (await get(name)).spec?.nodeName;
  const condition = async (name: string) =>
    (await get(name)).status?.conditions?.find(({ type }) => type === 'PodScheduled');
  const events = async () =>
    (await api.list(resources.events)).items.map(({ type, reason, message, count, source }: KubeObject) => ({
      type,
      reason,
      message,
      count,
      component: source.component,
    }));
  await settle();
  return { api, clock, start, settle, node, pod, get, nodeOf, condition, events };
}

describe('the scheduler', () => {
  it('binds a pod, with its condition and event', async () => {
    const { node, pod, settle, nodeOf, condition, events } = await setUp();
    await node('n1');
    await pod('a', '1');
    await settle();
    expect(await nodeOf('a')).toBe('n1');
    expect(await condition('a')).toMatchObject({ status: 'True' });
    expect(await events()).toEqual([
      {
        type: 'Normal',
        reason: 'Scheduled',
        message: 'Successfully assigned default/a to n1',
        count: 1,
        component: 'default-scheduler',
      },
    ]);
  });

  it('leaves pods of other schedulers, gated ones and assigned ones alone', async () => {
    const { node, pod, settle, nodeOf } = await setUp();
    await node('n1');
    await pod('other', '1', { schedulerName: 'another' });
    await pod('gated', '1', { schedulingGates: [{ name: 'wait' }] });
    await pod('placed', '1', { nodeName: 'n9' });
    await settle();
    expect([await nodeOf('other'), await nodeOf('gated'), await nodeOf('placed')]).toEqual([
      undefined,
      undefined,
      'n9',
    ]);
  });

  it('says why a pod stays pending, and says it once', async () => {
    const { node, pod, settle, get, condition, events, clock } = await setUp();
    await node('n1', '1');
    await node('n2', '1', { taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] });
    await pod('big', '2');
    await settle();
    const message =
      '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {dedicated: db}. ' +
      'preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.';
    expect(await condition('big')).toMatchObject({ status: 'False', reason: 'Unschedulable', message });
    expect(await events()).toMatchObject([{ type: 'Warning', reason: 'FailedScheduling', message }]);
    expect((await get('big')).status?.phase).toBe('Pending');

    const { resourceVersion } = (await get('big')).metadata;
    await clock.advance(400_000);
    await settle();
    expect((await get('big')).metadata.resourceVersion).toBe(resourceVersion);
    expect(await events()).toMatchObject([{ reason: 'FailedScheduling', count: 2 }]);
  });

  it('binds it when a node comes that takes it', async () => {
    const { node, pod, settle, nodeOf, condition, clock } = await setUp();
    await pod('a', '2');
    await settle();
    expect(await condition('a')).toMatchObject({ message: 'no nodes available to schedule pods' });
    await node('n1', '1');
    await clock.advance(1000);
    await settle();
    expect(await condition('a')).toMatchObject({
      message: expect.stringMatching(/^0\/1 nodes are available: 1 Insufficient cpu\. preemption: /),
    });
    await node('n2', '2');
    await clock.advance(10_000);
    await settle();
    expect(await nodeOf('a')).toBe('n2');
    expect(await condition('a')).toMatchObject({ status: 'True' });
    expect((await condition('a'))?.message).toBeUndefined();
  });

  it('binds it when a taint goes, or a cordon', async () => {
    const { api, node, pod, settle, nodeOf, clock } = await setUp();
    await node('n1', '4', { unschedulable: true });
    await pod('a');
    await settle();
    expect(await nodeOf('a')).toBeUndefined();
    await api.patch(resources.nodes, undefined, 'n1', { spec: { unschedulable: false } });
    await clock.advance(1000);
    await settle();
    expect(await nodeOf('a')).toBe('n1');
  });

  it('binds it when another pod is deleted or has ended', async () => {
    const { api, node, pod, settle, nodeOf, clock } = await setUp();
    await node('n1', '2');
    await pod('a', '1');
    await pod('b', '1');
    await settle();
    await pod('c', '1');
    await pod('d', '1');
    await settle();
    expect([await nodeOf('c'), await nodeOf('d')]).toEqual([undefined, undefined]);
    await api.delete(resources.pods, 'default', 'a', { gracePeriodSeconds: 0 });
    await clock.advance(1000);
    await settle();
    expect([await nodeOf('c'), await nodeOf('d')]).toEqual(['n1', undefined]);
    await api.patch(resources.pods, 'default', 'b', { status: { phase: 'Succeeded' } }, { subresource: 'status' });
    await clock.advance(10_000);
    await settle();
    expect(await nodeOf('d')).toBe('n1');
  });

  it('does not overcommit in a burst', async () => {
    const { api, node, pod, settle } = await setUp();
    for (let i = 0; i < 5; i++) await node(`n${i}`, '4');
    await Promise.all(Array.from({ length: 60 }, (_, i) => pod(`p${i}`, '500m')));
    await settle();
    const { items } = await api.list(resources.pods);
    const placed = new Map<string, number>();
    for (const { spec } of items) if (spec?.nodeName) placed.set(spec.nodeName, (placed.get(spec.nodeName) ?? 0) + 1);
    expect([...placed.values()]).toEqual([8, 8, 8, 8, 8]);
    expect(items.filter(({ spec }) => !spec?.nodeName)).toHaveLength(20);
  });

  it('serves the important first', async () => {
    const { node, pod, start, settle, nodeOf } = await setUp(undefined, false);
    await node('n1', '4');
    await pod('low', '3');
    await pod('high', '3', { priorityClassName: 'system-cluster-critical' });
    start();
    await settle();
    expect([await nodeOf('low'), await nodeOf('high')]).toEqual([undefined, 'n1']);
  });

  it('tries again when a binding fails, and gives the room back meanwhile', async () => {
    let failures = 2;
    const { node, pod, settle, nodeOf, events, clock } = await setUp((client) => ({
      createSubresource: async (...args: Parameters<KubeClient['createSubresource']>) => {
        if (args[2] === 'a' && failures-- > 0) throw conflict({ plural: 'pods/binding' }, 'a', 'try later');
        return client.createSubresource(...args) as never;
      },
    }));
    await node('n1', '1');
    await pod('a', '1');
    await settle();
    expect(await nodeOf('a')).toBeUndefined();
    expect(await events()).toMatchObject([
      {
        type: 'Warning',
        reason: 'FailedScheduling',
        message: expect.stringContaining('binding rejected: running Bind plugin'),
      },
    ]);
    await pod('b', '1');
    await settle();
    expect(await nodeOf('b')).toBe('n1');
    await clock.advance(1000);
    await settle();
    expect(await nodeOf('a')).toBeUndefined();
  });

  it('forgets pods that are deleted while they wait', async () => {
    const { api, node, pod, settle, events, clock } = await setUp();
    await pod('a', '1');
    await settle();
    await api.delete(resources.pods, 'default', 'a', { gracePeriodSeconds: 0 });
    await node('n1');
    await clock.advance(10_000);
    await settle();
    expect((await events()).map(({ reason }) => reason)).toEqual(['FailedScheduling']);
  });
});
