import { isDeepStrictEqual } from 'node:util';
import type { Node, Taint } from '@shared/k8s';
import { formatBytes, formatCpuMillis, parseBytes, parseQuantity } from '@shared/quantity';
import { parseResources, type Resources } from '@shared/pod-resources';
import { isAlreadyExists, isNotFound } from '../client/controller';
import { setCondition } from '../client/conditions';
import type { EventRecorder } from '../client/events';
import { resources } from '../client/resources';
import type { KubeClient } from '../client/types';
import { microTimestamp, timestamp, type Clock, type Timer } from '../clock';
import type { Logger } from '../log';
import type { NodePressure } from './admission';
import { pressureConditions, pressureEvent } from './node-conditions';
import type { RuntimeInfo } from './runtime/types';

export const kubeletVersion = 'v1.36.0+gantry';

const leaseMs = 10_000;
const leaseSeconds = 40;
const statusMs = 300_000;
const retryMs = 1000;
const leaseNamespace = 'kube-node-lease';

export interface NodeAgentOptions {
  nodeName: string;
  client: KubeClient;
  clock: Clock;
  log: Logger;
  recorder: EventRecorder;
  simulated: boolean;
  controlPlane: boolean;
  labels: Record<string, string>;
  /** Written at each registration; null takes one away. */
  annotations: Record<string, string | null>;
  taints: Taint[];
  maxPods: number;
  /** Instead of what the engine has: quantities by resource name. */
  capacity: Record<string, string>;
  /** Free and total bytes where pods' volumes are. */
  disk(): Promise<number>;
  pressure(): NodePressure;
  /** Whether a kind of pressure would be noticed. */
  seesPressure(pressure: keyof NodePressure): boolean;
}

/** Keeps the Node object and its Lease. What cannot be written is tried again; nothing throws. */
export class NodeAgent {
  /** The engine has answered at least once. */
  private reached = false;
  private info: RuntimeInfo | undefined;
  private address = '127.0.0.1';
  private diskBytes = 0;
  private node: Node | undefined;
  private reported: object | undefined;
  private reportedAt = 0;
  private timers = new Map<'lease' | 'status', Timer>();
  private stopped = false;
  private reporting: Promise<void> = Promise.resolve();

  constructor(private readonly options: NodeAgentOptions) {}

