import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CronJob, DaemonSet, Deployment, Job, Pod, ReplicaSet, StatefulSet } from '@shared/k8s';
import { startSimulation, template, type Simulation } from '../../../test/support/simulation';
import { findCondition } from './client/conditions';
import { resources } from './client/resources';
import { isReady } from './controllers/pods';

// They take a few seconds, and longer on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let cluster: Simulation;
beforeEach(async () => {
  cluster = await startSimulation(['node-a', 'node-b']);
});
afterEach(async () => {
  await cluster.stop();
  expect(cluster.problems).toEqual([]);
});

const probe = { readinessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 1 } };
const readyPods = async (app: string) => (await cluster.pods(`app=${app}`)).filter(isReady);
const images = (pods: readonly Pod[]) => pods.map(({ spec }) => spec!.containers[0]!.image).sort();
const workload = (name: string, spec: object) => ({
  metadata: { name },
  spec: { selector: { matchLabels: { app: name } }, ...spec },
});

describe('a Deployment', () => {
  const web = (image: string, simulate?: object) => {
    const made = template('web', image, simulate);
    return { ...made, spec: { containers: [{ ...made.spec.containers[0]!, ...probe }] } };
  };
  const get = () => cluster.get<Deployment>(resources.deployments, 'web');
  const sets = async () =>
    Object.fromEntries(
      (await cluster.list<ReplicaSet>(resources.replicaSets)).map(({ spec }) => [
        spec!.template!.spec!.containers[0]!.image,
        spec!.replicas,
      ]),
    );
  const settled = (image: string, replicas = 4) =>
    cluster.until(
      () => readyPods('web'),
      (pods) => images(pods).join() === Array(replicas).fill(image).join(),
    );

  it('rolls out without a gap, stalls on what does not come up, goes back, scales and leaves nothing behind', async () => {
    await cluster.create(
      resources.deployments,
      workload('web', { replicas: 4, template: web('web:1'), progressDeadlineSeconds: 30 }),
    );
    await settled('web:1');
    expect(new Set((await cluster.pods()).map(({ spec }) => spec!.nodeName)).size).toBe(2);

    let least = 4;
    const watch = cluster.informers.informer(resources.pods).on({
      update: () =>
        void (least = Math.min(
          least,
          cluster.informers
            .informer(resources.pods)
            .list('default')
            .filter((pod) => isReady(pod) && !pod.metadata.deletionTimestamp).length,
        )),
    });
    await cluster.edit<Deployment>(
      resources.deployments,
      'web',
      (draft) => void (draft.spec!.template = web('web:2') as never),
    );
    await settled('web:2');
    watch();
    expect(least).toBeGreaterThanOrEqual(3);
    expect(await sets()).toEqual({ 'web:1': 0, 'web:2': 4 });

    await cluster.edit<Deployment>(
      resources.deployments,
      'web',
      (draft) => void (draft.spec!.template = web('web:3', { healthy: false }) as never),
    );
    await cluster.until(
      get,
      ({ status }) => findCondition(status!.conditions, 'Progressing')?.reason === 'ProgressDeadlineExceeded',
    );
    expect((await readyPods('web')).length).toBeGreaterThanOrEqual(3);
    await cluster.edit<Deployment>(
      resources.deployments,
      'web',
      (draft) => void (draft.spec!.template = web('web:1') as never),
    );
    await settled('web:1');
    expect((await get()).metadata.annotations!['deployment.kubernetes.io/revision']).toBe('4');

    await cluster.client.patch(resources.deployments, 'default', 'web', { spec: { replicas: 7 } });
    await settled('web:1', 7);
    await cluster.client.delete(resources.deployments, 'default', 'web', { propagationPolicy: 'Foreground' });
    await cluster.pass(60);
    expect(await cluster.list(resources.replicaSets)).toEqual([]);
    expect(await cluster.list(resources.pods)).toEqual([]);
    expect(await cluster.orphans()).toBe(0);
  });
});

