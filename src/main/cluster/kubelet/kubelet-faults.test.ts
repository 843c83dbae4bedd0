import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Event, KubeObject, Node, Pod } from '@shared/k8s';
import { kinds } from '../api';
import { loadSchema } from '../api/schema';
import { createNodeConnections } from '../apiserver/nodes';
import { createApiServer } from '../apiserver/server';
import { createClient } from '../client/client';
import { createInProcessTransport } from '../client/in-process';
import { createInformerFactory } from '../client/informer';
import { resources } from '../client/resources';
import type { InformerFactory, KubeClient } from '../client/types';
import { FakeClock } from '../clock';
import { silentLogger } from '../log';
import { openMemoryStore } from '../store';
import { createKubelet, type Kubelet } from '.';
import { createSimulatedRuntime } from './runtime/simulated';
import { RuntimeError, type Runtime } from './runtime/types';

/** A node agent on an engine that can be made to fail. */
let clock: FakeClock;
let client: KubeClient;
let informers: InformerFactory;
let kubelet: Kubelet;
let engine: Runtime;

beforeEach(async () => {
  clock = new FakeClock();
  const nodes = createNodeConnections();
  const schema = loadSchema();
  const server = createApiServer({ store: openMemoryStore({ clock }), kinds, schema, clock, log: silentLogger, nodes });
  client = createClient(createInProcessTransport(server));
  for (const name of ['default', 'kube-node-lease']) {
    await client.create(resources.namespaces, { metadata: { name } }).catch(() => {});
  }
  informers = createInformerFactory({ client, clock, log: silentLogger });
  engine = Object.create(createSimulatedRuntime({ clusterId: 'c', clock, random: () => 0.5 })) as Runtime;
  kubelet = startAgent();
  await kubelet.start();
});
const startAgent = () =>
  createKubelet({
    nodeName: 'n',
    client,
    informers,
    runtime: engine,
    clock,
    log: silentLogger,
    clusterId: 'c',
    volumesDirectory: '/nowhere',
  });
afterEach(async () => {
  const stopped = kubelet.stop();
  await pass(100);
  await stopped;
  informers.stop();
});

async function pass(ms: number, step = 250): Promise<void> {
  const settle = async () => {
    for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  for (let passed = 0; passed < ms; passed += step) {
    await settle();
    await clock.advance(step);
  }
  // What the last step started.
  await settle();
}
const create = (image: string): Promise<Pod> =>
  client.create<Pod>(resources.pods, {
    metadata: { name: 'p', namespace: 'default' },
    spec: { nodeName: 'n', containers: [{ name: 'main', image }] },
  } as KubeObject);
const waiting = async () =>
  (await client.get<Pod>(resources.pods, 'default', 'p')).status?.containerStatuses?.[0]?.state?.waiting;
const ready = async () =>
  (await client.get<Node>(resources.nodes, undefined, 'n')).status!.conditions!.find(({ type }) => type === 'Ready')!;
const events = async () =>
  (await client.list<Event>(resources.events)).items.map(({ reason, message }) => `${reason}: ${message}`);

describe('a node agent', () => {
  it('says so when the engine refuses the name of an image', async () => {
    engine.image = async () => {
      throw new RuntimeError('invalid reference format: repository name must be lowercase', 'failed');
    };
    await create('UPPER/web:1');
    await pass(1000);
    expect(await waiting()).toMatchObject({
      reason: 'InvalidImageName',
      message: expect.stringContaining('repository name must be lowercase'),
    });
    expect(await events()).toContain('Failed: Error: InvalidImageName');
  });

  it('waits longer and longer before the next sandbox, whatever wakes the pod', async () => {
    let attempts = 0;
    engine.createSandbox = async () => {
      attempts++;
      throw new RuntimeError('port is already allocated', 'failed');
    };
    const pod = await create('web:1');
    for (let second = 0; second < 30; second++) {
      await pass(1000);
      // As the end of the failed sandbox does.
      const current = structuredClone(await client.get<Pod>(resources.pods, 'default', pod.metadata.name));
      await client.update(resources.pods, {
        ...current,
        metadata: { ...current.metadata, labels: { at: `${second}` } },
      });
    }
    // At 0, 5 and 15 s.
    expect(attempts).toBe(3);
  });

  it('tells by an event what it cannot get over', async () => {
    await create('web:1');
    engine.list = async () => {
      throw new RuntimeError('the disk is on fire', 'failed');
    };
    await pass(3000);
    expect(await events()).toContainEqual(expect.stringContaining('FailedSync: error syncing pod, will retry:'));
  });

  it('puts right what others say of a pod that it knows better', async () => {
    await create('web:1');
    await pass(8000);
    const readyOf = (pod: Pod) => pod.status!.conditions!.find(({ type }) => type === 'Ready')!.status;
    const running = await client.get<Pod>(resources.pods, 'default', 'p');
    expect(readyOf(running)).toBe('True');
    const conditions = running.status!.conditions!.map((one) =>
      one.type === 'Ready' ? { ...one, status: 'False' } : one,
    );
    const marked = await client.updateStatus<Pod>(resources.pods, {
      ...running,
      status: { ...running.status, conditions },
    } as Pod);
    expect(readyOf(marked)).toBe('False');
    await pass(1000);
    const restored = await client.get<Pod>(resources.pods, 'default', 'p');
    expect(readyOf(restored)).toBe('True');
    await pass(1000);
    expect((await client.get<Pod>(resources.pods, 'default', 'p')).metadata.resourceVersion).toBe(
      restored.metadata.resourceVersion,
    );
  });

  it('keeps what its node said when it starts without its engine', async () => {
    await pass(1000);
    const { capacity } = (await client.get<Node>(resources.nodes, undefined, 'n')).status!;
    await kubelet.stop();
    const { info } = engine;
    const nothing = { reachable: false, reason: 'nobody there', cpus: 0, memoryBytes: 0 };
    engine.info = async () => ({ ...(await info.call(engine)), ...nothing });
    kubelet = startAgent();
    await kubelet.start();
    await pass(1000);
    expect((await ready()).message).toContain('nobody there');
    expect((await client.get<Node>(resources.nodes, undefined, 'n')).status!.capacity).toEqual(capacity);
  });

  it('takes an engine that never answers for lost, and finds it again', async () => {
    await pass(1000);
    expect((await ready()).status).toBe('True');
    const { info, list } = engine;
    engine.list = () => new Promise(() => {});
    const nothing = { reachable: false, reason: 'it did not answer in 5 s', cpus: 0, memoryBytes: 0, osImage: '' };
    engine.info = async () => ({ ...(await info.call(engine)), ...nothing });
    const { capacity, nodeInfo } = (await client.get<Node>(resources.nodes, undefined, 'n')).status!;
    await pass(30_000);
    expect((await client.get<Node>(resources.nodes, undefined, 'n')).status).toMatchObject({ capacity, nodeInfo });
    expect(await ready()).toMatchObject({ status: 'False', message: expect.stringContaining('did not answer in 5 s') });
    engine.list = list;
    engine.info = info;
    await pass(35_000);
    expect((await ready()).status).toBe('True');
  });
});
