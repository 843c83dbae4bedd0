import type { Node, Pod } from '@shared/k8s';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { microTimestamp, timestamp } from '../../clock';
import { findCondition } from '../../client/conditions';
import { resources } from '../../client/resources';
import { isReady } from '../pods';
import { evictionTime } from './taints';

let bed: Testbed;
beforeEach(async () => {
  bed = await startTestbed();
});
afterEach(() => {
  expect(bed.problems.filter((line) => !line.includes('stopped posting'))).toEqual([]);
  bed.stop();
});

const ready = (status: string) => ({
  type: 'Ready',
  status,
  reason: 'KubeletReady',
  message: 'kubelet is posting ready status',
  lastHeartbeatTime: timestamp(bed.clock.now()),
  lastTransitionTime: timestamp(bed.clock.now()),
});
const register = async (name = 'n') => {
  await bed.client.create<Node>(resources.nodes, { metadata: { name }, status: { conditions: [ready('True')] } });
  const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: microTimestamp(bed.clock.now()) };
  await bed.client.create(resources.leases, { metadata: { name, namespace: 'kube-node-lease' }, spec });
  await bed.settle();
};
const renew = (name = 'n') =>
  bed.client.patch(resources.leases, 'kube-node-lease', name, { spec: { renewTime: microTimestamp(bed.clock.now()) } });
/** Lets time go by while these nodes stay well. */
const pass = async (ms: number, ...names: string[]) => {
  for (let left = ms; left > 0; left -= 20_000) {
    await bed.advance(Math.min(left, 20_000));
    for (const name of names) await renew(name);
  }
};
const post = async (status: string, name = 'n') => {
  const current = await node(name);
  await bed.client.updateStatus(resources.nodes, {
    ...current,
    status: { ...current.status, conditions: [ready(status)] },
  });
  await bed.settle();
};
const node = (name = 'n') => bed.client.get(resources.nodes, undefined, name);
const taints = async () => ((await node()).spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);
const pod = async (name: string, spec: object = {}) => {
  const created = await bed.client.create<Pod>(resources.pods, {
    metadata: { name, namespace: 'default' },
    spec: { nodeName: 'n', containers: [{ name: 'a', image: 'a' }], ...spec },
  });
  return bed.run(created);
};
const getPod = (name: string) => bed.client.get(resources.pods, 'default', name);

describe('a node', () => {
  it('stays well while its lease is renewed', async () => {
    await register();
    for (let time = 0; time < 200; time += 10) {
      await bed.advance(10_000);
      await renew();
    }
    expect(await taints()).toEqual([]);
  });

  it('that falls silent becomes Unknown and tainted, its pods unready and later evicted', async () => {
    await register();
    await register('well');
    await pod('a');
    await pod('patient', { tolerations: [{ operator: 'Exists' }] });
    await pass(39_000, 'well');
    expect(await taints()).toEqual([]);
    await bed.advance(2000);
    const silent = await node();
    expect(findCondition(silent.status!.conditions, 'Ready')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    });
    expect(await taints()).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    expect(isReady(await getPod('a'))).toBe(false);
    expect(await bed.events('a')).toEqual(['NodeNotReady: Node is not ready']);
    await pass(290_000, 'well');
    expect((await getPod('a')).metadata.deletionTimestamp).toBeUndefined();
    await pass(20_000, 'well');
    expect((await getPod('a')).metadata.deletionTimestamp).toBeDefined();
    expect(findCondition((await getPod('a')).status!.conditions, 'DisruptionTarget')!.reason).toBe(
      'DeletionByTaintManager',
    );
    expect((await getPod('patient')).metadata.deletionTimestamp).toBeUndefined();
    expect(await bed.events('a')).toContain('TaintManagerEviction: Marking for deletion Pod default/a');
  });

  it('that comes back is as before, and its pods may stay', async () => {
    await register();
    await register('well');
    await pod('a');
    await pass(141_000, 'well');
    await renew();
    await post('True');
    expect(await taints()).toEqual([]);
    await pass(400_000, 'n', 'well');
    expect((await getPod('a')).metadata.deletionTimestamp).toBeUndefined();
    expect(await bed.events('a')).toContain('TaintManagerEviction: Cancelling deletion of Pod default/a');
  });

  it('evicts nobody while no other is well', async () => {
    await register();
    await register('other');
    await pod('a');
    await pass(60_000, 'other');
    expect(await taints()).toContain('node.kubernetes.io/unreachable:NoExecute');
    await bed.advance(100_000);
    expect(await taints()).toEqual(['node.kubernetes.io/unreachable:NoSchedule']);
    await bed.advance(600_000);
    expect((await getPod('a')).metadata.deletionTimestamp).toBeUndefined();
    await renew('other');
    await post('True', 'other');
    expect(await taints()).toContain('node.kubernetes.io/unreachable:NoExecute');
    await pass(290_000, 'other');
    expect((await getPod('a')).metadata.deletionTimestamp).toBeUndefined();
    await pass(20_000, 'other');
    expect((await getPod('a')).metadata.deletionTimestamp).toBeDefined();
  });

  it('says not-ready with another taint, and unschedulable with its own', async () => {
    await register();
    await register('well');
    await bed.edit<Node>(resources.nodes, 'n', (draft) => {
      draft.spec = { ...draft.spec, unschedulable: true, taints: [{ key: 'own', effect: 'NoSchedule' }] };
    });
    await post('False');
    expect((await taints()).sort()).toEqual([
      'node.kubernetes.io/not-ready:NoExecute',
      'node.kubernetes.io/not-ready:NoSchedule',
      'node.kubernetes.io/unschedulable:NoSchedule',
      'own:NoSchedule',
    ]);
    await bed.edit<Node>(resources.nodes, 'n', (draft) => void (draft.spec!.unschedulable = false));
    await post('True');
    expect(await taints()).toEqual(['own:NoSchedule']);
  });

  it('gets time to report when the whole machine slept', async () => {
    await register();
    bed.clock['time'] += 3_600_000;
    await bed.advance(100);
    await bed.advance(30_000);
    expect(await taints()).toEqual([]);
    await bed.advance(11_000);
    expect(await taints()).toHaveLength(1);
  });
});

