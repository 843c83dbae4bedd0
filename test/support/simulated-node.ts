import type { KubeObject, Node, Pod, PodSpec } from '@shared/k8s';
import { kinds } from '../../src/main/cluster/api';
import { loadSchema } from '../../src/main/cluster/api/schema';
import { createNodeConnections } from '../../src/main/cluster/apiserver/nodes';
import { createApiServer } from '../../src/main/cluster/apiserver/server';
import { createClient } from '../../src/main/cluster/client/client';
import { isNotFound } from '../../src/main/cluster/client/controller';
import { createInProcessTransport } from '../../src/main/cluster/client/in-process';
import { createInformerFactory } from '../../src/main/cluster/client/informer';
import { resources } from '../../src/main/cluster/client/resources';
import type { KubeClient } from '../../src/main/cluster/client/types';
import { FakeClock } from '../../src/main/cluster/clock';
import { silentLogger } from '../../src/main/cluster/log';
import { openMemoryStore } from '../../src/main/cluster/store';
import { createKubelet, type KubeletOptions } from '../../src/main/cluster/kubelet';
import { createSimulatedRuntime } from '../../src/main/cluster/kubelet/runtime/simulated';

/** An API server and one simulated node `n` on a clock that stands still, for tests. */
export interface TestNode {
  clock: FakeClock;
  client: KubeClient;
  /** Creates a pod bound to the node. @param simulate how its containers behave */
  create(name: string, spec: object, metadata?: object, simulate?: object): Promise<Pod>;
  pod(name: string): Promise<Pod | undefined>;
  /** Changes what is stored of a pod's spec, past the rules of the API. */
  edit(name: string, change: (spec: PodSpec) => void): Promise<void>;
  node(): Promise<Node>;
  /** Moves time on in steps, so that what one step starts can fall due in the next. */
  pass(ms: number, step?: number): Promise<void>;
  /** `Reason: message` of all events. */
  events(): Promise<string[]>;
  close(): Promise<void>;
}

export async function createTestNode(
  options: Partial<KubeletOptions> & { cpus?: number; memoryBytes?: number } = {},
): Promise<TestNode> {
  const clock = new FakeClock();
  const store = openMemoryStore({ clock });
  const server = createApiServer({
    store,
    kinds,
    schema: loadSchema(),
    clock,
    log: silentLogger,
    nodes: createNodeConnections(),
  });
  const client = createClient(createInProcessTransport(server));
  for (const name of ['default', 'kube-node-lease'])
    await client.create(resources.namespaces, { metadata: { name } }).catch(() => {});
  const informers = createInformerFactory({ client, clock, log: silentLogger });
  const kubelet = createKubelet({
    nodeName: 'n',
    client,
    informers,
    runtime: createSimulatedRuntime({ clusterId: 'c', clock, random: () => 0.5, ...options }),
    clock,
    log: silentLogger,
    clusterId: 'c',
    volumesDirectory: '/nowhere',
    ...options,
  });
  await kubelet.start();
  const pass = async (ms: number, step = 100): Promise<void> => {
    const settle = async (): Promise<void> => {
      for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve));
    };
    for (let passed = 0; passed < ms; passed += step) {
      await settle();
      await clock.advance(Math.min(step, ms - passed));
    }
    await settle();
  };
  return {
    clock,
    client,
    create: (name, spec, metadata = {}, simulate = {}) =>
      client.create<Pod>(resources.pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name,
          namespace: 'default',
          annotations: { 'gantry.dev/simulate': JSON.stringify(simulate) },
          ...metadata,
        },
        spec: { nodeName: 'n', containers: [{ name: 'main', image: 'web:1' }], ...spec },
      } as KubeObject),
    pod: (name) =>
      client.get<Pod>(resources.pods, 'default', name).catch((error) => {
        if (isNotFound(error)) return undefined;
        throw error;
      }),
    async edit(name, change) {
      const { key, value, revision } = store.get(`/registry/core/pods/default/${name}`)!;
      const changed = structuredClone(value);
      change(changed.spec);
      await store.update(key, changed, revision);
    },
    node: () => client.get(resources.nodes, undefined, 'n'),
    pass,
    async events() {
      const lists = await Promise.all(
        ['default', 'kube-system'].map((namespace) => client.list(resources.events, namespace)),
      );
      return lists.flatMap(({ items }) => items.map((event) => `${event.reason}: ${event.message}`));
    },
    async close() {
      const stopped = kubelet.stop();
      await pass(100);
      await stopped;
      informers.stop();
    },
  };
}
