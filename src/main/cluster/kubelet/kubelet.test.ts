import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject, Pod } from '@shared/k8s';
import { kinds } from '../api';
import { loadSchema } from '../api/schema';
import { createNodeConnections } from '../apiserver/nodes';
import { createApiServer } from '../apiserver/server';
import { createClient } from '../client/client';
import { isNotFound } from '../client/controller';
import { createInProcessTransport } from '../client/in-process';
import { createInformerFactory } from '../client/informer';
import { resources } from '../client/resources';
import type { InformerFactory, KubeClient } from '../client/types';
import { FakeClock } from '../clock';
import { silentLogger } from '../log';
import { openMemoryStore } from '../store';
import { createKubelet, type Kubelet } from '.';
import { createSimulatedRuntime } from './runtime/simulated';
import { labels, type ContainerSpec, type Runtime } from './runtime/types';

const schema = loadSchema();
let clock: FakeClock;
let client: KubeClient;
let informers: InformerFactory;
let kubelet: Kubelet;
let runtime: Runtime;

beforeEach(async () => {
  clock = new FakeClock();
  const nodes = createNodeConnections();
  const server = createApiServer({ store: openMemoryStore({ clock }), kinds, schema, clock, log: silentLogger, nodes });
  client = createClient(createInProcessTransport(server));
  for (const name of ['default', 'kube-node-lease']) {
    await client.create(resources.namespaces, { metadata: { name } }).catch(() => {});
  }
  informers = createInformerFactory({ client, clock, log: silentLogger });
  runtime = createSimulatedRuntime({ clusterId: 'c', clock, random: () => 0.5 });
  kubelet = createKubelet({
    nodeName: 'n',
    client,
    informers,
    runtime,
    clock,
    log: silentLogger,
    clusterId: 'c',
    volumesDirectory: '/nowhere',
  });
  await kubelet.start();
});

afterEach(async () => {
  const stopped = kubelet.stop();
  await pass(100);
  await stopped;
  informers.stop();
});

const create = (container: object, spec: object = {}, simulate: object = {}): Promise<Pod> =>
  client.create<Pod>(resources.pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default', annotations: { 'gantry.dev/simulate': JSON.stringify(simulate) } },
    spec: { nodeName: 'n', containers: [{ name: 'main', image: 'web:1', ...container }], ...spec },
  } as KubeObject);

const pod = (): Promise<Pod | undefined> =>
  client.get<Pod>(resources.pods, 'default', 'p').catch((error) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });

const main = async () => (await pod())!.status!.containerStatuses![0]!;

