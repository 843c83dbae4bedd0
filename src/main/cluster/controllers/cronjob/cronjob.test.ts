import { parseCronSchedule } from '@shared/cron-schedule';
import { countTimes, lastTime, nextTime, wallClockOf, zonedTimestamp } from '@shared/cron-times';
import type { Job, Pod } from '@shared/k8s';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { apiError } from '../../api/errors';
import { resources } from '../../client/resources';
import { isFinished } from '../pods';

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

const minute = 60_000;
const start = Date.parse('2026-01-01T00:00:00Z');
const nameAt = (minutes: number) => `tick-${start / minute + minutes}`;

const create = async (spec: object = {}) => {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'a' }] } };
  const jobTemplate = { metadata: { labels: { of: 'tick' } }, spec: { template, backoffLimit: 0 } };
  const metadata = { name: 'tick', namespace: 'default' };
  await bed.client.create(resources.cronJobs, { metadata, spec: { schedule: '* * * * *', jobTemplate, ...spec } });
  await bed.settle();
};
const get = () => bed.client.get(resources.cronJobs, 'default', 'tick');
const jobs = async () => (await bed.client.list(resources.jobs, 'default')).items;
const names = async () => (await jobs()).map(({ metadata }) => metadata.name).sort();
const endAll = async (phase = 'Succeeded') => {
  for (const pod of (await bed.client.list(resources.pods, 'default')).items) {
    if (isFinished(pod)) continue;
    const status = { ...pod.status, phase, conditions: [] };
    await bed.client.updateStatus(resources.pods, { ...pod, status } as Pod);
  }
  await bed.settle();
};

describe('a CronJob', () => {
  it('starts a job whenever it is due and notes how it ended', async () => {
    await create();
    expect(await jobs()).toEqual([]);
    await bed.advance(59_000);
    expect(await jobs()).toEqual([]);
    await bed.advance(1000);
    const [job] = await jobs();
    expect(job!.metadata).toMatchObject({
      name: nameAt(1),
      labels: { of: 'tick' },
      annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T00:01:00Z' },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'tick', controller: true }],
    });
    expect((await get()).status).toMatchObject({
      active: [{ kind: 'Job', name: nameAt(1), uid: job!.metadata.uid }],
      lastScheduleTime: '2026-01-01T00:01:00Z',
    });
    await endAll();
    expect((await get()).status).toEqual({
      lastScheduleTime: '2026-01-01T00:01:00Z',
      lastSuccessfulTime: '2026-01-01T00:01:00Z',
    });
    const events = await bed.events('tick');
    expect(events).toContain(`SuccessfulCreate: Created job ${nameAt(1)}`);
    expect(events).toContain(`SawCompletedJob: Saw completed job: ${nameAt(1)}, condition: Complete`);
    expect(bed.problems).toEqual([]);
  });

  it('keeps as much history as it is asked for', async () => {
    await create({ successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 1 });
    for (const phase of ['Failed', 'Succeeded', 'Failed', 'Succeeded', 'Succeeded']) {
      await bed.advance(minute);
      await endAll(phase);
    }
    await bed.advance(1000);
    expect(await names()).toEqual([nameAt(3), nameAt(4), nameAt(5)]);
  });

  it.each([
    ['Allow', [1, 2], 2],
    ['Forbid', [1], 1],
    ['Replace', [2], 1],
  ])('%ss jobs at the same time', async (concurrencyPolicy, minutes, active) => {
    await create({ concurrencyPolicy });
    await bed.advance(minute);
    await bed.advance(minute);
    expect(await names()).toEqual(minutes.map(nameAt));
    expect((await get()).status!.active).toHaveLength(active);
    if (concurrencyPolicy !== 'Forbid') return;
    expect((await bed.events('tick')).join()).toContain('JobAlreadyActive: Not starting job because prior execution');
    await endAll();
    // What was due meanwhile is made up for.
    expect(await names()).toEqual([1, 2].map(nameAt));
  });

  it('is held and makes up for the last run alone', async () => {
    await create({ suspend: true });
    await bed.advance(10 * minute + 5000);
    expect(await jobs()).toEqual([]);
    await bed.client.patch(resources.cronJobs, 'default', 'tick', { spec: { suspend: false } });
    await bed.settle();
    expect(await names()).toEqual([nameAt(10)]);
    expect((await get()).status!.lastScheduleTime).toBe('2026-01-01T00:10:00Z');
  });

  it('does not start what is too late', async () => {
    await create({ suspend: true, schedule: '0 * * * *', startingDeadlineSeconds: 60 });
    await bed.advance(70 * minute);
    await bed.client.patch(resources.cronJobs, 'default', 'tick', { spec: { suspend: false } });
    await bed.settle();
    expect(await jobs()).toEqual([]);
    expect(await bed.events('tick')).toContain(
      'MissSchedule: Missed scheduled time to start a job: Thu, 01 Jan 2026 01:00:00 +0000',
    );
    await bed.advance(50 * minute);
    expect(await names()).toEqual([nameAt(120)]);
  });

  it('goes on when a job of its history cannot be deleted', async () => {
    await create({ successfulJobsHistoryLimit: 0 });
    bed.intercept = ({ method, path }) => {
      if (method === 'DELETE' && path.endsWith(nameAt(1))) throw apiError(403, 'Forbidden', 'not now');
    };
    for (let count = 0; count < 3; count++) {
      await bed.advance(minute);
      await endAll();
    }
    expect(await names()).toEqual([nameAt(1)]);
    expect((await get()).status).toMatchObject({ lastScheduleTime: '2026-01-01T00:03:00Z' });
    expect((await bed.events('tick')).join()).toMatch(/FailedDelete: Deleted job: .*not now/);
    bed.intercept = undefined;
    await bed.advance(minute);
    expect(await names()).toEqual([nameAt(4)]);
  });

  it('leaves a job alone that was made of its template by hand', async () => {
    await create({ concurrencyPolicy: 'Replace' });
    const { spec, metadata } = await get();
    const reference = { apiVersion: 'batch/v1', kind: 'CronJob', name: 'tick', uid: metadata.uid, controller: true };
    await bed.client.create(resources.jobs, {
      metadata: {
        name: 'by-hand',
        namespace: 'default',
        annotations: { 'cronjob.kubernetes.io/instantiate': 'manual' },
        ownerReferences: [reference],
      },
      spec: spec!.jobTemplate.spec,
    });
    await bed.advance(2 * minute);
    expect(await names()).toEqual(['by-hand', nameAt(2)]);
    expect((await get()).status!.active!.map(({ name }) => name)).toEqual([nameAt(2)]);
    expect(await bed.events('tick')).toContain(
      'UnexpectedJob: Saw a job that the controller did not create or forgot: by-hand',
    );
  });

  it('goes by the clock of its time zone', async () => {
    await create({ schedule: '30 9 * * *', timeZone: 'Asia/Tokyo' });
    await bed.advance(30 * minute);
    const [job] = (await jobs()) as Job[];
    expect(job!.metadata.annotations).toEqual({
      'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T09:30:00+09:00',
    });
  });

  it('starts a run once although its caches are behind', async () => {
    let catchUp!: () => void;
    const behind = new Promise<void>((resolve) => (catchUp = resolve));
    await create();
    bed.lag = (path) => (/\/(cronjobs|jobs)$/.test(path) ? behind : undefined);
    await bed.advance(minute);
    expect(await names()).toEqual([nameAt(1)]);
    catchUp();
    await bed.settle();
    expect((await get()).status!.active).toHaveLength(1);
    expect((await bed.events('tick')).filter((event) => event.startsWith('SuccessfulCreate'))).toHaveLength(1);
    await bed.advance(minute);
    expect(await names()).toEqual([1, 2].map(nameAt));
  });

  it('does not start a run again whose job is gone before its cache shows that it ran', async () => {
    let catchUp!: () => void;
    const behind = new Promise<void>((resolve) => (catchUp = resolve));
    await create();
    bed.lag = (path) => (path.endsWith('/cronjobs') ? behind : undefined);
    await bed.advance(minute);
    await bed.client.delete(resources.jobs, 'default', nameAt(1), { propagationPolicy: 'Background' });
    await bed.settle();
    expect(await jobs()).toEqual([]);
    catchUp();
    await bed.settle();
    expect(await jobs()).toEqual([]);
    expect((await get()).status).toEqual({ lastScheduleTime: '2026-01-01T00:01:00Z' });
  });

  it('repeats after a duration', async () => {
    await create({ schedule: '@every 90s' });
    await bed.advance(270_000);
    expect(await names()).toEqual([1, 3, 4].map(nameAt));
  });
});

