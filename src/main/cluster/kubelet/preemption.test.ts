import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Pod } from '@shared/k8s';
import { createTestNode, type TestNode } from '../../../../test/support/simulated-node';
import { podsToPreempt } from './preemption';

const critical = { priority: 2_000_000_000 };
const vital = { priorityClassName: 'system-node-critical' };
const asking = (requests: object, limits?: object): object => ({
  containers: [{ name: 'main', image: 'web:1', resources: { requests, ...(limits ? { limits } : {}) } }],
});

describe('podsToPreempt', () => {
  const pod = (name: string, spec: object): Pod => ({ metadata: { name, uid: name }, spec }) as Pod;
  const same = { cpu: '500m', memory: '100Mi' };
  const guaranteed = pod('guaranteed', asking(same, same));
  const big = pod('big', asking({ cpu: '800m' }));
  const small = pod('small', asking({ cpu: '300m' }));
  const none = pod('none', asking({}));
  const important = pod('important', { ...asking({ cpu: '800m' }), ...critical });
  const all = [important, guaranteed, none, big, small];
  const preemptor = pod('preemptor', critical);
  const chosen = (requirements: Record<string, number>) => {
    const found = podsToPreempt(preemptor, all, new Map(Object.entries(requirements)));
    return 'missing' in found ? found : found.chosen.map(({ metadata }) => metadata.name);
  };

  it.each([
    ['the one that is nearest', { cpu: 300 }, ['small']],
    ['as many as it takes, of lower quality first', { cpu: 900 }, ['big', 'small']],
    ['Guaranteed ones only for want of others', { cpu: 1200 }, ['big', 'guaranteed']],
    ['one that asks for nothing where only its place is wanted', { pods: 1 }, ['none']],
    ['no other critical ones', { cpu: 1700 }, { missing: new Map([['cpu', 100]]) }],
  ])('takes %s', (_what, requirements, expected) => {
    expect(chosen(requirements as never)).toEqual(expected);
  });

  it('takes less important critical ones for a more important one', () => {
    const most = pod('most', { priority: 2_000_001_000 });
    expect(podsToPreempt(most, [important], new Map([['cpu', 100]]))).toEqual({ chosen: [important] });
  });
});

describe('a critical pod', () => {
  let node: TestNode;
  beforeEach(async () => {
    node = await createTestNode({ cpus: 2, memoryBytes: 2 ** 30, maxPods: 10 });
  });
  afterEach(() => node.close());
  const phase = async (name: string) => (await node.pod(name))!.status!.phase;

  it('gets the room of others, once they have ended', async () => {
    await node.create('slow', { ...asking({ cpu: '1500m' }), terminationGracePeriodSeconds: 20 }, {}, { stopMs: 5000 });
    await node.create('tiny', asking({ cpu: '100m' }));
    await node.pass(1000);
    await node.create('vital', { ...asking({ cpu: '1' }), ...vital });
    await node.pass(2000);
    const { status } = (await node.pod('slow'))!;
    expect(status).toMatchObject({
      phase: 'Failed',
      reason: 'Preempting',
      message: 'Preempted in order to admit critical pod',
    });
    expect(status!.conditions).toContainEqual(
      expect.objectContaining({
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'TerminationByKubelet',
        message: 'Pod was preempted by Kubelet to accommodate a critical pod.',
      }),
    );
    expect((await node.pod('vital'))!.status!.containerStatuses).toBeUndefined();
    await node.pass(6000);
    expect([await phase('vital'), await phase('tiny')]).toEqual(['Running', 'Running']);
    expect(await node.events()).toContain('Preempting: Preempted in order to admit critical pod');
  });

  it('is refused when even that would not be enough, or something else stands against it', async () => {
    await node.create('other', asking({ cpu: '1500m' }));
    await node.pass(1000);
    await node.create('huge', { ...asking({ cpu: '3' }), ...vital });
    await node.create('elsewhere', { ...asking({ cpu: '1' }), ...vital, nodeSelector: { disk: 'ssd' } });
    await node.pass(1000);
    expect((await node.pod('huge'))!.status).toMatchObject({
      reason: 'UnexpectedAdmissionError',
      message:
        'Pod was rejected: Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [(res: cpu, q: 1000), ]',
    });
    expect((await node.pod('elsewhere'))!.status).toMatchObject({ reason: 'NodeAffinity' });
    expect(await phase('other')).toBe('Running');
  });
});