  async start(): Promise<void> {
    this.diskBytes = await this.options.disk().catch(() => 0);
    await this.register();
    this.options.recorder.event(this.reference(), 'Normal', 'Starting', 'Starting kubelet.');
    await this.renewLease();
    this.timers.set(
      'status',
      this.options.clock.setTimeout(() => void this.statusDue(), statusMs),
    );
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers.values()) timer.cancel();
  }

  /** What the engine said of itself. The Node is updated when it says something else than before. */
  async engine(info: RuntimeInfo, address: string): Promise<void> {
    this.reached ||= info.reachable;
    // An engine that is gone says nothing of its machine, which is still as it was.
    this.info = info.reachable || !this.info ? info : { ...this.info, reachable: false, reason: info.reason };
    this.address = address;
    if (this.node) await this.report();
  }

  /** Something changed that the node says of itself. */
  async changed(): Promise<void> {
    if (this.node) await this.report();
  }

  /** Somebody deleted the Node: it registers anew. */
  async deleted(): Promise<void> {
    this.reported = undefined;
    if (this.node) await this.report();
  }

  hostIp(): string {
    return this.address;
  }

  /** Whether AppArmor profiles are enforced; true while nothing is known. */
  appArmor(): boolean {
    return this.info?.appArmor !== false;
  }

  /** In bytes; 0 while nothing is known. */
  memoryBytes(): number {
    return parseBytes(this.capacity().memory);
  }

  allocatable(): { cpu: number; memory: number; 'ephemeral-storage': number } {
    const capacity = this.capacity();
    return {
      cpu: parseQuantity(capacity.cpu),
      memory: parseBytes(capacity.memory),
      'ephemeral-storage': parseBytes(capacity['ephemeral-storage']),
    };
  }

  /** What pods may take together: cpu in millis, others in whole units. */
  resources(): Resources {
    const { 'ephemeral-storage': disk, ...amounts } = parseResources(this.capacity());
    // A disk that could not be measured refuses nobody.
    return disk ? { ...amounts, 'ephemeral-storage': disk } : amounts;
  }

  /** What events of the node refer to. */
  reference(): Node {
    // Node events name the node as their uid does not matter to anyone who looks for them.
    return {
      kind: 'Node',
      apiVersion: 'v1',
      metadata: { name: this.options.nodeName, uid: this.options.nodeName },
    } as Node;
  }

  private capacity(): Record<string, string> {
    return {
      cpu: formatCpuMillis((this.info?.cpus ?? 0) * 1000),
      memory: `${Math.floor((this.info?.memoryBytes ?? 0) / 1024)}Ki`,
      'ephemeral-storage': formatBytes(Math.floor(this.diskBytes / 1024) * 1024),
      pods: String(this.options.maxPods),
      ...this.options.capacity,
    };
  }

  private labels(): Record<string, string> {
    const arch = this.info?.architecture ?? 'amd64';
    return {
      'kubernetes.io/hostname': this.options.nodeName,
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': arch,
      'beta.kubernetes.io/os': 'linux',
      'beta.kubernetes.io/arch': arch,
      ...(this.options.controlPlane ? { 'node-role.kubernetes.io/control-plane': '' } : {}),
      ...(this.options.simulated ? { 'gantry.dev/simulated': 'true' } : {}),
      ...this.options.labels,
    };
  }

  private async register(): Promise<void> {
    const { client, nodeName, taints, simulated, log } = this.options;
    while (!this.stopped) {
      try {
        const annotations = { ...(simulated ? { 'gantry.dev/simulated': 'true' } : {}), ...this.options.annotations };
        const kept = Object.entries(annotations).filter(([, value]) => value !== null);
        const metadata = { name: nodeName, labels: this.labels(), annotations: Object.fromEntries(kept) };
        try {
          this.node = await client.create<Node>(resources.nodes, {
            apiVersion: 'v1',
            kind: 'Node',
            metadata,
            spec: taints.length > 0 ? { taints } : {},
          });
        } catch (error) {
          if (!isAlreadyExists(error)) throw error;
          this.node = await client.patch<Node>(
            resources.nodes,
            undefined,
            nodeName,
            { metadata: { labels: this.labels(), annotations } },
            { type: 'merge' },
          );
        }
        this.reported = undefined;
        return await this.report();
      } catch (error) {
        log.warn('the node could not be registered, trying again', { error: error as Error });
        await new Promise<void>((resolve) => void this.options.clock.setTimeout(resolve, retryMs));
      }
    }
  }

  private async statusDue(): Promise<void> {
    if (this.stopped) return;
    this.diskBytes = await this.options.disk().catch(() => this.diskBytes);
    await this.report();
    this.timers.set(
      'status',
      this.options.clock.setTimeout(() => void this.statusDue(), statusMs),
    );
  }

  private report(): Promise<void> {
    this.reporting = this.reporting.then(() => this.reportNow());
    return this.reporting;
  }

  private async reportNow(): Promise<void> {
    if (this.stopped || !this.info || !this.node) return;
    const { client, nodeName, clock, recorder, log } = this.options;
    const now = clock.now();
    const facts = this.facts();
    if (isDeepStrictEqual(facts, this.reported) && now - this.reportedAt < statusMs) return;
    try {
      const current = await client.get<Node>(resources.nodes, undefined, nodeName);
      const before = current.status?.conditions ?? [];
      const conditions = facts.conditions.map((condition) => {
        const [set] = setCondition(
          before.filter((one) => one.type === condition.type),
          condition,
          now,
        );
        return { ...set!, lastHeartbeatTime: timestamp(now) };
      });
      this.node = await client.patch<Node>(
        resources.nodes,
        undefined,
        nodeName,
        { status: this.reached || !current.status?.capacity ? { ...facts, conditions } : { conditions } },
        { type: 'strategic', subresource: 'status' },
      );
      const ready = facts.conditions[0]!.status === 'True';
      const wasReady = before.find((one) => one.type === 'Ready')?.status === 'True';
      if (ready !== wasReady) {
        const reason = ready ? 'NodeReady' : 'NodeNotReady';
        recorder.event(this.reference(), 'Normal', reason, `Node ${nodeName} status is now: ${reason}`);
      }
      for (const condition of facts.conditions.slice(1)) {
        const old = before.find((one) => one.type === condition.type);
        if (old && old.status !== 'Unknown' && old.status !== condition.status) {
          const reason = pressureEvent(condition);
          recorder.event(this.reference(), 'Normal', reason, `Node ${nodeName} status is now: ${reason}`);
        }
      }
      this.reported = facts;
      this.reportedAt = now;
    } catch (error) {
      if (isNotFound(error) && !this.stopped) {
        this.node = undefined;
        void this.register();
        return;
      }
      log.warn('the node status could not be written', { error: error as Error });
      clock.setTimeout(() => void this.report(), retryMs);
    }
  }

  private facts() {
    const info = this.info!;
    const capacity = this.capacity();
    const ready = info.reachable
      ? { status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : {
          status: 'False',
          reason: 'KubeletNotReady',
          message: `container runtime is down: ${info.reason ?? 'no answer'}`,
        };
    return {
      conditions: [
        { type: 'Ready', ...ready },
        ...pressureConditions(this.options.pressure(), this.options.seesPressure),
      ],
      addresses: [
        { type: 'InternalIP', address: this.address },
        { type: 'Hostname', address: this.options.nodeName },
      ],
      capacity,
      allocatable: capacity,
      nodeInfo: {
        machineID: this.options.nodeName,
        systemUUID: this.options.nodeName,
        bootID: this.options.nodeName,
        kernelVersion: info.kernelVersion,
        osImage: info.osImage,
        containerRuntimeVersion: `${info.name}://${info.version}`,
        kubeletVersion,
        kubeProxyVersion: '',
        operatingSystem: info.operatingSystem || 'linux',
        architecture: info.architecture,
      },
    };
  }

  private async renewLease(): Promise<void> {
    if (this.stopped) return;
    const { client, nodeName, clock, log } = this.options;
    let next = leaseMs;
    const renewTime = microTimestamp(clock.now());
    try {
      try {
        await client.patch(
          resources.leases,
          leaseNamespace,
          nodeName,
          { spec: { renewTime, holderIdentity: nodeName } },
          { type: 'merge' },
        );
      } catch (error) {
        if (!isNotFound(error)) throw error;
        const owner = { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: this.node?.metadata.uid ?? '' };
        await client.create(resources.leases, {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name: nodeName, namespace: leaseNamespace, ...(owner.uid ? { ownerReferences: [owner] } : {}) },
          spec: { holderIdentity: nodeName, leaseDurationSeconds: leaseSeconds, renewTime },
        });
      }
    } catch (error) {
      // The namespace is made by a controller that may start after this.
      next = retryMs;
      if (!isNotFound(error)) log.warn('the node lease could not be renewed', { error: error as Error });
    }
    if (!this.stopped)
      this.timers.set(
        'lease',
        clock.setTimeout(() => void this.renewLease(), next),
      );
  }
}
