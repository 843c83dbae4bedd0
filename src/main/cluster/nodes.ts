import { homedir } from 'node:os';
import { join } from 'node:path';
import type { EngineStatus } from '@shared/bridge/contract';
import type { NodeConnections } from './apiserver/nodes';
import { resources } from './client/resources';
import type { InformerFactory, KubeClient } from './client/types';
import type { Clock, Timer } from './clock';
import { createDockerLogin, createKubelet, type Kubelet } from './kubelet';
import { createDockerRuntime } from './kubelet/runtime/docker';
import { pauseProgram } from './kubelet/runtime/pause-image';
import { createSimulatedRuntime } from './kubelet/runtime/simulated';
import type { Runtime, RuntimeInfo } from './kubelet/runtime/types';
import type { Logger } from './log';
import type { Metrics } from './metrics';
import { createPodNetworks, createRuleMemory } from './network-sandboxes';
import { createServiceProxy, type HostAddress } from './proxy';
import { createNetworkPolicies } from './proxy/policy';
import { portInUse } from './proxy/host-ports/in-use';
import { createStorage } from './storage';
import type { TaskList } from './tasks';

export interface NodesOptions {
  clusterId: string;
  clusterName: string;
  directory: string;
  runtime: 'docker' | 'simulated' | 'auto';
  dockerHost?: string;
  /** A prebuilt image for services and DNS; built when absent. */
  nodeImage?: string;
  /** Node agents on the engine. */
  nodes: number;
  simulatedNodes: number;
  client: KubeClient;
  informers: InformerFactory;
  connections: NodeConnections;
  /** Told the address at which containers reach this machine. */
  onHostAddress?(address: HostAddress): void;
  /** Called before the first container is started on the engine. */
  onEngineUsed(): Promise<void>;
  /** An earlier run had its nodes on the engine: they are there, NotReady, even while it does not answer. */
  engineUsed?: boolean;
  metrics: Metrics;
  tasks: TaskList;
  clock: Clock;
  log: Logger;
}

/** The cluster's nodes: which run, on what engine, and whether that answers. */
export interface Nodes {
  start(): void;
  /** Stops the node agents; containers keep running. */
  stop(): Promise<void>;
  engineStatus(): EngineStatus;
  onEngineStatus(listener: () => void): () => void;
  /** Looks for the engine again; simulated nodes that stood in for it are removed when it answers. */
  retry(): Promise<EngineStatus>;
  /** Runs the cluster on simulated nodes. */
  simulate(count: number): Promise<EngineStatus>;
  simulated(): boolean;
}

/** How often the engine is asked whether it is there, in ms. */
const probeMs = 5_000;

