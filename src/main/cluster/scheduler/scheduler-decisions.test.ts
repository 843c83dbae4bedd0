import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Pod } from '@shared/k8s';
import { parseResources, podRequests } from '@shared/pod-resources';
import { decisionsPath, type SchedulingDecisionList } from '@shared/scheduling';
import { resources } from '../client/resources';
import { schedulerBed, type SchedulerBed } from '../../../../test/support/scheduler-bed';

let bed: SchedulerBed | undefined;
afterEach(() => bed?.stop());
const setUp = async (...options: Parameters<typeof schedulerBed>) => (bed = await schedulerBed(...options));

describe('the last decisions', () => {
  const ask = async ({ api }: SchedulerBed, query: Record<string, string>) => {
    const path = decisionsPath;
    const { body } = await api.transport.request<SchedulingDecisionList>({ method: 'GET', path, query });
    return body.items;
  };

  it('tell what each node scored, the chosen one first', async () => {
    const it = await setUp();
    await it.node('n1');
    await it.node('n2');
    await it.node('n3', '4', { unschedulable: true });
    await it.pod('a', '2');
    await it.settle();
    await it.pod('b', '1');
    await it.settle();
    const [decision, ...more] = await ask(it, { namespace: 'default', pod: 'b' });
    expect(more).toEqual([]);
    expect(decision).toMatchObject({ name: 'b', schedulerName: 'default-scheduler', node: 'n2', attempts: 1 });
    expect(decision!.nodes).toEqual([
      { name: 'n2', total: 173, scores: { NodeResourcesFit: 86, NodeResourcesBalancedAllocation: 87 } },
      expect.objectContaining({ name: 'n1' }),
      { name: 'n3', plugin: 'NodeUnschedulable', reasons: ['node(s) were unschedulable'] },
    ]);
    expect((await ask(it, {})).map(({ name }) => name)).toEqual(['b', 'a']);
    expect(await ask(it, { namespace: 'other' })).toEqual([]);
  });

  it('tell why each node refuses', async () => {
    const it = await setUp();
    await it.node('n1', '1');
    await it.node('n2', '4', { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] });
    await it.pod('a', '2');
    await it.settle();
    const [decision] = await ask(it, { pod: 'a' });
    expect(decision!.node).toBeUndefined();
    expect(decision!.message).toMatch(/^0\/2 nodes are available: /);
    expect(decision!.nodes).toEqual([
      { name: 'n1', plugin: 'NodeResourcesFit', reasons: ['Insufficient cpu'] },
      { name: 'n2', plugin: 'TaintToleration', reasons: ['node(s) had untolerated taint {k: v}'] },
    ]);
  });
});

describe('profiles and gates', () => {
  it('a pod chooses bin packing by its scheduler name', async () => {
    const { node, pod, settle, nodeOf, events } = await setUp();
    await node('n1');
    await node('n2');
    await pod('a', '1');
    await settle();
    await pod('spread', '1');
    await settle();
    expect([await nodeOf('a'), await nodeOf('spread')]).toEqual(['n1', 'n2']);
    await pod('more', '1');
    await settle();
    await pod('packed', '1', { schedulerName: 'bin-packing-scheduler' });
    await settle();
    expect(await nodeOf('packed')).toBe(await nodeOf('more'));
    expect(await events()).toContainEqual(expect.objectContaining({ component: 'bin-packing-scheduler' }));
  });

  it('a gated pod says so and waits for its gates to go', async () => {
    const { api, node, pod, settle, nodeOf, condition } = await setUp();
    await node('n1');
    await pod('a', '1', { schedulingGates: [{ name: 'example.com/one' }] });
    await settle();
    expect(await condition('a')).toMatchObject({
      status: 'False',
      reason: 'SchedulingGated',
      message: 'Scheduling is blocked due to non-empty scheduling gates',
    });
    await api.patch(resources.pods, 'default', 'a', { spec: { schedulingGates: null } });
    await settle();
    expect(await nodeOf('a')).toBe('n1');
  });
});

describe('pods that fit nowhere', () => {
  it('are tried again only when something happens that may help them', async () => {
    const { api, node, pod, settle, advance, scheduler, nodeOf } = await setUp();
    await node('n1', '2');
    await pod('big', '3');
    const labelSelector = { matchLabels: { app: 'db' } };
    const affinity = {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector, topologyKey: 'kubernetes.io/hostname' }],
      },
    };
    await pod('friend', '0', { affinity });
    await settle();
    const attempts = (name: string) => scheduler.decisions('default', name).items[0]!.attempts;
    await pod('unrelated', '1');
    await advance(60_000);
    expect(attempts('big')).toBe(1);
    await api.delete(resources.pods, 'default', 'unrelated', { gracePeriodSeconds: 0 });
    await advance(60_000);
    expect(attempts('big')).toBe(1);
    await pod('db', '1', {}, { app: 'db' });
    await advance(60_000);
    expect(await nodeOf('friend')).toBe('n1');
    expect(attempts('big')).toBe(1);
    await node('n2', '4');
    await advance(60_000);
    expect(await nodeOf('big')).toBe('n2');
  });
});

describe('whatever happens', () => {
  it('no binding gives a node more than it has', { timeout: 30_000 }, async () => {
    const action = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant('pod' as const),
          cpu: fc.integer({ min: 0, max: 30 }),
          high: fc.boolean(),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), which: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('node' as const), cpu: fc.integer({ min: 1, max: 40 }) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(20_000) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40 }), async (actions) => {
        const { api, node, pod, advance, settle, stop } = await setUp();
        await api.create(resources.priorityClasses, { metadata: { name: 'high' }, value: 10 });
        let made = 0;
        for (const each of actions) {
          if (each.do === 'pod') {
            await pod(`p${++made}`, `${each.cpu}00m`, each.high ? { priorityClassName: 'high' } : {});
          } else if (each.do === 'node') await node(`n${++made}`, `${each.cpu}00m`);
          else if (each.do === 'wait') await advance(each.ms);
          else {
            const { items } = await api.list<Pod>(resources.pods);
            const gone = items[each.which % Math.max(1, items.length)];
            if (gone) await api.delete(resources.pods, 'default', gone.metadata.name, { gracePeriodSeconds: 0 });
          }
        }
        await settle();
        const { items: pods } = await api.list<Pod>(resources.pods);
        const { items: nodes } = await api.list(resources.nodes);
        for (const { metadata, status } of nodes) {
          const taken = pods
            .filter(({ spec }) => spec?.nodeName === metadata.name)
            .reduce((sum, { spec }) => sum + (podRequests(spec).cpu ?? 0), 0);
          expect(taken).toBeLessThanOrEqual(parseResources(status?.allocatable).cpu!);
        }
        stop();
      }),
      { numRuns: 25 },
    );
  });
});
