import { afterEach, describe, expect, it } from 'vitest';
import { resources } from '../client/resources';
import { schedulerBed, type SchedulerBed } from '../../../../test/support/scheduler-bed';

let bed: SchedulerBed | undefined;
afterEach(() => bed?.stop());

async function setUp() {
  bed = await schedulerBed();
  const { api, pod, get } = bed;
  await api.create(resources.priorityClasses, { metadata: { name: 'high' }, value: 1000 });
  await api.create(resources.priorityClasses, {
    metadata: { name: 'polite' },
    value: 1000,
    preemptionPolicy: 'Never',
  });
  return {
    ...bed,
    important: (name: string, cpu: string, spec: object = {}) => pod(name, cpu, { priorityClassName: 'high', ...spec }),
    nominated: async (name: string) => (await get(name)).status?.nominatedNodeName,
    /** What a kubelet does in the end. */
    end: (name: string) => api.delete(resources.pods, 'default', name, { gracePeriodSeconds: 0 }),
  };
}

describe('pre-emption', () => {
  it('asks the victim to go, keeps the room, and binds when it is gone', async () => {
    const { node, pod, important, settle, advance, get, nodeOf, nominated, end, events, condition } = await setUp();
    await node('n1');
    await pod('low', '3');
    await settle();
    await important('vip', '2');
    await settle();
    const victim = await get('low');
    expect(victim.metadata.deletionTimestamp).toBeDefined();
    expect(victim.status?.conditions).toContainEqual(
      expect.objectContaining({
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'PreemptionByScheduler',
        message: 'default-scheduler: preempting to accommodate a higher priority pod',
      }),
    );
    expect(await nominated('vip')).toBe('n1');
    expect(await condition('vip')).toMatchObject({ message: '0/1 nodes are available: 1 Insufficient cpu.' });
    const { uid } = (await get('vip')).metadata;
    expect(await events()).toContainEqual(
      expect.objectContaining({ type: 'Normal', reason: 'Preempted', message: `Preempted by pod ${uid} on node n1` }),
    );
    // Nobody of less importance gets in between.
    await pod('quick', '2');
    await settle();
    await end('low');
    await advance(1000);
    expect(await nodeOf('vip')).toBe('n1');
    expect(await nominated('vip')).toBeUndefined();
    await advance(10_000);
    expect(await nodeOf('quick')).toBe('n1');
  });

  it('does not take a second one while the first goes', async () => {
    const { node, pod, important, settle, advance, get, end } = await setUp();
    await node('n1');
    await node('n2');
    await pod('a', '4');
    await settle();
    await pod('b', '4');
    await settle();
    await important('vip', '2');
    await settle();
    const going = async () =>
      (await Promise.all(['a', 'b'].map(get))).filter(({ metadata }) => metadata.deletionTimestamp).length;
    expect(await going()).toBe(1);
    // Something else happens on the cluster that makes it be tried again.
    await node('n3', '1');
    await advance(20_000);
    expect(await going()).toBe(1);
    expect((await get('vip')).status?.nominatedNodeName).toBeDefined();
    await end((await get('vip')).status!.nominatedNodeName === 'n1' ? 'a' : 'b');
    await advance(20_000);
    expect((await get('vip')).spec?.nodeName).toBeDefined();
  });

  it('is not for those whose class forbids it', async () => {
    const { node, pod, settle, get, condition } = await setUp();
    await node('n1');
    await pod('low', '3');
    await settle();
    await pod('polite', '2', { priorityClassName: 'polite' });
    await settle();
    expect((await get('low')).metadata.deletionTimestamp).toBeUndefined();
    expect(await condition('polite')).toMatchObject({
      message: '0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.',
    });
  });

  it('gives the room back when the pod it was for is deleted', async () => {
    const { node, pod, important, settle, advance, nodeOf, end } = await setUp();
    await node('n1');
    await pod('low', '4');
    await settle();
    await important('vip', '4');
    await settle();
    await end('vip');
    await end('low');
    await pod('next', '4');
    await advance(1000);
    expect(await nodeOf('next')).toBe('n1');
  });

  it('keeps no room that the API says is not promised any more', async () => {
    const { api, node, pod, settle, nodeOf } = await setUp();
    await node('n1');
    await pod('waiting', '4', { priorityClassName: 'polite', nodeSelector: { no: 'where' } });
    const nominate = async (nominatedNodeName: string | null) => {
      const options = { type: 'merge', subresource: 'status' } as const;
      await api.patch(resources.pods, 'default', 'waiting', { status: { nominatedNodeName } }, options);
      await settle();
    };
    await nominate('n1');
    await pod('first', '1');
    await settle();
    expect(await nodeOf('first')).toBeUndefined();
    await nominate(null);
    await pod('second', '1');
    await settle();
    expect(await nodeOf('second')).toBe('n1');
  });

  it('remembers a nomination over a restart', async () => {
    const { api, node, important, start, settle, nodeOf, stop, pod } = await (async () => {
      bed = await schedulerBed({ started: false });
      await bed.api.create(resources.priorityClasses, { metadata: { name: 'high' }, value: 1000 });
      const { pod } = bed;
      return { ...bed, important: (name: string, cpu: string) => pod(name, cpu, { priorityClassName: 'high' }) };
    })();
    await node('n1');
    await pod('low', '4');
    const vip = await important('vip', '4');
    await api.patch(
      resources.pods,
      'default',
      vip.metadata!.name!,
      { status: { nominatedNodeName: 'n1' } },
      { type: 'merge', subresource: 'status' },
    );
    start();
    await settle();
    expect([await nodeOf('vip'), await nodeOf('low')]).toEqual(['n1', undefined]);
    stop();
  });
});