/** Composes node agents with their runtimes (D6): several on one engine, simulated ones beside them or in its place. */
export function createNodes(options: NodesOptions): Nodes {
  const { clusterName, clock, log, connections } = options;
  const listeners = new Set<() => void>();
  const agents = new Map<string, { kubelet: Kubelet; simulated: boolean }>();
  const engine = createDockerRuntime({
    clusterId: options.clusterId,
    dockerHost: options.dockerHost,
    log: log.child('docker'),
  });
  const docker = showPulls(engine, options.tasks);
  const services = createServiceProxy({
    client: options.client,
    informers: options.informers,
    engine: docker,
    sandboxProgram: () => pauseProgram(info?.architecture ?? ''),
    nodeImage: options.nodeImage,
    onHostAddress: (address) => options.onHostAddress?.(address),
    machine: {
      // Docker Desktop's machine is a virtual one, which opens ports on this one.
      hasGateway: () => info?.operatingSystem !== 'Docker Desktop',
      portInUse: async (port, protocol) => info?.local !== false && portInUse(port, protocol),
    },
    guardRouters: () => policies.guardRouters(),
    tasks: options.tasks,
    clock,
    log: log.child('services'),
  });
  const storage = createStorage({
    client: options.client,
    informers: options.informers,
    engine: docker,
    clock,
    log: log.child('storage'),
  });
  const policies = createNetworkPolicies({
    client: options.client,
    informers: options.informers,
    networks: createPodNetworks(docker, clock),
    memory: createRuleMemory(join(options.directory, 'network-policies.json')),
    nodes: () => onEngine,
    network: () => services.network(),
    clock,
    log: log.child('network-policies'),
  });
  const dockerLogin = createDockerLogin({ env: process.env, home: homedir() });
  /** Simulated nodes that the user asked for because no engine answered. */
  let standIns: string[] = [];
  let info: RuntimeInfo | undefined;
  let timer: Timer | undefined;
  let stopped = false;

  const status = (): EngineStatus => {
    const onDocker = [...agents.values()].some((agent) => !agent.simulated);
    return {
      reachable: info?.reachable ?? false,
      endpoint: info?.endpoint ?? '',
      ...(info?.version ? { version: info.version } : {}),
      ...(info?.operatingSystem ? { operatingSystem: info.operatingSystem } : {}),
      ...(info?.cpus ? { cpus: info.cpus, memoryBytes: info.memoryBytes } : {}),
      ...(info?.reason ? { message: info.reason } : {}),
      runtime: standIns.length ? 'simulated' : onDocker ? 'docker' : agents.size ? 'simulated' : 'none',
    };
  };
  const notify = () => {
    for (const listener of listeners) listener();
  };

  async function startAgent(nodeName: string, runtime: Runtime, simulated: boolean, first: boolean): Promise<void> {
    if (agents.has(nodeName) || stopped) return;
    const kubelet = createKubelet({
      nodeName,
      client: options.client,
      informers: options.informers,
      runtime,
      clock,
      log: log.child(nodeName),
      clusterId: options.clusterId,
      volumesDirectory: join(options.directory, 'volumes', nodeName),
      metrics: options.metrics,
      controlPlane: first,
      ...(simulated
        ? {}
        : { serviceRouting: () => services.routing(nodeName), guardNetwork: policies.guard, dockerLogin }),
    });
    agents.set(nodeName, { kubelet, simulated });
    connections.register(nodeName, kubelet.connection);
    await kubelet.start();
  }

  async function startSimulated(count: number): Promise<string[]> {
    const names = Array.from({ length: count }, (_, index) => `${clusterName}-sim-${index + 1}`);
    const runtime = createSimulatedRuntime({ clusterId: options.clusterId, clock });
    await Promise.all(names.map((name) => startAgent(name, runtime, true, false)));
    notify();
    return names;
  }

  const onEngine = Array.from({ length: options.nodes }, (_, index) =>
    index === 0 ? clusterName : `${clusterName}-${index + 1}`,
  );
  let prepared: Promise<void> | undefined;
  /** Once, when the engine first answers and before anything is started on it. */
  const prepare = () =>
    (prepared ??= options
      .onEngineUsed()
      .then(() => services.prepare(onEngine))
      .catch((error: Error) => {
        prepared = undefined;
        throw error;
      }));
  /** The engine as node agents see it: it answers when it is prepared. */
  const preparedEngine: Runtime = Object.assign(Object.create(docker) as Runtime, {
    info: async () => {
      const found = await docker.info();
      if (found.reachable) await prepare();
      return found;
    },
  });

  async function startAgents(): Promise<void> {
    if (onEngine.every((name) => agents.has(name))) return;
    for (const [index, name] of onEngine.entries()) await startAgent(name, preparedEngine, false, index === 0);
    notify();
  }

  async function startOnEngine(): Promise<void> {
    await startAgents();
    if (!onEngine.length) return;
    await services.start();
    await policies.start();
  }

  /** Takes away the nodes that stood in for the engine; their pods are rescheduled. */
  async function removeStandIns(): Promise<void> {
    for (const name of standIns) {
      const agent = agents.get(name);
      agents.delete(name);
      connections.unregister(name);
      await agent?.kubelet.stop();
      await options.client
        .delete(resources.nodes, undefined, name)
        .catch((error: Error) => log.warn('removing a simulated node failed', { name, error }));
    }
    standIns = [];
  }

  async function probe(): Promise<void> {
    const before = JSON.stringify([info?.reachable, info?.reason, info?.version]);
    info = await docker.info();
    if (stopped) return;
    const changed = before !== JSON.stringify([info.reachable, info.reason, info.version]);
    if (changed && options.runtime !== 'simulated') {
      const { endpoint, version, reason } = info;
      if (info.reachable) log.info('the container engine answers', { endpoint, version });
      else log.warn('no container engine answers', { endpoint, reason });
    }
    const wanted = options.runtime !== 'simulated' && standIns.length === 0;
    if (info.reachable && wanted) await startOnEngine();
    else if (options.engineUsed && wanted) await startAgents();
    if (changed) notify();
  }

  function probeLater(): void {
    timer = clock.setTimeout(() => {
      probe()
        .catch((error: Error) => log.error('starting the nodes failed', { error }))
        .finally(() => stopped || probeLater());
    }, probeMs);
  }

  return {
    start() {
      storage.start();
      const count = options.runtime === 'simulated' ? Math.max(1, options.simulatedNodes) : options.simulatedNodes;
      const starting = count ? startSimulated(count) : Promise.resolve([]);
      Promise.all([starting, probe()])
        .catch((error: Error) => log.error('starting the nodes failed', { error }))
        .finally(() => stopped || probeLater());
    },
    async stop() {
      stopped = true;
      timer?.cancel();
      await services.stop();
      await policies.stop();
      await storage.stop();
      await Promise.all([...agents.values()].map((agent) => agent.kubelet.stop()));
      docker.dispose();
    },
    engineStatus: status,
    onEngineStatus(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async retry() {
      info = await docker.info();
      if (info.reachable && options.runtime !== 'simulated') {
        await removeStandIns();
        await startOnEngine();
      }
      notify();
      return status();
    },
    async simulate(count) {
      standIns = [...new Set([...standIns, ...(await startSimulated(count))])];
      notify();
      return status();
    },
    simulated: () => agents.size > 0 && [...agents.values()].every((agent) => agent.simulated),
  };
}

/** The runtime with each image pull shown as a task that can be cancelled. */
function showPulls(runtime: Runtime, tasks: TaskList): Runtime {
  const pullImage: Runtime['pullImage'] = (reference, pull = {}) =>
    tasks.run(`Pulling image ${reference}`, async (task) => {
      const layers = new Map<string, { current: number; total: number }>();
      const signal = pull.signal ? AbortSignal.any([pull.signal, task.signal]) : task.signal;
      await runtime.pullImage(reference, {
        ...pull,
        signal,
        onProgress(progress) {
          pull.onProgress?.(progress);
          if (progress.layer && progress.total)
            layers.set(progress.layer, { current: progress.current ?? 0, total: progress.total });
          const total = [...layers.values()].reduce((sum, layer) => sum + layer.total, 0);
          const current = [...layers.values()].reduce((sum, layer) => sum + layer.current, 0);
          task.update({ detail: progress.status, ...(total ? { progress: Math.min(1, current / total) } : {}) });
        },
      });
    });
  return Object.assign(Object.create(runtime) as Runtime, { pullImage });
}
