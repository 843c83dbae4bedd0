import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resources } from '../../src/main/cluster/client/resources';
import { systemClock } from '../../src/main/cluster/clock';
import { silentLogger } from '../../src/main/cluster/log';
import { createMetrics, type Metrics } from '../../src/main/cluster/metrics';
import { createHarness, podOf, script, type Harness } from './kubelet-harness';

/** The engine's socket behind one that can be taken away. */
class Interruptible {
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();

  constructor(readonly path: string) {}

  async connect(): Promise<void> {
    this.server = createServer((client) => {
      const engine = connect('/var/run/docker.sock');
      for (const socket of [client, engine]) {
        this.sockets.add(socket);
        socket.on('error', () => {}).on('close', () => this.sockets.delete(socket));
      }
      client.pipe(engine).pipe(client);
    });
    await new Promise<void>((resolve) => void this.server!.listen(this.path, resolve));
  }

  async interrupt(): Promise<void> {
    const closed = new Promise((resolve) => this.server!.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

let cluster: Harness;
let directory: string;
let engine: Interruptible;
let metrics: Metrics;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-engine-'));
  engine = new Interruptible(join(directory, 'docker.sock'));
  await engine.connect();
  metrics = createMetrics({ clock: systemClock, log: silentLogger, intervalMs: 2000 });
  cluster = await createHarness({ dockerHost: `unix://${engine.path}`, metrics });
});
afterAll(async () => {
  metrics?.stop();
  await cluster?.close();
  await engine?.interrupt();
  await rm(directory, { recursive: true, force: true });
});

describe('usage', () => {
  it('is sampled for containers and the node', async () => {
    const limits = { cpu: '200m', memory: '64Mi' };
    await cluster.create(podOf('busy', { ...script('while true; do :; done'), resources: { limits } }));
    await cluster.ready('busy');
    await expect
      .poll(() => metrics.pod('default', 'busy')?.main?.cpuNanocores, { timeout: 15_000 })
      .toBeGreaterThan(100e6);
    const sample = metrics.pod('default', 'busy')!.main!;
    expect(sample.cpuNanocores).toBeLessThan(300e6);
    expect(sample.memoryBytes).toBeGreaterThan(10_000);
    expect(sample.memoryBytes).toBeLessThan(64 * 2 ** 20);
    const series = metrics.series({ kind: 'pod', namespace: 'default', name: 'busy' }, 0);
    expect(series).toMatchObject({ cpuLimit: 0.2, memoryLimit: 64 * 2 ** 20, cpuRequest: 0.2 });
    expect(series.points.length).toBeGreaterThan(0);
    expect(metrics.node('node-1')!.memoryBytes).toBeGreaterThan(0);
    expect(metrics.series({ kind: 'cluster' }, 0).cpuLimit).toBeGreaterThan(0);
    await cluster.remove('busy');
  });
});

describe('an engine that goes away', () => {
  const ready = async () =>
    (await cluster.client.get(resources.nodes, undefined, 'node-1')).status!.conditions!.find(
      (one) => one.type === 'Ready',
    )!;

  it('makes the node NotReady with its words, and all goes on when it is back', async () => {
    await cluster.create(podOf('patient', script('trap "exit 0" TERM; while true; do sleep 0.1; done')));
    const before = await cluster.ready('patient');
    await engine.interrupt();
    await expect.poll(async () => (await ready()).status, { timeout: 10_000 }).toBe('False');
    expect(await ready()).toMatchObject({
      reason: 'KubeletNotReady',
      message: `container runtime is down: Cannot connect to the Docker daemon at unix://${engine.path}. Is the docker daemon running?`,
    });
    await cluster.create(podOf('queued'));
    await engine.connect();
    await expect.poll(async () => (await ready()).status, { timeout: 20_000 }).toBe('True');
    await cluster.ready('queued');
    const after = (await cluster.pod('patient'))!;
    expect(after.status!.containerStatuses![0]).toMatchObject({
      containerID: before.status!.containerStatuses![0]!.containerID,
      restartCount: 0,
    });
  });
});
