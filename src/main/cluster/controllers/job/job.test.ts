import type { Job, Pod } from '@shared/k8s';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { timestamp } from '../../clock';
import { resources } from '../../client/resources';
import { isFinished } from '../pods';
import { formatIndexes, freeIndexes, parseIndexes } from './indexes';
import { trackingFinalizer } from './pods';

let bed: Testbed;
let stopKubelet: () => void;
beforeEach(async () => {
  bed = await startTestbed();
  stopKubelet = bed.play((pod) => !isFinished(pod));
});
afterEach(() => {
  stopKubelet();
  bed.stop();
});

const create = async (spec: object = {}, podSpec: object = {}) => {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'a' }], ...podSpec } };
  const job = { metadata: { name: 'work', namespace: 'default' }, spec: { template, ...spec } };
  const created = await bed.client.create(resources.jobs, job);
  await bed.settle();
  return created as Job;
};
const get = () => bed.client.get(resources.jobs, 'default', 'work');
const all = async () => (await bed.client.list(resources.pods, 'default')).items;
const running = async () => (await all()).filter(({ status }) => status?.phase === 'Running');
const conditions = async () =>
  ((await get()).status!.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`);
const end = async (pod: Pod, exitCode = 0, finishedAt = timestamp(bed.clock.now())) => {
  const status = {
    ...pod.status,
    phase: exitCode ? 'Failed' : 'Succeeded',
    conditions: [],
    containerStatuses: [{ name: 'a', state: { terminated: { exitCode, finishedAt } } }],
  };
  await bed.client.updateStatus(resources.pods, { ...pod, status } as unknown as Pod);
  await bed.settle();
};
const endAll = async (exitCode = 0) => {
  for (const pod of await running()) await end(pod, exitCode);
};

describe('a Job', () => {
  it('runs pods in parallel until enough have succeeded', async () => {
    const job = await create({ completions: 3, parallelism: 2 });
    expect((await get()).status).toMatchObject({
      active: 2,
      ready: 2,
      startTime: '2026-01-01T00:00:00Z',
      uncountedTerminatedPods: {},
    });
    const [pod] = await all();
    expect(pod!.metadata).toMatchObject({
      finalizers: [trackingFinalizer],
      labels: { 'batch.kubernetes.io/job-name': 'work', 'batch.kubernetes.io/controller-uid': job.metadata.uid },
      ownerReferences: [{ kind: 'Job', name: 'work', controller: true }],
    });
    await endAll();
    expect(await running()).toHaveLength(1);
    expect((await get()).status).toMatchObject({ active: 1, succeeded: 2 });
    await bed.advance(5000);
    await endAll();
    const { status } = await get();
    expect(status).toMatchObject({ succeeded: 3, ready: 0, terminating: 0, completionTime: '2026-01-01T00:00:05Z' });
    expect(status).not.toHaveProperty('active');
    expect(status!.conditions).toMatchObject([
      {
        type: 'SuccessCriteriaMet',
        reason: 'CompletionsReached',
        message: 'Reached expected number of succeeded pods',
      },
      { type: 'Complete', status: 'True', reason: 'CompletionsReached' },
    ]);
    expect((await all()).every(({ metadata }) => !metadata.finalizers?.length)).toBe(true);
    const events = await bed.events('work');
    expect(events.filter((event) => event.startsWith('SuccessfulCreate: Created pod: work-'))).toHaveLength(3);
    expect(events.filter((event) => event === 'Completed: Job completed')).toHaveLength(1);
    expect(bed.problems).toEqual([]);
  });

  it('takes one success for the end of the work where no number is asked for', async () => {
    await create({ parallelism: 3 });
    const [first, ...others] = await running();
    await end(first!);
    expect((await get()).status).toMatchObject({ active: 2, succeeded: 1 });
    for (const pod of others) await end(pod);
    expect((await get()).status).toMatchObject({ succeeded: 3 });
    expect(await conditions()).toContain('Complete=True CompletionsReached');
  });

  it('replaces failed pods ever later and gives up at the backoff limit', async () => {
    await create({ backoffLimit: 2 });
    await endAll(1);
    expect(await running()).toHaveLength(0);
    await bed.advance(9000);
    expect(await running()).toHaveLength(0);
    await bed.advance(1000);
    expect(await running()).toHaveLength(1);
    await endAll(1);
    await bed.advance(19_000);
    expect(await running()).toHaveLength(0);
    await bed.advance(1000);
    await endAll(1);
    const { status } = await get();
    expect(status).toMatchObject({ failed: 3 });
    expect(status).not.toHaveProperty('completionTime');
    expect(await conditions()).toEqual(['FailureTarget=True BackoffLimitExceeded', 'Failed=True BackoffLimitExceeded']);
    expect(await bed.events('work')).toContain('BackoffLimitExceeded: Job has reached the specified backoff limit');
    expect(await all()).toHaveLength(3);
  });

  it('forgets no pod that ended and was deleted, and counts those deleted while they ran', async () => {
    await create({ completions: 3 });
    const [first] = await running();
    bed.intercept = ({ method, path }) => {
      if (method === 'PUT' && path.endsWith('/jobs/work/status')) throw new Error('not now');
    };
    await end(first!);
    await bed.client.delete(resources.pods, 'default', first!.metadata.name, { gracePeriodSeconds: 0 });
    await bed.settle();
    expect((await all()).map(({ metadata }) => metadata.name)).toContain(first!.metadata.name);
    bed.intercept = undefined;
    await bed.advance(30_000);
    expect((await get()).status).toMatchObject({ succeeded: 1, active: 1 });
    expect((await all()).map(({ metadata }) => metadata.name)).not.toContain(first!.metadata.name);

    const [second] = await running();
    await bed.client.delete(resources.pods, 'default', second!.metadata.name);
    await bed.advance(10_000);
    expect((await get()).status).toMatchObject({ succeeded: 1, failed: 1, active: 1 });
  });

  it('replaces a pod that was deleted before it had a node, even where only failed ones are replaced', async () => {
    stopKubelet();
    await create({ podReplacementPolicy: 'Failed' });
    const [pod] = await all();
    await bed.client.delete(resources.pods, 'default', pod!.metadata.name);
    await bed.settle();
    expect((await get()).status).toMatchObject({ terminating: 1 });
    await bed.advance(60_000);
    expect((await get()).status).toMatchObject({ terminating: 0, active: 1, failed: 1 });
    expect((await all()).map(({ metadata }) => metadata.name)).not.toContain(pod!.metadata.name);
  });

  it('ends when its time is over', async () => {
    await create({ activeDeadlineSeconds: 60, parallelism: 2, completions: 2 });
    await bed.advance(59_000);
    expect(await running()).toHaveLength(2);
    await bed.advance(1000);
    expect(await all()).toEqual([]);
    expect((await get()).status).toMatchObject({ failed: 2 });
    expect(await conditions()).toContain('Failed=True DeadlineExceeded');
    expect(await bed.events('work')).toContain('DeadlineExceeded: Job was active longer than specified deadline');
  });

  it('is held and goes on', async () => {
    await create({ suspend: true, parallelism: 2, completions: 2 });
    expect(await all()).toEqual([]);
    expect((await get()).status!.startTime).toBeUndefined();
    expect(await conditions()).toEqual(['Suspended=True JobSuspended']);
    const suspend = async (held: boolean) => {
      await bed.client.patch(resources.jobs, 'default', 'work', { spec: { suspend: held } });
      await bed.advance(1000);
    };
    await suspend(false);
    expect(await running()).toHaveLength(2);
    expect(await conditions()).toEqual(['Suspended=False JobResumed']);
    await suspend(true);
    expect(await all()).toEqual([]);
    expect((await get()).status!.failed).toBeUndefined();
    await suspend(false);
    expect((await get()).status).toMatchObject({ active: 2, startTime: '2026-01-01T00:00:02Z' });
    await bed.client.patch(resources.jobs, 'default', 'work', { spec: { parallelism: 1 } });
    await bed.settle();
    expect((await get()).status).toMatchObject({ active: 1 });
    expect((await get()).status!.failed).toBeUndefined();
    expect((await bed.events('work')).filter((event) => /^(Suspended|Resumed)/.test(event)).sort()).toEqual([
      'Resumed: Job resumed',
      'Suspended: Job suspended',
    ]);
  });

  it('stops those of its pods that it can', async () => {
    await create({ completions: 2, parallelism: 2 });
    const [stuck] = await running();
    bed.intercept = ({ method, path }) => {
      if (method === 'PATCH' && path.endsWith(stuck!.metadata.name)) throw new Error('not this one');
    };
    await bed.client.patch(resources.jobs, 'default', 'work', { spec: { suspend: true } });
    await bed.settle();
    expect((await all()).map(({ metadata }) => metadata.name)).toEqual([stuck!.metadata.name]);
    bed.intercept = undefined;
    await bed.advance(1000);
    expect(await all()).toEqual([]);
    expect((await get()).status!.failed).toBeUndefined();
  });

  it('is deleted when its time to live is over, and its pods with it', async () => {
    await create({ ttlSecondsAfterFinished: 100 });
    await endAll();
    await bed.advance(99_000);
    expect((await get()).status!.succeeded).toBe(1);
    await bed.advance(1000);
    await expect(get()).rejects.toMatchObject({ code: 404 });
    expect(await all()).toEqual([]);
  });

  it('lets go of its pods when it is deleted', async () => {
    await create({ parallelism: 2, completions: 2 });
    await bed.client.delete(resources.jobs, 'default', 'work', { propagationPolicy: 'Background' });
    await bed.advance(1000);
    expect(await all()).toEqual([]);
    await create({ parallelism: 2, completions: 2 });
    await bed.client.delete(resources.jobs, 'default', 'work', { propagationPolicy: 'Orphan' });
    await bed.settle();
    expect((await all()).map(({ metadata }) => metadata.finalizers ?? [])).toEqual([[], []]);
  });

  it('does not replace a pod whose success its cache does not show yet', async () => {
    let catchUp!: () => void;
    const behind = new Promise<void>((resolve) => (catchUp = resolve));
    await create({ parallelism: 2, completions: 2 });
    bed.lag = (path) => (path.endsWith('/jobs') ? behind : undefined);
    await end((await running())[0]!);
    expect(await all()).toHaveLength(2);
    catchUp();
    await bed.settle();
    expect(await all()).toHaveLength(2);
    expect((await get()).status).toMatchObject({ succeeded: 1, active: 1 });
  });
});

describe('an Indexed Job', () => {
  it('gives every pod its index until each has succeeded', async () => {
    await create({ completionMode: 'Indexed', completions: 3, parallelism: 2 });
    const [zero] = await running();
    expect(zero!.metadata).toMatchObject({
      generateName: 'work-0-',
      labels: { 'batch.kubernetes.io/job-completion-index': '0' },
      annotations: { 'batch.kubernetes.io/job-completion-index': '0' },
    });
    expect(zero!.spec!.hostname).toBe('work-0');
    expect(zero!.spec!.containers[0]!.env).toEqual([
      {
        name: 'JOB_COMPLETION_INDEX',
        valueFrom: {
          fieldRef: { apiVersion: 'v1', fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" },
        },
      },
    ]);
    await end(zero!, 1);
    await bed.advance(10_000);
    expect((await running()).map(({ spec }) => spec!.hostname).sort()).toEqual(['work-0', 'work-1']);
    await endAll();
    await endAll();
    expect((await get()).status).toMatchObject({ succeeded: 3, failed: 1, completedIndexes: '0-2' });
    expect(await conditions()).toContain('Complete=True CompletionsReached');
  });

  it('fails index by index where the limit is per index', async () => {
    await create({ completionMode: 'Indexed', completions: 2, parallelism: 2, backoffLimitPerIndex: 1 });
    const failOne = async () => {
      for (const pod of await running()) await end(pod, pod.spec!.hostname === 'work-1' ? 1 : 0);
      await bed.advance(10_000);
    };
    await failOne();
    expect((await get()).status).toMatchObject({ completedIndexes: '0', failedIndexes: '', active: 1 });
    await failOne();
    expect((await get()).status).toMatchObject({ completedIndexes: '0', failedIndexes: '1', failed: 2 });
    expect(await conditions()).toContain('Failed=True FailedIndexes');
  });

  it('holds up no index for the failures of another', async () => {
    await create({ completionMode: 'Indexed', completions: 4, parallelism: 2, backoffLimitPerIndex: 3 });
    const hostnames = async () => (await running()).map(({ spec }) => spec!.hostname).sort();
    const failFirst = async () => {
      await end(
        (await running()).find(({ spec }) => spec!.hostname === 'work-0')!,
        1,
      );
      await bed.advance(1000);
    };
    await failFirst();
    expect(await hostnames()).toEqual(['work-1', 'work-2']);
    await end((await running())[0]!);
    await bed.advance(1000);
    expect(await hostnames()).toEqual(['work-2', 'work-3']);
    await end((await running())[0]!);
    await bed.advance(9000);
    expect(await hostnames()).toContain('work-0');
    await failFirst();
    await bed.advance(15_000);
    expect(await hostnames()).not.toContain('work-0');
    await bed.advance(5000);
    expect(await hostnames()).toContain('work-0');
  });

  it('knows how often an index has failed although its failed pod is deleted', async () => {
    await create({ completionMode: 'Indexed', completions: 2, parallelism: 2, backoffLimitPerIndex: 1 });
    const failFirst = async () => {
      const pod = (await running()).find(({ spec }) => spec!.hostname === 'work-0')!;
      await end(pod, 1);
      await bed.client.delete(resources.pods, 'default', pod.metadata.name, { gracePeriodSeconds: 0 });
      await bed.settle();
      await bed.advance(10_000);
    };
    await failFirst();
    expect((await get()).status).toMatchObject({ failedIndexes: '', failed: 1, active: 2 });
    expect((await all()).map(({ spec }) => spec!.hostname).sort()).toEqual(['work-0', 'work-1']);
    await failFirst();
    expect((await get()).status).toMatchObject({ failedIndexes: '0', failed: 2, active: 1 });
    expect(await all()).toHaveLength(1);
  });

  it('does not count what it stops itself against an index', async () => {
    const spec = { completionMode: 'Indexed', completions: 2, parallelism: 2, backoffLimitPerIndex: 0 };
    await create(spec, { nodeName: 'n' });
    stopKubelet();
    await bed.client.patch(resources.jobs, 'default', 'work', { spec: { suspend: true } });
    await bed.settle();
    expect((await get()).status).toMatchObject({ failedIndexes: '', terminating: 2 });
    stopKubelet = bed.play((pod) => !isFinished(pod));
    await bed.settle();
    expect(await all()).toHaveLength(0);
    await bed.client.patch(resources.jobs, 'default', 'work', { spec: { suspend: false } });
    await bed.settle();
    expect(await running()).toHaveLength(2);
  });

  it('may succeed early by its success policy', async () => {
    await create({
      completionMode: 'Indexed',
      completions: 3,
      parallelism: 3,
      successPolicy: { rules: [{ succeededIndexes: '0' }] },
    });
    const leader = (await running()).find(({ spec }) => spec!.hostname === 'work-0');
    await end(leader!);
    await bed.advance(1000);
    expect(await conditions()).toEqual(['SuccessCriteriaMet=True SuccessPolicy', 'Complete=True SuccessPolicy']);
    expect(await all()).toHaveLength(1);
    expect((await get()).status!.failed).toBeUndefined();
  });

  it('reads and writes indexes', () => {
    expect(formatIndexes([4, 0, 1, 3, 7, 2, 9, 10])).toBe('0-4,7,9,10');
    expect([...parseIndexes('0-2,5,x,8-20', 10)]).toEqual([0, 1, 2, 5, 8, 9]);
    expect(freeIndexes(new Set([0, 2]), 5, 2)).toEqual([1, 3]);
  });
});

describe('podFailurePolicy', () => {
  const policy = {
    rules: [
      { action: 'FailJob', onExitCodes: { containerName: 'a', operator: 'In', values: [42] } },
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
    ],
  };

  it('fails the job at once', async () => {
    await create({ podFailurePolicy: policy });
    const [pod] = await running();
    await end(pod!, 42);
    const failed = (await get()).status!.conditions!.find(({ type }) => type === 'Failed');
    expect(failed).toMatchObject({
      reason: 'PodFailurePolicy',
      message: `Container a for pod default/${pod!.metadata.name} failed with exit code 42 matching FailJob rule at index 0`,
    });
  });

  it('ignores disruptions', async () => {
    await create({ podFailurePolicy: policy, backoffLimit: 0 });
    const [pod] = await running();
    const disrupted = [{ type: 'DisruptionTarget', status: 'True' }];
    await bed.client.updateStatus(resources.pods, {
      ...pod!,
      status: { ...pod!.status, phase: 'Failed', conditions: disrupted },
    });
    await bed.advance(10_000);
    expect((await get()).status).toMatchObject({ active: 1 });
    expect((await get()).status!.failed).toBeUndefined();
  });
});