describe('schedules', () => {
  const next = (text: string, after: string, zone?: string) => {
    const at = nextTime(parseCronSchedule(text), wallClockOf(zone), Date.parse(after));
    return at === undefined ? undefined : new Date(at).toISOString().slice(0, 16);
  };

  it('find the next time', () => {
    expect(next('*/15 * * * *', '2026-01-01T00:15:00Z')).toBe('2026-01-01T00:30');
    expect(next('@yearly', '2026-01-01T00:00:00Z')).toBe('2027-01-01T00:00');
    expect(next('0 0 29 2 *', '2026-01-01T00:00:00Z')).toBe('2028-02-29T00:00');
    expect(next('0 12 13 * fri', '2026-01-01T00:00:00Z')).toBe('2026-01-02T12:00');
    expect(next('0 0 * * mon', '2026-01-01T00:00:00Z')).toBe('2026-01-05T00:00');
    expect(next('0 0 30 2 *', '2026-01-01T00:00:00Z')).toBeUndefined();
    // Kolkata is half an hour off; Berlin has no 02:30 on the day its summer begins.
    expect(next('0 6 * * *', '2026-01-01T00:00:00Z', 'Asia/Kolkata')).toBe('2026-01-01T00:30');
    expect(next('30 2 * * *', '2026-03-28T12:00:00Z', 'Europe/Berlin')).toBe('2026-03-30T00:30');
    expect(next('0 0 * * *', '2026-03-29T00:30:00Z', 'Europe/Berlin')).toBe('2026-03-29T22:00');
  });

  it('find the last time, however long ago the first was', () => {
    const [clock, now] = [wallClockOf(), Date.parse('2026-06-15T10:30:30Z')];
    const last = (text: string, earliest: string) => {
      const at = lastTime(parseCronSchedule(text), clock, Date.parse(earliest), now);
      return at === undefined ? undefined : new Date(at).toISOString().slice(0, 16);
    };
    expect(last('* * * * *', '2006-01-01T00:00:00Z')).toBe('2026-06-15T10:30');
    expect(last('0 0 1 1 *', '2024-05-01T00:00:00Z')).toBe('2026-01-01T00:00');
    expect(last('0 12 * * *', '2026-06-15T00:00:00Z')).toBeUndefined();
    expect(countTimes(parseCronSchedule('* * * * *'), clock, now - 7 * minute, now, 100)).toBe(7);
  });

  it('write the time of a zone', () => {
    expect(zonedTimestamp(start, 'America/New_York')).toBe('2025-12-31T19:00:00-05:00');
    expect(zonedTimestamp(start)).toBe('2026-01-01T00:00:00Z');
  });
});