describe('a StatefulSet', () => {
  const names = async () => (await readyPods('db')).map(({ metadata }) => metadata.name);

  it('starts, updates and ends its pods in order, and gives a dead one its name again', async () => {
    const order: string[] = [];
    cluster.informers.informer(resources.pods).on({ add: ({ metadata }) => void order.push(metadata.name) });
    const slow = template('db', 'db:1', { startMs: 3000 });
    await cluster.create(resources.statefulSets, workload('db', { replicas: 3, serviceName: 'db', template: slow }));
    await cluster.until(names, (ready) => ready.length === 3);
    expect(order).toEqual(['db-0', 'db-1', 'db-2']);

    const uids = (await cluster.pods()).map(({ metadata }) => metadata.uid);
    await cluster.client.delete(resources.pods, 'default', 'db-1');
    const again = await cluster.until(names, (ready) => ready.length === 3);
    expect(again).toEqual(['db-0', 'db-1', 'db-2']);
    expect((await cluster.pods()).map(({ metadata }) => uids.includes(metadata.uid))).toEqual([true, false, true]);

    order.length = 0;
    await cluster.edit<StatefulSet>(resources.statefulSets, 'db', (draft) => {
      draft.spec!.template.spec!.containers[0]!.image = 'db:2';
    });
    await cluster.until(
      () => readyPods('db'),
      (pods) => images(pods).join() === 'db:2,db:2,db:2',
    );
    expect(order).toEqual(['db-2', 'db-1', 'db-0']);

    const ends: string[] = [];
    cluster.informers.informer(resources.pods).on({ delete: ({ metadata }) => void ends.push(metadata.name) });
    await cluster.client.patch(resources.statefulSets, 'default', 'db', { spec: { replicas: 0 } });
    await cluster.until(
      () => cluster.list(resources.pods),
      (pods) => pods.length === 0,
    );
    expect(ends).toEqual(['db-2', 'db-1', 'db-0']);
  });
});

describe('a DaemonSet', () => {
  const placed = async () => (await readyPods('agent')).map(({ spec }) => spec!.nodeName).sort();

  it('is on every node, those that join and not those that leave, and surges when it is updated', async () => {
    const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
    await cluster.create(resources.daemonSets, workload('agent', { template: template('agent'), updateStrategy }));
    await cluster.until(placed, (nodes) => nodes.join() === 'node-a,node-b');
    await cluster.join('node-c');
    await cluster.until(placed, (nodes) => nodes.join() === 'node-a,node-b,node-c');
    await cluster.leave('node-b');
    await cluster.until(
      () => cluster.list(resources.pods),
      (pods) => pods.length === 2,
      120,
    );
    expect(await placed()).toEqual(['node-a', 'node-c']);

    await cluster.edit<DaemonSet>(resources.daemonSets, 'agent', (draft) => {
      draft.spec!.template.spec!.containers[0]!.image = 'app:2';
    });
    let least = 2;
    await cluster.until(
      () => readyPods('agent'),
      (pods) => {
        least = Math.min(least, pods.length);
        return images(pods).join() === 'app:2,app:2';
      },
    );
    expect(least).toBe(2);
    const { status } = await cluster.get<DaemonSet>(resources.daemonSets, 'agent');
    expect(status).toMatchObject({ desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2 });
  });
});

describe('a ReplicationController', () => {
  it('replaces what is deleted and what its node kills, and can be left by its pods', async () => {
    await cluster.create(resources.replicationControllers, {
      metadata: { name: 'old' },
      spec: { replicas: 3, selector: { app: 'old' }, template: template('old') },
    });
    const three = () =>
      cluster.until(
        () => readyPods('old'),
        (pods) => pods.length === 3,
      );
    const [first, second] = await three();
    await cluster.client.delete(resources.pods, 'default', first!.metadata.name, { gracePeriodSeconds: 0 });
    await cluster.kill(second!);
    await three();
    const restarted = await cluster.get<Pod>(resources.pods, second!.metadata.name);
    expect(restarted.status!.containerStatuses![0]).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 137 } },
    });
    await cluster.client.delete(resources.replicationControllers, 'default', 'old', { propagationPolicy: 'Orphan' });
    await cluster.pass(10);
    expect((await readyPods('old')).map(({ metadata }) => metadata.ownerReferences ?? [])).toEqual([[], [], []]);
  });
});

