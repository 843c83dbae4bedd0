import type { Node, Pod, PodCondition } from '@shared/k8s';
import { isNotFound } from '../client/controller';
import { createEventRecorder, type EventRecorder } from '../client/events';
import { findCondition, setCondition } from '../client/conditions';
import { resources } from '../client/resources';
import type { Informer, InformerFactory, KubeClient } from '../client/types';
import type { Clock } from '../clock';
import type { Logger } from '../log';
import { place, refusal } from './placement';
import { type QueuedPod, SchedulingQueue } from './queue';
import { Snapshot } from './snapshot';

export interface SchedulerOptions {
  client: KubeClient;
  informers: InformerFactory;
  clock: Clock;
  log: Logger;
  /** Pods with this spec.schedulerName are its business; `default-scheduler` unless told. */
  schedulerName?: string;
  /** 0 ≤ x < 1, decides between equally good nodes. */
  random?: () => number;
}

/** What gives every new pod a node. */
export interface Scheduler {
  start(): void;
  stop(): void;
}

/** Requests to the API under way at a time. */
const maxInFlight = 100;
/** How long decisions may keep the event loop to themselves. */
const sliceMs = 5;

/**
 * Takes pods without a node one by one, decides, and binds. Deciding is
 * synchronous on a snapshot in memory; binding goes on beside it.
 */
export class PodScheduler implements Scheduler {
  private readonly nodes: Informer<Node>;
  private readonly pods: Informer<Pod>;
  private readonly events: EventRecorder;
  private readonly name: string;
  private readonly random: () => number;
  private readonly snapshot = new Snapshot();
  private readonly queue: SchedulingQueue;
  /** Nodes on which room came free since parked pods were last looked at. */
  private readonly freed = new Set<string>();
  /** A node came, went or changed. */
  private nodesChanged = false;
  private rotation = 0;
  private inFlight = 0;
  private ready = false;
  private running = false;
  private stopped = false;
  private readonly unsubscribe: (() => void)[] = [];

  constructor(private readonly options: SchedulerOptions) {
    const { client, informers, clock, log } = options;
    this.name = options.schedulerName ?? 'default-scheduler';
    this.random = options.random ?? Math.random;
    this.nodes = informers.informer(resources.nodes);
    this.pods = informers.informer(resources.pods);
    this.events = createEventRecorder({ client, clock, log, component: this.name });
    this.queue = new SchedulingQueue(clock, () => this.kick());
  }

  start(): void {
    this.unsubscribe.push(
      this.nodes.on({
        add: (node) => this.nodeChanged(node),
        update: (node, old) => this.nodeChanged(node, old),
        delete: (node) => {
          this.snapshot.removeNode(node.metadata.name);
          this.nodesChanged = true;
          this.kick();
        },
      }),
      this.pods.on({
        add: (pod) => this.podChanged(pod),
        update: (pod, old) => {
          // Deleted and made again under its name, with nothing heard in between.
          if (pod.metadata.uid !== old.metadata.uid) this.podGone(old);
          this.podChanged(pod);
        },
        delete: (pod) => this.podGone(pod),
      }),
    );
    Promise.all([this.options.informers.start(), this.nodes.synced, this.pods.synced]).then(
      () => {
        this.ready = true;
        this.kick();
      },
      (error) => this.options.log.error('the scheduler cannot start', { error: error as Error }),
    );
  }

  stop(): void {
    this.stopped = true;
    for (const remove of this.unsubscribe) remove();
    this.queue.stop();
  }

  private nodeChanged(node: Node, old?: Node): void {
    if (old && schedulingView(node) === schedulingView(old)) return;
    this.snapshot.setNode(node);
    this.nodesChanged = true;
    this.kick();
  }

  private podChanged(pod: Pod): void {
    const { uid, deletionTimestamp } = pod.metadata;
    const phase = pod.status?.phase;
    if (phase === 'Succeeded' || phase === 'Failed') return this.podGone(pod);
    if (pod.spec?.nodeName) {
      this.queue.remove(uid);
      this.snapshot.confirm(pod);
      return;
    }
    const waits = pod.spec?.schedulerName === this.name && !deletionTimestamp && !pod.spec.schedulingGates?.length;
    if (!waits) this.queue.remove(uid);
    // One that is decided on is only waiting for the news to come round.
    else if (!this.snapshot.has(uid)) this.queue.put(pod);
  }