/** Moves time on in steps, so that what one step starts can fall due in the next. */
async function pass(ms: number, step = 50): Promise<void> {
  for (let passed = 0; passed < ms; passed += step) {
    for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(Math.min(step, ms - passed));
  }
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const events = async (): Promise<string[]> => {
  const { items } = await client.list(resources.events, 'default');
  return items.map((event) => `${event.reason}: ${event.message}`);
};

describe('a simulated node', () => {
  it('is marked as such and ready', async () => {
    const node = await client.get(resources.nodes, undefined, 'n');
    expect(node.metadata.labels).toMatchObject({ 'gantry.dev/simulated': 'true' });
    expect(node.metadata.annotations).toMatchObject({ 'gantry.dev/simulated': 'true' });
    expect(node.status!.conditions!.find((one) => one.type === 'Ready')!.status).toBe('True');
  });

  it('renews its lease every 10 s', async () => {
    const before = (await client.get(resources.leases, 'kube-node-lease', 'n')).spec!.renewTime;
    await pass(10_100, 1000);
    const after = (await client.get(resources.leases, 'kube-node-lease', 'n')).spec!.renewTime;
    expect(Date.parse(after!) - Date.parse(before!)).toBe(10_000);
  });
});

describe('a pod', () => {
  it('goes from creating to ready, probes included', async () => {
    await create({ readinessProbe: { httpGet: { port: 80 }, initialDelaySeconds: 5 } });
    await pass(100);
    expect((await main()).state).toEqual({ waiting: { reason: 'ContainerCreating' } });
    await pass(1000);
    expect(await main()).toMatchObject({ ready: false, started: true, state: { running: {} } });
    await pass(5000, 500);
    expect(await main()).toMatchObject({ ready: true });
    expect((await pod())!.status!.phase).toBe('Running');
  });

  it('backs off when its container keeps ending', async () => {
    await create({}, {}, { runMs: 1000, exitCode: 3 });
    // The first restart comes at once, the second after 10 s.
    await pass(4000);
    const held = await main();
    expect(held).toMatchObject({
      restartCount: 1,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode: 3, reason: 'Error' } },
    });
    expect(held.state!.waiting!.message).toMatch(
      /^back-off 10s restarting failed container=main pod=p_default\([0-9a-f-]+\)$/,
    );
    await pass(10_500, 500);
    expect(await main()).toMatchObject({ restartCount: 2 });
    await pass(2000, 500);
    expect((await main()).state!.waiting!.message).toContain('back-off 20s');
  });

  it('succeeds or fails for good when it is not to be restarted', async () => {
    await create({}, { restartPolicy: 'Never' }, { runMs: 500, exitCode: 4 });
    await pass(2000);
    const { status } = (await pod())!;
    expect(status).toMatchObject({ phase: 'Failed', containerStatuses: [{ state: { terminated: { exitCode: 4 } } }] });
    expect(status!.conditions!.find((one) => one.type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'PodFailed',
    });
  });

  it('says what the registry said, then backs off', async () => {
    await create({}, {}, { pullError: 'manifest unknown' });
    await pass(500);
    expect((await main()).state!.waiting).toEqual({ reason: 'ErrImagePull', message: 'manifest unknown' });
    await pass(3000, 500);
    expect((await main()).state!.waiting!.reason).toBe('ImagePullBackOff');
    expect(await events()).toEqual(
      expect.arrayContaining([
        'Failed: Failed to pull image "web:1": manifest unknown',
        'Failed: Error: ErrImagePull',
        'BackOff: Back-off pulling image "web:1"',
      ]),
    );
  });

  it('waits for a ConfigMap its environment names', async () => {
    await create({ envFrom: [{ configMapRef: { name: 'settings' } }] });
    await pass(1000);
    expect((await main()).state!.waiting).toEqual({
      reason: 'CreateContainerConfigError',
      message: 'configmap "settings" not found',
    });
    await client.create(resources.configMaps, {
      metadata: { name: 'settings', namespace: 'default' },
      data: { A: 'b' },
    });
    await pass(1000);
    expect((await main()).state!.running).toBeDefined();
  });

  it('runs init containers one after the other first', async () => {
    await create(
      {},
      {
        initContainers: [
          { name: 'a', image: 'init:1' },
          { name: 'b', image: 'init:1' },
        ],
      },
      { runMs: 300 },
    );
    await pass(400);
    const early = (await pod())!.status!;
    expect(early.initContainerStatuses!.map((one) => Object.keys(one.state!)[0])).toEqual(['running', 'waiting']);
    expect(early.containerStatuses![0]!.state!.waiting!.reason).toBe('PodInitializing');
    await pass(1000);
    const late = (await pod())!.status!;
    expect(late.initContainerStatuses!.map((one) => one.state!.terminated?.reason)).toEqual(['Completed', 'Completed']);
    expect(late.conditions!.find((one) => one.type === 'Initialized')!.status).toBe('True');
  });

  it('restarts a container whose liveness probe fails', async () => {
    await create(
      { livenessProbe: { exec: { command: ['x'] }, periodSeconds: 1, failureThreshold: 2 } },
      {},
      { healthy: false },
    );
    await pass(4000, 100);
    expect((await main()).restartCount).toBeGreaterThan(0);
    expect(await events()).toContain('Killing: Container main failed liveness probe, will be restarted');
  });

  it('leaves within its grace when it is deleted', async () => {
    await create({}, { terminationGracePeriodSeconds: 30 }, { stopMs: 5000 });
    await pass(1000);
    await client.delete(resources.pods, 'default', 'p');
    await pass(4000, 500);
    expect((await pod())!.metadata.deletionTimestamp).toBeDefined();
    await pass(2000, 500);
    expect(await pod()).toBeUndefined();
    expect(await events()).toContain('Killing: Stopping container main');
  });

  it('is killed when the grace is over', async () => {
    await create({}, { terminationGracePeriodSeconds: 3 }, { stopMs: 60_000 });
    await pass(1000);
    await client.delete(resources.pods, 'default', 'p');
    await pass(4000, 500);
    expect(await pod()).toBeUndefined();
  });

  it('is ended when its deadline is over', async () => {
    await create({}, { activeDeadlineSeconds: 5 });
    await pass(8000, 500);
    expect((await pod())!.status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
  });
});

describe('a pod that is gone', () => {
  it.each([0, 5])('is forgotten, and what turns up of it later is removed (grace %i s)', async (gracePeriodSeconds) => {
    const { uid } = (await create({})).metadata;
    await pass(1000);
    await client.delete(resources.pods, 'default', 'p', { gracePeriodSeconds });
    await pass(3000);
    expect(await pod()).toBeUndefined();
    const own = { [labels.node]: 'n', [labels.podUid]: uid };
    expect(await runtime.list(own)).toEqual([]);
    await runtime.createContainer({ labels: own, image: 'web:1' } as unknown as ContainerSpec);
    await pass(11_000, 500);
    expect(await runtime.list(own)).toEqual([]);
  });

  it('takes its volumes with it, those too that the engine knows by their names only', async () => {
    const asked: unknown[] = [];
    runtime.removeVolumes = async (...what) => void asked.push(what);
    const volumes = [
      { name: 'memory', emptyDir: { medium: 'Memory' } },
      { name: 'host', hostPath: { path: '/x' } },
    ];
    const { uid } = (await create({}, { volumes })).metadata;
    await pass(1000);
    await client.delete(resources.pods, 'default', 'p', { gracePeriodSeconds: 1 });
    await pass(3000);
    expect(asked).toEqual([[{ [labels.podUid]: uid }, [`gantry-${uid}-memory`]]]);
  });
});
