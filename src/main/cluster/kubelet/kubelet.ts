import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ConfigMap, Pod, Secret, Taint } from '@shared/k8s';
import type { NodeConnection } from '../apiserver/node-connection';
import { createEventRecorder, type EventRecorder } from '../client/events';
import { resources } from '../client/resources';
import type { InformerFactory, KubeClient } from '../client/types';
import type { Clock } from '../clock';
import { dialDirectly, type Dial } from '../dial';
import type { Logger } from '../log';
import type { Metrics } from '../metrics';
import { Admission } from './admission';
import { Backoff } from './backoff';
import { createNodeConnection } from './connection';
import type { ServiceRouting } from './container-specs';
import { ContainerSweep } from './container-sweep';
import type { DockerLogin } from './docker-login';
import { EngineLink } from './engine-link';
import { EvictionManager, checkThresholds } from './eviction/manager';
import { createMachineReader, defaultThresholds, type Readings, type Thresholds } from './eviction/signals';
import { ImageGarbage } from './image-garbage';
import { ImageManager } from './images';
import { NodeAgent } from './node-agent';
import { createObjectSource, refersTo } from './object-source';
import type { PodHost } from './pod-host';
import { podsOfNode, type NodePods } from './pod-source';
import { PodWorker } from './pod-worker';
import { Preemption } from './preemption';
import type { Runtime, RuntimeInfo } from './runtime/types';

export interface KubeletOptions {
  nodeName: string;
  client: KubeClient;
  informers: InformerFactory;
  runtime: Runtime;
  clock: Clock;
  log: Logger;
  clusterId: string;
  /** Where pods' volumes and files are kept; one directory per node. */
  volumesDirectory: string;
  /** Where pods' seccomp profiles of type Localhost are; `seccomp` beside all nodes' volumes by default. */
  seccompDirectory?: string;
  /** Quantities instead of what the engine has: cpu, memory, ephemeral-storage, pods. */
  capacity?: Record<string, string>;
  maxPods?: number;
  labels?: Record<string, string>;
  /** Of the Node; null takes one away. */
  annotations?: Record<string, string | null>;
  taints?: Taint[];
  /** Servers of the cluster's DNS. */
  clusterDns?: string[];
  clusterDomain?: string;
  /** How new pods reach services' addresses; undefined while they cannot. */
  serviceRouting?: () => ServiceRouting | undefined;
  /** Awaited before containers are started in a sandbox; a rejection keeps them from it. */
  guardNetwork?: PodHost['guardNetwork'];
  /** Carries the control plane's role label. */
  controlPlane?: boolean;
  /** How addresses of pods are reached; default: directly. */
  dial?: Dial;
  /** Another agent of the same engine speaks for the machine: this one's usage is that of its pods. */
  sharesMachine?: boolean;
  /** Whether a pod may be ended for want of memory, disk or processes now; agents of one machine take turns. */
  mayEvict?: () => boolean;
  /** Where usage is sampled. */
  metrics?: Metrics;
  /** The login of whoever runs this, for images that no pull secret of a pod opens. */
  dockerLogin?: DockerLogin;
  /** What the machine has left; read from this host by default, where the engine runs on it. */
  machine?: () => Promise<Readings>;
  /** Instead of the defaults: below which the node is under pressure, `{'memory.available': '200Mi'}`. */
  evictionThresholds?: Thresholds;
  /** Per cent of the images' disk in use: from where on unused images are removed (85), and down to what (80). */
  imageGarbage?: { high?: number; low?: number };
}

export interface Kubelet {
  /** Resolves when the node is registered and its pods are being looked after. An engine that does not answer makes it NotReady, no error. */
  start(): Promise<void>;
  /** Takes its hands off: containers keep running. */
  stop(): Promise<void>;
  /** To be told when somebody deleted its Node: it registers anew. */
  nodeDeleted(): void;
  readonly connection: NodeConnection;
}

/** A node agent. Several may share one runtime. */
export function createKubelet(options: KubeletOptions): Kubelet {
  return new NodeKubelet(options);
}

class NodeKubelet implements Kubelet {
  readonly connection: NodeConnection;
  private readonly workers = new Map<string, PodWorker>();
  private readonly finished = new Set<string>();
  private readonly pods: NodePods;
  private readonly node: NodeAgent;
  private readonly recorder: EventRecorder;
  private readonly host: PodHost;
  private readonly removals: (() => void)[] = [];
  private readonly evictions: EvictionManager;
  private readonly garbage: ImageGarbage;
  private readonly engine: EngineLink;
  private local = true;
  /** Where the engine keeps images, if that is on this host. */
  private imagesDirectory: string | undefined;
  private stopped = false;

