import { homedir } from 'node:os';
import { join } from 'node:path';
import type { EngineStatus } from '@shared/bridge/contract';
import type { NewNode } from '@shared/node-agents';
import type { NodeConnections } from './apiserver/nodes';
import type { InformerFactory, KubeClient } from './client/types';
import type { Clock, Timer } from './clock';
import { createDockerLogin, createKubelet } from './kubelet';
import { createDockerRuntime } from './kubelet/runtime/docker';
import { pauseProgram } from './kubelet/runtime/pause-image';
import { createSimulatedRuntime } from './kubelet/runtime/simulated';
import type { Runtime, RuntimeInfo } from './kubelet/runtime/types';
import type { Logger } from './log';
import type { Metrics, VolumeUsage } from './metrics';
import { createPodNetworks, createRuleMemory } from './network-sandboxes';
import { createServiceProxy, type HostAddress } from './proxy';
import { createNetworkPolicies } from './proxy/policy';
import type { ReachMode } from './proxy/reach';
import { portInUse } from './proxy/host-ports/in-use';
import { createStorage } from './storage';
import { createVolumeUsage } from './storage/usage';
import { annotationsOf } from './nodes-members';
import { NodeRoster } from './nodes-roster';
import { showPulls } from './pull-tasks';
import type { TaskList } from './tasks';

export interface NodesOptions {
  clusterId: string;
  clusterName: string;
  directory: string;
  runtime: 'docker' | 'simulated' | 'auto';
  dockerHost?: string;
  /** A prebuilt image for services and DNS; built when absent. */
  nodeImage?: string;
  /** Ports of this machine for Ingresses and Gateways. */
  ingressPorts?: { http?: number; https?: number };
  /** How pods are reached from this machine; found out by default. */
  reach?: ReachMode;
  /** Node agents on the engine. */
  nodes: number;
  simulatedNodes: number;
  client: KubeClient;
  informers: InformerFactory;
  connections: NodeConnections;
  /** Told the address at which containers reach this machine. */
  onHostAddress?(address: HostAddress): Promise<void>;
  /** Where the API answers on this machine. */
  apiPort?: number;
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
  /** Adds a node and waits for it; it is there again after a restart. @throws ApiError */
  add(node: NewNode): Promise<{ name: string }>;
  /** Why a node cannot be removed is thrown. @throws ApiError */
  checkRemoval(name: string): Promise<void>;
  /** Stops the node's agent and removes its containers and its Node object; draining comes before. @throws ApiError */
  remove(name: string): Promise<void>;
  /** Switches the node's agent off while its containers run on, or on again. @throws ApiError */
  power(name: string, on: boolean): Promise<void>;
  /** How full the claims are that pods of a node use. */
  volumeUsage(node: string): Promise<VolumeUsage[]>;
}

/** How often the engine is asked whether it is there, in ms. */
const probeMs = 5_000;
/** How long is waited after a pod was ended for the machine's sake until the next, on whatever node, in ms. */
const evictionTurnMs = 9_000;