describe('a Job', () => {
  const get = (name = 'work') => cluster.get<Job>(resources.jobs, name);
  const done = (type: string, seconds: number, name?: string) =>
    cluster.until(
      () => get(name),
      ({ status }) => findCondition(status?.conditions, type)?.status === 'True',
      seconds,
    );
  const job = (spec: object, simulate: object, restartPolicy = 'Never') => ({
    metadata: { name: 'work' },
    spec: { template: template('work', 'work:1', simulate, { restartPolicy }), ...spec },
  });

  it('gets its work done although some of its pods fail', async () => {
    const flaky = { runMs: 5000, exitCode: 1, failureRate: 0.4 };
    await cluster.create(
      resources.jobs,
      job({ completions: 8, parallelism: 3, backoffLimit: 30, ttlSecondsAfterFinished: 100 }, flaky),
    );
    const { status } = await done('Complete', 3600);
    const pods = await cluster.list<Pod>(resources.pods);
    const ended = (phase: string) => pods.filter((pod) => pod.status?.phase === phase).length;
    expect(status).toMatchObject({ succeeded: 8, failed: ended('Failed') });
    expect(ended('Failed')).toBeGreaterThan(0);
    expect(ended('Succeeded')).toBe(8);
    expect(pods.every(({ metadata }) => !metadata.finalizers?.length)).toBe(true);
    await cluster.pass(110);
    expect(await cluster.list(resources.jobs)).toEqual([]);
    expect(await cluster.list(resources.pods)).toEqual([]);
  });

  it('gives up after its limit, ever more slowly', async () => {
    await cluster.create(resources.jobs, job({ backoffLimit: 3 }, { runMs: 1000, exitCode: 1 }));
    await done('Failed', 600);
    const starts = (await cluster.list<Pod>(resources.pods))
      .map(({ metadata }) => Date.parse(metadata.creationTimestamp))
      .sort();
    const gaps = starts.slice(1).map((at, index) => Math.round((at - starts[index]!) / 1000));
    expect(gaps).toHaveLength(3);
    for (const [index, least] of [10, 20, 40].entries()) {
      expect(gaps[index]).toBeGreaterThanOrEqual(least);
      expect(gaps[index]).toBeLessThan(least + 5);
    }
  });

  it('restarts in place with OnFailure, is held and resumed, and runs each index once', async () => {
    const spec = { completions: 4, parallelism: 4, completionMode: 'Indexed', suspend: true, backoffLimit: 20 };
    await cluster.create(resources.jobs, job(spec, { runMs: 2000, exitCode: 1, failureRate: 0.5 }, 'OnFailure'));
    await cluster.pass(5);
    expect(await cluster.pods()).toEqual([]);
    await cluster.client.patch(resources.jobs, 'default', 'work', { spec: { suspend: false } });
    const { status } = await done('Complete', 600);
    expect(status).toMatchObject({ succeeded: 4, completedIndexes: '0-3' });
    expect(status!.failed).toBeUndefined();
    const restarts = (await cluster.list<Pod>(resources.pods)).map(
      (pod) => pod.status!.containerStatuses![0]!.restartCount,
    );
    expect(restarts).toHaveLength(4);
    expect(Math.max(...restarts)).toBeGreaterThan(0);
  });

  it('is done after a moment, init containers first, where nothing is said of how it behaves', async () => {
    const spec = { restartPolicy: 'Never', initContainers: [{ name: 'first', image: 'first:1' }] };
    const { metadata, ...rest } = template('work', 'work:1', {}, spec);
    const plain = { metadata: { labels: metadata.labels }, ...rest };
    await cluster.create(resources.jobs, { metadata: { name: 'work' }, spec: { completions: 2, template: plain } });
    expect((await done('Complete', 20)).status).toMatchObject({ succeeded: 2 });
  });

  it('ends when its time is over, and its pods with it', async () => {
    await cluster.create(
      resources.jobs,
      job({ activeDeadlineSeconds: 20, parallelism: 2, completions: 2 }, { runMs: null }),
    );
    await cluster.until(
      () => readyPods('work'),
      (pods) => pods.length === 2,
    );
    const { status } = await done('Failed', 90);
    expect(findCondition(status!.conditions, 'Failed')!.reason).toBe('DeadlineExceeded');
    expect(await cluster.list(resources.pods)).toEqual([]);
  });
});

describe('a CronJob', () => {
  it('runs by the clock for hours and keeps as much history as it is asked for', async () => {
    const simulate = { runMs: 30_000, failureRate: 0.3, exitCode: 1 };
    await cluster.create(resources.cronJobs, {
      metadata: { name: 'tick' },
      spec: {
        schedule: '*/15 * * * *',
        concurrencyPolicy: 'Forbid',
        successfulJobsHistoryLimit: 2,
        failedJobsHistoryLimit: 1,
        jobTemplate: {
          spec: { backoffLimit: 0, template: template('tick', 'tick:1', simulate, { restartPolicy: 'Never' }) },
        },
      },
    });
    const runs = new Set<string>();
    cluster.informers.informer(resources.jobs).on({ add: ({ metadata }) => void runs.add(metadata.name) });
    await cluster.pass(2 * 3600);
    expect(runs.size).toBe(8);
    const left = await cluster.list<Job>(resources.jobs);
    const ended = (type: string) => left.filter(({ status }) => findCondition(status?.conditions, type)).length;
    expect([ended('Complete'), ended('Failed')]).toEqual([2, 1]);
    const { status } = await cluster.get<CronJob>(resources.cronJobs, 'tick');
    expect(status!.lastScheduleTime).toBe('2026-01-01T02:00:00Z');
  });
});
