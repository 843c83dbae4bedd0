import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Event, KubeObject, Pod } from '@shared/k8s';
import { kinds } from '../../src/main/cluster/api';
import { loadSchema } from '../../src/main/cluster/api/schema';
import { createNodeConnections } from '../../src/main/cluster/apiserver/nodes';
import { createApiServer } from '../../src/main/cluster/apiserver/server';
import { newTokenKey } from '../../src/main/cluster/apiserver/tokens/keys';
import { createServiceAccountTokens } from '../../src/main/cluster/apiserver/tokens/service-account';
import { createClient } from '../../src/main/cluster/client/client';
import { isNotFound } from '../../src/main/cluster/client/controller';
import { createInProcessTransport } from '../../src/main/cluster/client/in-process';
import { createInformerFactory } from '../../src/main/cluster/client/informer';
import { resources } from '../../src/main/cluster/client/resources';
import type { KubeClient } from '../../src/main/cluster/client/types';
import { systemClock } from '../../src/main/cluster/clock';
import { createKubelet, type Kubelet, type KubeletOptions } from '../../src/main/cluster/kubelet';
import { createDockerRuntime } from '../../src/main/cluster/kubelet/runtime/docker';
import { createLogger } from '../../src/main/cluster/log';
import { openMemoryStore } from '../../src/main/cluster/store';
import { busybox, ensureBusybox, removeCluster, testCluster } from '../support/docker';

const clock = systemClock;
const log = createLogger('test', process.env.GANTRY_TEST_LOG ? 'debug' : 'error');

/** A control plane of nothing but the API, with one node agent on the real engine. */
export interface Harness {
  clusterId: string;
  client: KubeClient;
  kubelet: Kubelet;
  /** Ends the node agent and starts another on the same engine, as a restart of the app does. */
  restart(between?: () => Promise<void>): Promise<void>;
  create<T extends KubeObject = Pod>(object: KubeObject): Promise<T>;
  pod(name: string): Promise<Pod | undefined>;
  /** Waits until the pod is as wanted; undefined stands for a pod that is gone. */
  until(
    name: string,
    what: string,
    wanted: (pod: Pod | undefined) => boolean | undefined,
    timeoutMs?: number,
  ): Promise<Pod>;
  running(name: string): Promise<Pod>;
  ready(name: string): Promise<Pod>;
  remove(name: string, gracePeriodSeconds?: number): Promise<void>;
  events(name: string): Promise<Event[]>;
  /** `Type Reason Message` of a pod's events, oldest first. */
  story(name: string): Promise<string[]>;
  logs(pod: string, options?: Partial<Parameters<Kubelet['connection']['logs']>[2]>): Promise<string>;
  run(pod: string, command: string[], container?: string): Promise<{ output: string; exitCode: number }>;
  close(): Promise<void>;
}

export async function readAll(stream: Readable | null): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** A pod of one container `main` on the test's image. */
export function podOf(name: string, container: object = {}, spec: object = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app: name } },
    spec: {
      nodeName: 'node-1',
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image: busybox, command: ['sleep', '3600'], ...container }],
      ...spec,
    },
  };
}

export const script = (text: string): { command: string[] } => ({ command: ['sh', '-c', text] });

/** @param tokens pods get the tokens of their service accounts */
export async function createHarness({
  tokens = false,
  ...overrides
}: Partial<KubeletOptions> & { dockerHost?: string; tokens?: boolean } = {}): Promise<Harness> {
  await ensureBusybox();
  const clusterId = testCluster();
  const directory = await mkdtemp(join(tmpdir(), 'gantry-kubelet-'));
  const connections = createNodeConnections();
  const store = openMemoryStore({ clock });
  const server = createApiServer({
    store,
    ...(tokens ? { tokens: createServiceAccountTokens({ store, key: newTokenKey(), clock }) } : {}),
    kinds,
    schema: loadSchema(),
    clock,
    log,
    nodes: connections,
  });
  const client = createClient(createInProcessTransport(server));
  for (const name of ['default', 'kube-node-lease']) {
    await client.create(resources.namespaces, { metadata: { name } }).catch(() => {});
  }

  const startKubelet = async () => {
    const informers = createInformerFactory({ client, clock, log });
    const runtime = createDockerRuntime({ clusterId, log, dockerHost: overrides.dockerHost });
    const kubelet = createKubelet({
      nodeName: 'node-1',
      client,
      informers,
      runtime,
      clock,
      log,
      clusterId,
      volumesDirectory: join(directory, 'volumes'),
      ...overrides,
    });
    connections.register('node-1', kubelet.connection);
    await kubelet.start();
    return { kubelet, stop: async () => (await kubelet.stop(), informers.stop(), runtime.dispose()) };
  };
  let agent = await startKubelet();

  const get = (name: string): Promise<Pod | undefined> =>
    client.get(resources.pods, 'default', name).catch((error) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });

  const harness: Harness = {
    clusterId,
    client,
    get kubelet() {
      return agent.kubelet;
    },
    async restart(between) {
      await agent.stop();
      await between?.();
      agent = await startKubelet();
    },
    create: (object) => {
      const ref = Object.values(resources).find((one) => one.kind === object.kind)!;
      return client.create(ref as never, object);
    },
    pod: get,
    async until(name, what, wanted, timeoutMs = 30_000) {
      const end = Date.now() + timeoutMs;
      for (;;) {
        const pod = await get(name);
        if (wanted(pod)) return pod as Pod;
        if (Date.now() > end) {
          throw new Error(
            `pod ${name} is not ${what} after ${timeoutMs / 1000} s: ${JSON.stringify(pod?.status, undefined, 1)}\n${(await harness.story(name)).join('\n')}`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    running: (name) => harness.until(name, 'running', (pod) => pod?.status?.phase === 'Running'),
    ready: (name) =>
      harness.until(name, 'ready', (pod) =>
        pod?.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'),
      ),
    remove: (name, gracePeriodSeconds) =>
      client.delete(resources.pods, 'default', name, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    async events(name) {
      const { items } = await client.list(resources.events, 'default');
      return items.filter((event) => event.involvedObject.name === name);
    },
    async story(name) {
      return (await harness.events(name)).map((event) => `${event.type} ${event.reason} ${event.message}`);
    },
    logs: async (pod, options = {}) =>
      readAll(await agent.kubelet.connection.logs('default', pod, { container: 'main', ...options })),
    async run(pod, command, container = 'main') {
      const session = await agent.kubelet.connection.run('default', pod, {
        container,
        command,
        stdin: false,
        stdout: true,
        stderr: true,
        tty: false,
      });
      const [output, errors, done] = await Promise.all([
        readAll(session.stdout),
        readAll(session.stderr),
        session.done,
      ]);
      return { output: output + errors, exitCode: done.exitCode };
    },
    async close() {
      await agent.stop();
      await removeCluster(clusterId);
      await rm(directory, { recursive: true, force: true });
    },
  };
  return harness;
}
