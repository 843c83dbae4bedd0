import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Deployment, KubeObject, Pod, PodDisruptionBudget } from '@shared/k8s';
import { deploymentManifest, startTestbed, type Testbed } from '../../../../../test/support/testbed';
import type { ApiError } from '../../api/errors';
import { findCondition } from '../../client/conditions';
import { resources } from '../../client/resources';
import { timestamp } from '../../clock';

let bed: Testbed;
beforeEach(async () => {
  bed = await startTestbed();
});
afterEach(() => bed.stop());

const budget = (spec: object, name = 'budget') =>
  bed.client.create<PodDisruptionBudget>(resources.podDisruptionBudgets, {
    metadata: { name, namespace: 'default' },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  });
const current = async (name = 'budget') => {
  await bed.settle();
  return bed.client.get(resources.podDisruptionBudgets, 'default', name);
};
const counts = async () => {
  const { expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed } = (await current()).status!;
  return [expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed];
};
const allowed = async () => findCondition((await current()).status!.conditions, 'DisruptionAllowed');
const pods = async () => (await bed.client.list(resources.pods, 'default')).items;
const pod = async (name: string, options: { ready?: boolean; metadata?: object; nodeName?: string } = {}) => {
  const created = await bed.client.create<Pod>(resources.pods, {
    metadata: { name, namespace: 'default', labels: { app: 'web' }, ...options.metadata },
    spec: { containers: [{ name: 'a', image: 'a' }], nodeName: options.nodeName },
  });
  return bed.run(created, options.ready ?? true);
};
const web = async (replicas: number) => {
  bed.play();
  await bed.client.create<Deployment>(resources.deployments, deploymentManifest('web', replicas));
  await bed.settle();
};
const evict = (name: string, more: object = {}) =>
  bed.client.createSubresource<KubeObject>(resources.pods, 'default', name, 'eviction', {
    metadata: { name, namespace: 'default' },
    ...more,
  });
const refused = (work: Promise<unknown>): Promise<ApiError> =>
  work.then(
    () => Promise.reject(new Error('it was not refused')),
    (error: ApiError) => error,
  );

describe('the status of a PodDisruptionBudget', () => {
  it('counts the pods there are against a number', async () => {
    await budget({ minAvailable: 2 });
    expect(await counts()).toEqual([0, 2, 0, 0]);
    expect(await bed.events('budget')).toEqual(['NoPods: No matching pods found']);
    for (const name of ['a', 'b', 'c']) await pod(name, { ready: name !== 'c' });
    expect(await counts()).toEqual([3, 2, 2, 0]);
    expect(await allowed()).toMatchObject({ status: 'False', reason: 'InsufficientPods', observedGeneration: 1 });
    await pod('d');
    expect(await counts()).toEqual([4, 2, 3, 1]);
    expect(await allowed()).toMatchObject({ status: 'True', reason: 'SufficientPods' });
  });

  it.each([
    [{ maxUnavailable: 1 }, [5, 4, 5, 1]],
    [{ maxUnavailable: '30%' }, [5, 3, 5, 2]],
    [{ minAvailable: '50%' }, [5, 3, 5, 2]],
    [{ minAvailable: '100%' }, [5, 5, 5, 0]],
    [{ maxUnavailable: 9 }, [5, 0, 5, 5]],
  ])('counts %j by the size of the owner', async (spec, expected) => {
    await web(5);
    await budget(spec);
    expect(await counts()).toEqual(expected);
  });

  it('follows the size of the owner and the budget itself', async () => {
    await web(4);
    await budget({ maxUnavailable: '50%' });
    expect(await counts()).toEqual([4, 2, 4, 2]);
    await bed.edit(resources.deployments, 'web', (draft: any) => (draft.spec.replicas = 8));
    expect(await counts()).toEqual([8, 4, 8, 4]);
    await bed.edit(resources.podDisruptionBudgets, 'budget', (draft: any) => (draft.spec.maxUnavailable = 1));
    expect(await counts()).toEqual([8, 7, 8, 1]);
    expect((await current()).status!.observedGeneration).toBe(2);
  });

  it('says what it cannot count', async () => {
    await pod('alone');
    await budget({ minAvailable: '50%' });
    expect(await counts()).toEqual([0, 0, 1, 0]);
    expect((await bed.events('budget'))[0]).toContain('UnmanagedPods: Pods selected by this PodDisruptionBudget');
    const set = await bed.client.create(resources.daemonSets, {
      metadata: { name: 'agent', namespace: 'default' },
      spec: {
        selector: { matchLabels: { part: 'agent' } },
        template: { metadata: { labels: { part: 'agent' } }, spec: { containers: [{ name: 'a', image: 'a' }] } },
      },
    });
    const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: set.metadata.uid, controller: true };
    await bed.client.create(resources.nodes, { metadata: { name: 'n' } });
    await pod('daemon', {
      nodeName: 'n',
      metadata: { labels: { app: 'web', part: 'agent' }, ownerReferences: [owner] },
    });
    const message = 'daemonsets.apps does not implement the scale subresource';
    expect(await allowed()).toMatchObject({ status: 'False', reason: 'SyncFailed', message });
    expect(await bed.events('budget')).toContain(
      `CalculateExpectedPodCountFailed: Failed to calculate the number of expected pods: ${message}`,
    );
    const error = await refused(evict('alone'));
    expect(error.status.details?.causes?.[0]?.message).toContain(`because it failed sync: ${message}`);
  });
});