  constructor(private readonly options: KubeletOptions) {
    const { nodeName, client, informers, runtime, clock, log, volumesDirectory } = options;
    this.recorder = createEventRecorder({ client, clock, log, component: 'kubelet', host: nodeName });
    const { recorder } = this;
    const dial = options.dial ?? dialDirectly;
    const objects = createObjectSource(client, informers, clock);
    this.pods = podsOfNode(informers, nodeName);
    this.node = new NodeAgent({
      nodeName,
      client,
      clock,
      log,
      recorder,
      simulated: runtime.kind === 'simulated',
      controlPlane: options.controlPlane ?? false,
      labels: options.labels ?? {},
      annotations: options.annotations ?? {},
      taints: options.taints ?? [],
      maxPods: options.maxPods ?? 110,
      capacity: options.capacity ?? {},
      disk: async () => {
        if (runtime.kind === 'simulated') return 100 * 2 ** 30;
        const { blocks, bsize } = await statfs(volumesDirectory);
        return blocks * bsize;
      },
      pressure: () => this.evictions.pressure(),
      seesPressure: (pressure) => runtime.kind === 'simulated' || this.evictions.watches(pressure),
    });
    const agent = this.node;
    const nodes = informers.informer(resources.nodes);
    const admission = new Admission({
      node: () => nodes.get(undefined, nodeName),
      allocatable: () => agent.resources(),
      pressure: () => this.evictions.pressure(),
      appArmor: () => agent.appArmor(),
    });
    this.host = {
      runtime,
      client,
      clock,
      log,
      recorder,
      objects,
      dial,
      guardNetwork: options.guardNetwork,
      volumesDirectory,
      seccompDirectory: options.seccompDirectory ?? join(volumesDirectory, '..', '..', 'seccomp'),
      images: new ImageManager({
        runtime,
        recorder,
        objects,
        clock,
        login: options.dockerLogin,
        pulled: (reference, image) => this.garbage.note(reference, image),
      }),
      crashes: new Backoff(),
      admission,
      preemption: new Preemption({
        admission,
        recorder,
        pods: () => this.activePods(),
        fail: (uid, failure) => this.workers.get(uid)?.fail(failure),
        hasEnded: (uid) => this.workers.get(uid)?.hasEnded() ?? true,
      }),
      node: {
        nodeName,
        clusterDomain: options.clusterDomain ?? 'cluster.local',
        clusterDns: options.clusterDns ?? [],
        serviceRouting: options.serviceRouting,
        get memoryBytes() {
          return agent.memoryBytes();
        },
      },
      hostIp: () => agent.hostIp(),
      allocatable: () => agent.allocatable(),
      local: () => this.local,
      engineLost: (error) => void this.engine.lost(error),
      finished: (uid) => this.finish(uid),
    };
    const machine =
      options.machine ??
      createMachineReader({
        volumesDirectory,
        imagesDirectory: () => this.imagesDirectory,
        sameHost: () => runtime.kind !== 'simulated' && this.local && process.platform === 'linux',
      });
    this.garbage = new ImageGarbage({
      runtime,
      clock,
      log,
      recorder,
      node: () => agent.reference(),
      // Beside the pods' directories, which are told apart by name.
      ...(runtime.kind === 'simulated' ? {} : { file: `${volumesDirectory}.images.json` }),
      disk: async () => (await machine())['imagefs.available'],
      ...options.imageGarbage,
    });
    this.evictions = new EvictionManager({
      runtime,
      clock,
      log,
      recorder,
      node: () => agent.reference(),
      volumesDirectory,
      machine,
      thresholds: checkThresholds({ ...defaultThresholds, ...options.evictionThresholds }),
      pods: () => this.activePods(),
      mayEvict: () => options.mayEvict?.() ?? true,
      evict: (uid, failure) => this.workers.get(uid)?.fail(failure),
      reclaim: () => this.garbage.reclaim(),
      changed: () => void agent.changed(),
    });
    const sweep = new ContainerSweep({
      runtime,
      log,
      nodeName,
      volumesDirectory,
      workers: this.workers,
      hasPod: (uid) => this.pods.list().some((pod) => pod.metadata.uid === uid),
    });
    this.engine = new EngineLink({
      runtime,
      clock,
      log,
      nodeName,
      described: (info, address) => this.described(info, address),
      sweep: () => sweep.run(),
      ended: (uid) => this.workers.get(uid)?.wake(),
      back: () => this.wakeAll(),
    });
    this.connection = createNodeConnection({
      runtime,
      clock,
      dial,
      pod: (namespace, name) => this.pods.get(namespace, name),
      hostIp: () => agent.hostIp(),
    });
  }