describe('pods without a node', () => {
  it('are deleted when their node is gone for good', async () => {
    await register();
    await pod('a');
    await bed.client.delete(resources.nodes, undefined, 'n');
    await bed.advance(30_000);
    expect(isReady(await getPod('a'))).toBe(true);
    await bed.advance(40_000);
    await expect(getPod('a')).rejects.toMatchObject({ code: 404 });
  });

  it('are deleted although one of them cannot be', async () => {
    await register();
    await pod('a');
    await pod('b');
    await bed.client.delete(resources.nodes, undefined, 'n');
    bed.intercept = ({ method, path }) => {
      if (method === 'DELETE' && path.endsWith('/a')) throw new Error('not this one');
    };
    await bed.advance(70_000);
    await expect(getPod('b')).rejects.toMatchObject({ code: 404 });
    bed.intercept = undefined;
    await bed.advance(30_000);
    await expect(getPod('a')).rejects.toMatchObject({ code: 404 });
    bed.problems.length = 0;
  });
});

describe('evictionTime', () => {
  const taint = (key: string, time = '2026-01-01T00:00:00Z') => ({ key, effect: 'NoExecute', timeAdded: time });
  const start = Date.parse('2026-01-01T00:00:00Z');
  it.each([
    ['no taint that evicts', [], [{ key: 'a', effect: 'NoSchedule' }], Infinity],
    ['a taint nobody tolerates', [], [taint('a')], start + 5000],
    ['tolerated for ever', [{ key: 'a', operator: 'Exists' }], [taint('a')], Infinity],
    ['tolerated for a while', [{ key: 'a', operator: 'Exists', tolerationSeconds: 60 }], [taint('a')], start + 60_000],
    [
      'the shortest of two',
      [
        { key: 'a', operator: 'Exists', tolerationSeconds: 60 },
        { operator: 'Exists', tolerationSeconds: 30 },
      ],
      [taint('a'), taint('b')],
      start + 30_000,
    ],
    [
      'the first of two that cover it',
      [{ operator: 'Exists' }, { key: 'a', operator: 'Exists', tolerationSeconds: 30 }],
      [taint('a')],
      Infinity,
    ],
    ['another value', [{ key: 'a', value: 'x' }], [{ ...taint('a'), value: 'y' }], start + 5000],
  ])('of %s', (_name, tolerations, taintList, expected) => {
    expect(evictionTime(tolerations, taintList, start + 5000)).toBe(expected);
  });
});
