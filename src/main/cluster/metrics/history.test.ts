import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../clock';
import { labels, type Runtime } from '../kubelet/runtime/types';
import { createLogger } from '../log';
import { openHistoryFile } from './history-file';
import { createMetrics, type Metrics } from './metrics';
import { fiveMinutes, minutes, TieredSeries } from './tiers';

const minute = 60_000;
const hour = 60 * minute;

describe('TieredSeries', () => {
  const filled = (hours: number) => {
    const series = new TieredSeries([{ everyMs: 10_000, keepMs: hour }, minutes, fiveMinutes]);
    for (let t = 0; t < hours * hour; t += 10_000) series.add({ t, cpu: t / hour, memory: 1 });
    return series;
  };

  it('answers in the finest resolution that reaches back far enough', () => {
    const series = filled(30);
    const now = 30 * hour;
    const steps = (back: number) => {
      const points = series.since(now - back, now);
      return { count: points.length, step: points[1]!.t - points[0]!.t, first: now - points[0]!.t };
    };
    expect(steps(hour)).toEqual({ count: 360, step: 10_000, first: hour });
    expect(steps(6 * hour)).toMatchObject({ step: minute, first: 6 * hour });
    const day = steps(24 * hour);
    expect(day).toMatchObject({ step: 5 * minute, first: 24 * hour });
    expect(day.count).toBeLessThanOrEqual(288);
  });

  it('averages, and keeps points in order without holes', () => {
    const points = filled(8).since(2 * hour, 8 * hour);
    expect(points[0]!.cpu).toBeCloseTo(2 + 25 / 3600, 4);
    const gaps = points.slice(1).map((point, index) => point.t - points[index]!.t);
    expect(new Set(gaps.slice(0, -1))).toEqual(new Set([minute]));
    // The newest point is told as it is.
    expect(points.at(-1)!.t).toBe(8 * hour - 10_000);
  });

  it('tells every time once, where a restart cut through a bucket', () => {
    const series = new TieredSeries([{ everyMs: 10_000, keepMs: hour }, minutes, fiveMinutes]);
    series.restore({ t: 0, cpu: 1, memory: 1 }, 5 * minute);
    for (let t = 3 * minute; t < 11 * minute; t += minute) series.restore({ t, cpu: 1, memory: 1 }, minute);
    expect(series.kept(5 * minute, 0).map(({ t }) => t)).toEqual([0, 5 * minute]);
  });

  it('fills up with coarser points what finer ones do not reach', () => {
    const series = new TieredSeries([{ everyMs: 10_000, keepMs: hour }, minutes, fiveMinutes]);
    for (let t = 0; t < 10 * minute; t += minute) series.restore({ t, cpu: 1, memory: 1 }, minute);
    series.add({ t: 15 * minute, cpu: 2, memory: 1 });
    series.add({ t: 15 * minute + 10_000, cpu: 2, memory: 1 });
    expect(series.since(0, 16 * minute).map(({ t }) => t)).toEqual([
      ...Array.from({ length: 10 }, (_, index) => index * minute),
      15 * minute,
      15 * minute + 10_000,
    ]);
  });
});

describe('the history on disk', () => {
  let directory: string;
  let file: string;
  let said: string[];
  const log = createLogger('test', 'warn', (line) => void said.push(line));
  beforeEach(async () => {
    said = [];
    directory = await mkdtemp(join(tmpdir(), 'gantry-history-'));
    file = join(directory, 'usage-history.jsonl');
  });
  afterEach(() => rm(directory, { recursive: true }));

  const own = {
    [labels.kind]: 'app',
    [labels.podNamespace]: 'ns',
    [labels.podName]: 'p',
    [labels.containerName]: 'main',
  };
  const start = async (clock: FakeClock): Promise<Metrics> => {
    const runtime = {
      list: async () => [{ id: 'c', state: 'running', labels: own }],
      stats: async () => ({ timeMs: clock.now(), cpuTotalNanos: clock.now() * 5e5, memoryBytes: 2 ** 20 }),
    } as unknown as Runtime;
    const metrics = createMetrics({ clock, log, history: await openHistoryFile(file, log) });
    metrics.addNode({
      name: 'n',
      runtime,
      wholeHost: () => false,
      capacity: () => ({ cpu: 4, memory: 8000 }),
      pod: () => undefined,
    });
    return metrics;
  };
  const pod = { kind: 'pod', namespace: 'ns', name: 'p' } as const;

  it('is there again after a restart, a crash too', async () => {
    const clock = new FakeClock();
    const began = clock.now();
    const metrics = await start(clock);
    await clock.advance(10 * minute);
    // Nobody stops it.
    void metrics;
    await until(async () => (await readFile(file, 'utf8')).split('\n').length > 8);
    const later = new FakeClock(clock.now() + minute);
    const again = await start(later);
    const points = again.series(pod, began).points;
    expect(points.length).toBeGreaterThanOrEqual(7);
    expect(points[0]).toMatchObject({ t: began, memory: 2 ** 20 });
    expect(points.every(({ cpu }) => Math.abs(cpu - 0.5) < 1e-4)).toBe(true);
    expect(again.series({ kind: 'node', name: 'n' }, began).points.length).toBeGreaterThanOrEqual(7);
    expect(said).toEqual([]);
    await again.stop();
  });

  it('is bounded', async () => {
    const clock = new FakeClock();
    const metrics = await start(clock);
    for (let hours = 0; hours < 30; hours++) await clock.advance(hour);
    await metrics.stop();
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    expect(lines.length).toBeLessThan(360 + 300 + 70);
    expect(said).toEqual([]);
  });

  it('is taken up to a line that was torn', async () => {
    const whole = await openHistoryFile(file, log);
    await whole.append([{ t: minute, every: minute, values: { 'node/n': [1, 2] } }]);
    await appendFile(file, '{"t":120000,"every":600');
    expect((await openHistoryFile(file, log)).records).toHaveLength(1);
    expect((await openHistoryFile(file, log)).records).toHaveLength(1);
    expect(said).toEqual([]);
  });

  it('begins anew where it cannot be understood, and says so', async () => {
    await writeFile(file, Buffer.from([0, 1, 2, 255, 254]));
    const fresh = await openHistoryFile(file, log);
    expect(fresh.records).toEqual([]);
    expect(said.join()).toContain('the usage history is damaged, beginning anew');
    expect(await readdir(directory)).toEqual(['usage-history.jsonl.damaged']);
    await fresh.append([{ t: minute, every: minute, values: { 'node/n': [1, 2] } }]);
    expect((await openHistoryFile(file, log)).records).toHaveLength(1);
  });

  it('leaves out lines that are damaged, and says so', async () => {
    const whole = await openHistoryFile(file, log);
    await whole.append([{ t: minute, every: minute, values: { 'node/n': [1, 2] } }]);
    await appendFile(file, 'nonsense\n{"t":1,"every":60000,"values":{"node/n":["x",2]}}\n');
    expect((await openHistoryFile(file, log)).records).toHaveLength(1);
    expect(said.join()).toContain('the usage history is damaged: some of it is left out');
  });
});

/** Files are written beside the fake clock. */
async function until(done: () => Promise<boolean>): Promise<void> {
  await expect.poll(() => done().catch(() => false)).toBe(true);
}