  async start(): Promise<void> {
    const { informers, volumesDirectory, log } = this.options;
    if (this.options.runtime.kind !== 'simulated') await mkdir(volumesDirectory, { recursive: true, mode: 0o700 });
    const configMaps = informers.informer<ConfigMap>(resources.configMaps);
    const secrets = informers.informer<Secret>(resources.secrets);
    await informers.start();
    const changed = (kind: 'ConfigMap' | 'Secret') => (object: ConfigMap | Secret) => this.objectChanged(kind, object);
    for (const [kind, informer] of [
      ['ConfigMap', configMaps],
      ['Secret', secrets],
    ] as const) {
      this.removals.push(
        (informer as typeof configMaps).on({ add: changed(kind), update: changed(kind), delete: changed(kind) }),
      );
    }
    await this.engine.connect();
    await this.node.start();
    if (this.stopped) return;
    this.removals.push(
      this.pods.follow({
        upsert: (pod, old) => this.upsert(pod, old),
        remove: (pod) => this.remove(pod),
      }),
    );
    this.addMetrics();
    // Hundreds of simulated nodes have nothing that could run short.
    if (this.options.runtime.kind !== 'simulated' || this.options.machine) {
      await this.evictions.start();
      this.garbage.start();
    }
    await this.engine.watch();
    log.info('the node agent is running', { node: this.options.nodeName, pods: this.workers.size });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.engine.stop();
    for (const remove of this.removals) remove();
    this.evictions.stop();
    this.garbage.stop();
    this.node.stop();
    await Promise.all([...this.workers.values()].map((worker) => worker.stop()));
    await this.recorder.flushed();
  }

  nodeDeleted(): void {
    void this.node.deleted();
  }

  /** Those that are looked after and neither over nor leaving. */
  private activePods(): Pod[] {
    return [...this.workers.values()].filter((worker) => worker.isActive()).map((worker) => worker.pod);
  }

  private addMetrics(): void {
    const { metrics, nodeName, runtime } = this.options;
    if (!metrics) return;
    const onThisHost = () => runtime.kind === 'docker' && this.local && process.platform === 'linux';
    this.removals.push(
      metrics.addNode({
        name: nodeName,
        runtime,
        wholeHost: () => onThisHost() && !this.options.sharesMachine,
        partOfHost: () => onThisHost() && this.options.sharesMachine === true,
        capacity: () => {
          const { cpu, memory } = this.node.allocatable();
          return { cpu, memory };
        },
        pod: (namespace, name) => this.pods.get(namespace, name),
      }),
    );
  }

  private upsert(pod: Pod, old: Pod | undefined): void {
    const { uid } = pod.metadata;
    if (this.stopped || this.finished.has(uid)) return;
    const worker = this.workers.get(uid);
    if (!worker) {
      const created = new PodWorker(this.host, pod);
      this.workers.set(uid, created);
      if (pod.metadata.deletionTimestamp) created.update(pod);
      else created.wake();
      return;
    }
    if (old && isEcho(pod, old)) worker.observe(pod);
    else worker.update(pod);
  }

  private remove(pod: Pod): void {
    const { uid } = pod.metadata;
    this.host.images.forget(uid);
    this.host.crashes.forget(uid);
    this.host.admission.release(uid);
    this.host.preemption.forget(uid);
    const worker = this.workers.get(uid);
    if (this.finished.delete(uid)) this.workers.delete(uid);
    else worker?.removed(pod);
  }

  /** The worker of a pod has nothing left to do: it is forgotten as soon as the API has forgotten the pod. */
  private finish(uid: string): void {
    if (this.workers.get(uid)?.isGone()) this.workers.delete(uid);
    else this.finished.add(uid);
  }

  private objectChanged(kind: 'ConfigMap' | 'Secret', object: ConfigMap | Secret): void {
    const { namespace, name } = object.metadata;
    for (const worker of this.workers.values()) {
      if (worker.pod.metadata.namespace === namespace && refersTo(worker.pod, kind, name)) worker.refreshVolumes();
    }
  }

  private async described(info: RuntimeInfo, address: string | undefined): Promise<void> {
    this.local = info.local;
    this.imagesDirectory = info.local ? info.dataDirectory : undefined;
    await this.node.engine(info, address || this.node.hostIp());
  }

  private wakeAll(): void {
    for (const worker of this.workers.values()) worker.wake();
  }
}

/** Whether an update only brings back what this node itself reported. */
function isEcho(pod: Pod, old: Pod): boolean {
  if (pod.spec?.readinessGates?.length) return false;
  const essence = ({ metadata, spec }: Pod): unknown => [
    spec,
    metadata.labels,
    metadata.annotations,
    metadata.deletionTimestamp,
    metadata.deletionGracePeriodSeconds,
  ];
  return isDeepStrictEqual(essence(pod), essence(old));
}