describe('an eviction', () => {
  it('takes from the budget until nothing is left, and gets it back with the new pods', async () => {
    await web(3);
    await budget({ minAvailable: 2 });
    await bed.settle();
    const [first, second] = await pods();
    await evict(first!.metadata.name);
    const error = await refused(evict(second!.metadata.name));
    expect(error.status).toMatchObject({
      code: 429,
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: { causes: [{ reason: 'DisruptionBudget', message: expect.stringContaining('needs 2 healthy pods') }] },
    });
    await bed.settle();
    expect((await pods()).map(({ metadata }) => metadata.name)).not.toContain(first!.metadata.name);
    expect(await counts()).toEqual([3, 2, 3, 1]);
    await evict(second!.metadata.name);
  });

  it('tells the pod why it goes and waits for nobody to notice', async () => {
    await pod('a', { nodeName: 'n' });
    await pod('b');
    await budget({ minAvailable: 1 });
    await bed.settle();
    await evict('a');
    const going = await bed.client.get(resources.pods, 'default', 'a');
    expect(going.metadata.deletionTimestamp).toBeDefined();
    expect(findCondition(going.status!.conditions, 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
    });
    expect((await current()).status!.disruptedPods).toBeUndefined();
    await evict('a');
  });

  it('is refused before the controller has seen the budget, and where several speak', async () => {
    await pod('a');
    await bed.controllers.stop();
    await budget({ minAvailable: 0 });
    const early = await refused(evict('a'));
    expect(early.status).toMatchObject({ code: 429, details: { retryAfterSeconds: 10 } });
    expect(early.status.details!.causes![0]!.message).toBe(
      'The disruption budget budget is still being processed by the server.',
    );
    await budget({ minAvailable: 0 }, 'other');
    expect((await refused(evict('a'))).status).toMatchObject({
      code: 500,
      message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    });
  });

  it('lets broken pods go where the budget is kept, or always when it is told', async () => {
    await pod('good');
    await pod('bad', { ready: false });
    await budget({ minAvailable: 1 });
    await bed.settle();
    await evict('bad');
    await pod('worse', { ready: false });
    await bed.run(await bed.client.get(resources.pods, 'default', 'good'), false);
    expect(await counts()).toEqual([2, 1, 0, 0]);
    expect((await refused(evict('worse'))).code).toBe(429);
    await bed.edit(resources.podDisruptionBudgets, 'budget', (draft: any) => {
      draft.spec.unhealthyPodEvictionPolicy = 'AlwaysAllow';
    });
    await evict('worse');
  });

  it('asks no budget for pods that do not run', async () => {
    await budget({ minAvailable: 5 });
    for (const phase of ['Pending', 'Succeeded', 'Failed']) {
      const name = phase.toLowerCase();
      const made = await pod(name);
      await bed.client.updateStatus(resources.pods, { ...made, status: { phase } });
      await bed.settle();
      await evict(name);
    }
  });

  it('is tried without effect by a dry run, and only under its preconditions', async () => {
    const made = await pod('a');
    await pod('b');
    await budget({ minAvailable: 1 });
    const before = await current();
    await evict('a', { deleteOptions: { dryRun: ['All'] } });
    expect(await current()).toEqual(before);
    expect(await bed.client.get(resources.pods, 'default', 'a')).toEqual(made);
    const other = await refused(evict('a', { deleteOptions: { preconditions: { uid: 'x' } } }));
    expect(other.message).toContain('Precondition failed: UID in precondition: x, UID in object meta');
    const old = { resourceVersion: '1' };
    expect((await refused(evict('a', { deleteOptions: { preconditions: old } }))).code).toBe(409);
    expect(await current()).toEqual(before);
    const { uid, resourceVersion } = made.metadata;
    await evict('a', { deleteOptions: { preconditions: { uid, resourceVersion } } });
  });

  it('is taken in the version of old clients', async () => {
    await pod('a');
    const { status } = await bed.client.transport.request({
      method: 'POST',
      path: '/api/v1/namespaces/default/pods/a/eviction',
      body: { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name: 'a', namespace: 'default' } },
    });
    expect(status).toBe(201);
  });
});

it('a granted eviction that never happens is given back', async () => {
  await pod('a');
  await budget({ minAvailable: 0 });
  const granted = await current();
  const time = timestamp(bed.clock.now());
  await bed.client.updateStatus(resources.podDisruptionBudgets, {
    ...granted,
    status: { ...granted.status, disruptedPods: { a: time } },
  });
  expect(await counts()).toEqual([1, 0, 0, 0]);
  await bed.advance(121_000);
  expect(await counts()).toEqual([1, 0, 1, 1]);
  expect((await current()).status!.disruptedPods).toBeUndefined();
  expect(await bed.events('a')).toContain(
    "NotDeleted: Pod was expected by PDB default/budget to be deleted but it wasn't",
  );
});

it('DisruptionTarget is taken back from a pod that stays, unless its node said it', async () => {
  for (const [name, reason] of [
    ['a', 'EvictionByEvictionAPI'],
    ['b', 'TerminationByKubelet'],
  ]) {
    const made = await pod(name!);
    const lastTransitionTime = timestamp(bed.clock.now());
    const conditions = [{ type: 'DisruptionTarget', status: 'True', reason, lastTransitionTime }];
    await bed.client.updateStatus(resources.pods, { ...made, status: { ...made.status, conditions } });
  }
  await bed.advance(121_000);
  const target = async (name: string) =>
    findCondition((await bed.client.get(resources.pods, 'default', name)).status!.conditions, 'DisruptionTarget');
  expect((await target('a'))!.status).toBe('False');
  expect((await target('b'))!.status).toBe('True');
});