/** Composes node agents with their runtimes (D6): several on one engine, simulated ones beside them or in its place. */
export function createNodes(options: NodesOptions): Nodes {
  const { clusterName, clock, log } = options;
  const listeners = new Set<() => void>();
  const engine = createDockerRuntime({
    clusterId: options.clusterId,
    dockerHost: options.dockerHost,
    log: log.child('docker'),
  });
  const docker = showPulls(engine, options.tasks);
  const networks = createPodNetworks(docker, clock);
  const services = createServiceProxy({
    client: options.client,
    informers: options.informers,
    engine: docker,
    sandboxes: networks,
    sandboxProgram: () => pauseProgram(info?.architecture ?? ''),
    nodeImage: options.nodeImage,
    ingressPorts: options.ingressPorts,
    reach: options.reach,
    onHostAddress: async (address) => options.onHostAddress?.(address),
    apiPort: options.apiPort,
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
    networks,
    memory: createRuleMemory(join(options.directory, 'network-policies.json')),
    nodes: () => roster.onEngine(),
    network: () => services.network(),
    clock,
    log: log.child('network-policies'),
  });
  const volumeUsage = createVolumeUsage({
    informers: options.informers,
    engine: docker,
    clock,
    log: log.child('storage'),
  });
  const dockerLogin = createDockerLogin({ env: process.env, home: homedir() });
  let info: RuntimeInfo | undefined;
  let timer: Timer | undefined;
  let stopped = false;

  const status = (): EngineStatus => {
    const running = roster.running();
    const onDocker = running.some(({ kind }) => kind === 'docker');
    return {
      reachable: info?.reachable ?? false,
      endpoint: info?.endpoint ?? '',
      ...(info?.version ? { version: info.version } : {}),
      ...(info?.operatingSystem ? { operatingSystem: info.operatingSystem } : {}),
      ...(info?.cpus ? { cpus: info.cpus, memoryBytes: info.memoryBytes } : {}),
      ...(info?.reason ? { message: info.reason } : {}),
      runtime: roster.hasStandIns() ? 'simulated' : onDocker ? 'docker' : running.length ? 'simulated' : 'none',
    };
  };
  const notify = () => {
    for (const listener of listeners) listener();
  };

  const simulatedRuntime = createSimulatedRuntime({ clusterId: options.clusterId, clock });
  const volumesDirectory = join(options.directory, 'volumes');
  let evictedAt = -Infinity;
  /** All nodes of the machine see it run short: one pod of one of them at a time. */
  const mayEvict = (): boolean => {
    const now = clock.now();
    if (now - evictedAt < evictionTurnMs) return false;
    evictedAt = now;
    return true;
  };
  const roster = new NodeRoster({
    clusterName,
    volumesDirectory,
    client: options.client,
    informers: options.informers,
    connections: options.connections,
    engine: docker,
    createAgent: (member) =>
      createKubelet({
        nodeName: member.name,
        client: options.client,
        informers: options.informers,
        runtime: member.kind === 'docker' ? preparedEngine : simulatedRuntime,
        clock,
        log: log.child(member.name),
        clusterId: options.clusterId,
        volumesDirectory: join(volumesDirectory, member.name),
        metrics: options.metrics,
        capacity: { ...member.capacity },
        annotations: annotationsOf(member),
        controlPlane: member.name === clusterName,
        sharesMachine: member.name !== clusterName,
        mayEvict,
        ...(member.kind === 'simulated'
          ? {}
          : {
              serviceRouting: () => services.routing(member.name),
              guardNetwork: policies.guard,
              dial: services.dial(member.name),
              dockerLogin,
            }),
      }),
    engineFault() {
      if (options.runtime === 'simulated') return 'the cluster was started with simulated nodes only';
      if (roster.hasStandIns()) return 'simulated nodes stand in for the container engine';
      return info?.reachable ? undefined : `no container engine answers${info?.reason ? `: ${info.reason}` : ''}`;
    },
    placesChanged: (places) => services.setNodes(places),
    changed: notify,
    tasks: options.tasks,
    log,
  });
  let prepared: Promise<void> | undefined;
  /** Once, when the engine first answers and before anything is started on it. */
  const prepare = () =>
    (prepared ??= options
      .onEngineUsed()
      .then(() => services.prepare(roster.places()))
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

  async function startOnEngine(): Promise<void> {
    await roster.startOnEngine(true);
    if (!roster.onEngine().length) return;
    await services.start();
    await policies.start();
    await roster.removeLeft();
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
    const wanted = options.runtime !== 'simulated' && !roster.hasStandIns();
    if (info.reachable && wanted) await startOnEngine();
    else if (options.engineUsed && wanted) await roster.startOnEngine(false);
    if (changed) {
      services.engineChanged();
      notify();
    }
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
      const onEngine = options.runtime !== 'simulated';
      const simulated = onEngine ? options.simulatedNodes : Math.max(1, options.simulatedNodes);
      roster
        .load({ docker: onEngine ? options.nodes : 0, simulated }, onEngine)
        .then(() => Promise.all([roster.startSimulated(), probe()]))
        .catch((error: Error) => log.error('starting the nodes failed', { error }))
        .finally(() => stopped || probeLater());
    },
    async stop() {
      stopped = true;
      timer?.cancel();
      await services.stop();
      await policies.stop();
      await storage.stop();
      await roster.stop();
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
        await roster.removeStandIns();
        await startOnEngine();
      }
      notify();
      return status();
    },
    async simulate(count) {
      await roster.standIn(count);
      notify();
      return status();
    },
    volumeUsage,
    simulated() {
      const running = roster.running();
      return running.length > 0 && running.every(({ kind }) => kind === 'simulated');
    },
    add: (node) => roster.add(node),
    async checkRemoval(name) {
      await roster.checkRemoval(name);
    },
    remove: (name) => roster.remove(name),
    power: (name, on) => (on ? roster.startAgent(name) : roster.stopAgent(name, true)),
  };
}