  private podGone(pod: Pod): void {
    this.queue.remove(pod.metadata.uid);
    const node = this.snapshot.remove(pod.metadata.uid);
    if (node) this.freed.add(node);
    this.kick();
  }

  /** Runs the loop if there may be something to do and it is not running. */
  private kick(): void {
    if (!this.ready || this.running || this.stopped) return;
    this.running = true;
    void this.run();
  }

  private async run(): Promise<void> {
    const { clock } = this.options;
    try {
      // Lets changes that come together be seen together.
      await new Promise((resolve) => setImmediate(resolve));
      let sliceEnd = clock.now() + sliceMs;
      while (!this.stopped && this.inFlight < maxInFlight) {
        this.wakeParked();
        const pod = this.queue.pop();
        if (!pod) return;
        this.schedule(pod);
        if (clock.now() < sliceEnd) continue;
        await new Promise((resolve) => setImmediate(resolve));
        sliceEnd = clock.now() + sliceMs;
      }
    } finally {
      this.running = false;
    }
  }

  /** Tries parked pods again when nodes changed, or when one of the nodes with new room takes them. */
  private wakeParked(): void {
    if (!this.nodesChanged && this.freed.size === 0) return;
    const freed = [...this.freed].map((name) => this.snapshot.get(name)).filter((node) => node?.node);
    const all = this.nodesChanged;
    this.nodesChanged = false;
    this.freed.clear();
    this.queue.wake(({ info }) => all || freed.some((node) => !refusal(info, node!)));
  }

  private schedule(pod: QueuedPod): void {
    const nodes = this.snapshot.nodes();
    const placement = place(pod.info, nodes, this.rotation, this.random);
    if (nodes.length > 0) this.rotation = (this.rotation + placement.looked) % nodes.length;
    if (!placement.node) {
      this.queue.park(pod);
      this.track(this.refuse(pod, 'Unschedulable', placement.message));
      return;
    }
    const node = placement.node.node!.metadata.name;
    this.snapshot.assume(pod.info, node);
    this.track(this.bind(pod, node));
  }

  private track(work: Promise<void>): void {
    this.inFlight += 1;
    void work
      .catch((error) => this.options.log.warn('a decision could not be written', { error: error as Error }))
      .finally(() => {
        this.inFlight -= 1;
        this.kick();
      });
  }

  private async bind(pod: QueuedPod, node: string): Promise<void> {
    const { namespace, name, uid } = pod.info.pod.metadata;
    try {
      await this.options.client.createSubresource(resources.pods, namespace, name, 'binding', {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, namespace, uid },
        target: { apiVersion: 'v1', kind: 'Node', name: node },
      });
    } catch (error) {
      this.snapshot.forget(uid);
      this.freed.add(node);
      // Deleted or assigned by another meanwhile: the informer tells, if it has not yet.
      if (isNotFound(error) || !this.queue.holds(pod)) return this.queue.remove(uid);
      this.queue.retry(pod);
      const why = error instanceof Error ? error.message : String(error);
      await this.refuse(pod, 'SchedulerError', `binding rejected: running Bind plugin "DefaultBinder": ${why}`);
      return;
    }
    this.queue.remove(uid);
    const message = `Successfully assigned ${pod.info.key} to ${node}`;
    this.events.event(pod.info.pod, 'Normal', 'Scheduled', message);
  }

  /** Tells the pod's readers why it has no node. */
  private async refuse(queued: QueuedPod, reason: string, message: string): Promise<void> {
    const { pod } = queued.info;
    const { namespace, name } = pod.metadata;
    this.events.event(pod, 'Warning', 'FailedScheduling', message);
    const current = findCondition(pod.status?.conditions, 'PodScheduled');
    const said = queued.message ?? (current?.status === 'False' ? `${current.reason}: ${current.message}` : undefined);
    if (said === `${reason}: ${message}`) return;
    const condition: PodCondition = { type: 'PodScheduled', status: 'False', reason, message };
    const conditions = setCondition(current ? [current] : [], condition, this.options.clock.now());
    try {
      // Merged by type: other conditions of the pod are not ours.
      await this.options.client.patch(
        resources.pods,
        namespace,
        name,
        { status: { conditions } },
        {
          type: 'strategic',
          subresource: 'status',
        },
      );
      queued.message = `${reason}: ${message}`;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** The parts of a node that decide who may run there; nodes report far more often than these change. */
function schedulingView({ metadata, spec, status }: Node): string {
  return JSON.stringify([metadata.labels, spec?.taints, spec?.unschedulable, status?.allocatable]);
}
