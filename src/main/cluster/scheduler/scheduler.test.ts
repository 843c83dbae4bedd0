import { afterEach, describe, expect, it } from 'vitest';
import { conflict } from '../api/errors';
import { resources } from '../client/resources';
import type { KubeClient } from '../client/types';
import { schedulerBed, type SchedulerBed } from '../../../../test/support/scheduler-bed';

let bed: SchedulerBed | undefined;
afterEach(() => bed?.stop());

/** A scheduler on a real API server in memory. */
const setUp = async (...options: Parameters<typeof schedulerBed>) => (bed = await schedulerBed(...options));

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
    const { node, pod, start, settle, nodeOf } = await setUp({ started: false });
    await node('n1', '4');
    await pod('low', '3');
    await pod('high', '3', { priorityClassName: 'system-cluster-critical' });
    start();
    await settle();
    expect([await nodeOf('low'), await nodeOf('high')]).toEqual([undefined, 'n1']);
  });

  it('tries again when a binding fails, and gives the room back meanwhile', async () => {
    let failures = 2;
    const { node, pod, settle, nodeOf, events, clock } = await setUp({
      change: (client) => ({
        createSubresource: async (...args: Parameters<KubeClient['createSubresource']>) => {
          if (args[2] === 'a' && failures-- > 0) throw conflict({ plural: 'pods/binding' }, 'a', 'try later');
          return client.createSubresource(...args) as never;
        },
      }),
    });
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
