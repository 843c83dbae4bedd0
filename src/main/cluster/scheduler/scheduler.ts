import type { SchedulingDecisionList } from '@shared/scheduling';
import type { Node, Pod } from '@shared/k8s';
import { isNotFound } from '../client/controller';
import { createEventRecorder, type EventRecorder } from '../client/events';
import { resources } from '../client/resources';
import type { Informer, InformerFactory, KubeClient } from '../client/types';
import type { Clock } from '../clock';
import { Histogram } from '../histogram';
import type { Logger } from '../log';
import { PodBinder } from './binder';
import { DecisionLog } from './decisions';
import { followCluster } from './follow-cluster';
import { Profile } from './framework/profile';
import type { ClusterEvent } from './framework/types';
import { place, type Placement, refusalMessage } from './placement';
import { Preemptor } from './preemption/preemptor';
import { searchPreemption } from './preemption/search';
import { type QueuedPod, SchedulingQueue } from './queue';
import { defaultSettings, type SchedulerSettings } from './settings';
import { type NodeInfo, PodInfo, Snapshot } from './snapshot';
import { StatusWriter } from './status-writer';
import { createView, type InformerView } from './view';
import { VolumeBinder } from './volume-binder';

export interface SchedulerOptions {
  client: KubeClient;
  informers: InformerFactory;
  clock: Clock;
  log: Logger;
  /** Kubernetes' defaults and a profile for bin packing, unless told. */
  settings?: SchedulerSettings;
  /** 0 ≤ x < 1, decides between equally good nodes. */
  random?: () => number;
}

/** What gives every new pod a node. */
export interface Scheduler {
  start(): void;
  stop(): void;
  /** The last decisions: about a namespace's pods, or one pod; the latest first. */
  decisions(namespace?: string, pod?: string): SchedulingDecisionList;
  /** What it has done and has before it. */
  figures(): SchedulerFigures;
}

export interface SchedulerFigures {
  /** Pods that wait, by what for. */
  pending: { active: number; backoff: number; unschedulable: number };
  /** How long attempts took, in seconds, by how they ended. */
  attempts: { profile: string; result: AttemptResult; duration: Histogram }[];
}

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

/** The buckets of Kubernetes' scheduler, in seconds. */
const attemptSeconds = Array.from({ length: 15 }, (_, power) => 0.001 * 2 ** power);

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
  private readonly view: InformerView;
  private readonly profiles: ReadonlyMap<string, Profile>;
  private readonly random: () => number;
  private readonly snapshot = new Snapshot();
  private readonly queue: SchedulingQueue;
  private readonly writer: StatusWriter;
  private readonly attempts = new Map<string, SchedulerFigures['attempts'][number]>();
  private readonly binder: PodBinder;
  private readonly preemptor: Preemptor;
  private readonly log = new DecisionLog();
  /** What happened since parked pods were last looked at. */
  private news: ClusterEvent[] = [];
  private rotation = 0;
  private inFlight = 0;
  private ready = false;
  private running = false;
  private stopped = false;
  private readonly unsubscribe: (() => void)[] = [];

  constructor(private readonly options: SchedulerOptions) {
    const { client, informers, clock, log, settings = defaultSettings() } = options;
    this.random = options.random ?? Math.random;
    this.nodes = informers.informer(resources.nodes);
    this.pods = informers.informer(resources.pods);
    this.view = createView(informers);
    const volumes = new VolumeBinder({ client, view: this.view, clock, timeoutMs: settings.bindTimeoutSeconds * 1000 });
    const context = { view: this.view, binder: volumes };
    this.profiles = new Map(settings.profiles.map((profile) => [profile.schedulerName, new Profile(profile, context)]));
    const [first] = this.profiles.values();
    if (!first) throw new Error('a scheduler needs a profile');
    this.queue = new SchedulingQueue(
      clock,
      {
        firstBackoffMs: settings.podInitialBackoffSeconds * 1000,
        maxBackoffMs: settings.podMaxBackoffSeconds * 1000,
        before: first.before,
      },
      () => this.kick(),
    );
    const recorders = new Map<string, EventRecorder>();
    for (const component of this.profiles.keys()) {
      recorders.set(component, createEventRecorder({ client, clock, log, component }));
    }
    const recorder = (pod: Pod) => recorders.get(pod.spec?.schedulerName ?? '') ?? recorders.get(first.name)!;
    this.writer = new StatusWriter({ client, clock, recorder });
    this.binder = new PodBinder(client);
    this.preemptor = new Preemptor({
      snapshot: this.snapshot,
      writer: this.writer,
      log,
      stopWaiting: (uid) => this.binder.stopWaiting(uid),
    });
  }

  decisions(namespace?: string, pod?: string): SchedulingDecisionList {
    return this.log.list(namespace, pod);
  }

  start(): void {
    this.unsubscribe.push(
      followCluster({ nodes: this.nodes, view: this.view, snapshot: this.snapshot, tell: (event) => this.tell(event) }),
      this.pods.on({
        add: (pod) => this.podChanged(pod),
        update: (pod, old) => {
          // Deleted and made again under its name, with nothing heard in between.
          const same = pod.metadata.uid === old.metadata.uid;
          if (!same) this.podGone(old);
          this.podChanged(pod, same ? old : undefined);
        },
        delete: (pod) => this.podGone(pod),
      }),
    );
    const synced = [this.nodes.synced, this.pods.synced, this.view.synced];
    Promise.all([this.options.informers.start(), ...synced]).then(
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
    this.binder.stop();
    this.queue.stop();
  }

  private podChanged(pod: Pod, old?: Pod): void {
    const { uid, deletionTimestamp } = pod.metadata;
    const phase = pod.status?.phase;
    if (phase === 'Succeeded' || phase === 'Failed') return this.podGone(pod);
    if (pod.spec?.nodeName) {
      this.queue.remove(uid);
      this.snapshot.nominations.delete(uid);
      if (this.snapshot.confirm(pod)) this.tell({ type: 'assigned', pod: this.snapshot.assigned(uid)! });
      return;
    }
    const profile = this.profiles.get(pod.spec?.schedulerName ?? '');
    if (!profile || deletionTimestamp) return this.podGone(pod);
    // One that is decided on is only waiting for the news to come round.
    if (this.snapshot.has(uid)) return;
    const info = new PodInfo(pod);
    if (profile.held(info)) return this.queue.remove(uid);
    this.queue.put(info);
    this.nominate(info, old);
  }

  /** Follows what the API says of a nomination; where it says what it said before, this scheduler knows better. */
  private nominate(pod: PodInfo, old: Pod | undefined): void {
    const { nominations } = this.snapshot;
    const said = old?.status?.nominatedNodeName ?? '';
    const says = pod.pod.status?.nominatedNodeName ?? '';
    if (says === said) return;
    const known = nominations.nodeOf(pod.uid);
    if (says && !known) nominations.set(pod, says);
    else if (!says && known === said) nominations.delete(pod.uid);
  }

  private podGone(pod: Pod): void {
    const { uid } = pod.metadata;
    this.queue.remove(uid);
    this.binder.stopWaiting(uid);
    this.preemptor.gone(uid);
    const promised = this.snapshot.nominations.nodeOf(uid);
    this.snapshot.nominations.delete(uid);
    const info = this.snapshot.assigned(uid);
    const node = this.snapshot.remove(uid) ?? promised;
    if (node) this.freed(node, info ?? new PodInfo(pod));
  }

  private freed(name: string, pod: PodInfo): void {
    const node = this.snapshot.get(name);
    if (node?.node) this.tell({ type: 'freed', node, pod });
  }

  /** Takes note of something that may let parked pods fit. */
  private tell(event: ClusterEvent): void {
    if (this.queue.parked === 0) return;
    // Every binding is one of these; few pods wait for others to come.
    const { queue } = this;
    if (event.type === 'assigned' && !queue.refusedBy('InterPodAffinity') && !queue.refusedBy('PodTopologySpread')) {
      return;
    }
    this.news.push(event);
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

  /** Tries those parked pods again that one of the events may help. */
  private wakeParked(): void {
    if (this.news.length === 0) return;
    const news = this.news;
    this.news = [];
    this.queue.wake(({ info, refusedBy }) => {
      // Refused by nobody: there were no nodes.
      if (refusedBy.size === 0) return news.some(({ type }) => type === 'node');
      const profile = this.profileOf(info);
      return news.some((event) => profile.helps(event, info, refusedBy));
    });
  }

  figures(): SchedulerFigures {
    return { pending: this.queue.pending(), attempts: [...this.attempts.values()] };
  }

  private attempted({ info, triedAt }: QueuedPod, result: AttemptResult): void {
    const profile = info.pod.spec?.schedulerName ?? '';
    const key = `${result} ${profile}`;
    let attempt = this.attempts.get(key);
    if (!attempt) this.attempts.set(key, (attempt = { profile, result, duration: new Histogram(attemptSeconds) }));
    const now = this.options.clock.now();
    attempt.duration.observe((now - (triedAt ?? now)) / 1000);
  }

  private schedule(queued: QueuedPod): void {
    const { info } = queued;
    const profile = this.profileOf(info);
    const { random, snapshot } = this;
    let placement: Placement;
    try {
      const percentage = this.options.settings?.percentageOfNodesToScore;
      placement = place(profile, info, snapshot, { start: this.rotation, random, percentage });
    } catch (error) {
      // A pod that cannot be decided on must not keep the others from being.
      this.options.log.error('a pod could not be decided on', { pod: info.key, error: error as Error });
      this.attempted(queued, 'error');
      this.queue.retry(queued);
      this.track(this.writer.refused(queued, 'SchedulerError', (error as Error).message));
      return;
    }
    if (placement.total > 0) this.rotation = (this.rotation + placement.looked) % placement.total;
    if (!placement.node) return this.refuse(queued, placement);
    this.record(queued, placement);
    const { node } = placement;
    snapshot.assume(info, node.name);
    const refused = profile.reserve(info, node);
    if (refused) {
      this.fail(queued, node, `running Reserve plugin "${refused.plugin}": ${refused.reasons.join(', ')}`);
      return;
    }
    const preparation = this.binder.prepare(profile, info, node);
    if (!preparation) return this.track(this.bind(profile, queued, node));
    // May take minutes: not counted among the requests under way.
    preparation.then(
      () => this.track(this.bind(profile, queued, node)),
      (error) => this.giveBack(profile, queued, node, error),
    );
  }

  private refuse(queued: QueuedPod, placement: Placement): void {
    const { info } = queued;
    this.attempted(queued, 'unschedulable');
    const refusedBy = new Set<string>();
    for (const { plugin } of placement.refusals.values()) refusedBy.add(plugin);
    if (placement.others) refusedBy.add(placement.others.plugin);
    let message = refusalMessage(placement);
    let nominated: string | undefined;
    this.queue.park(queued, refusedBy);
    if (placement.total > 0) {
      const found = searchPreemption({
        placement,
        pod: info,
        snapshot: this.snapshot,
        budgets: (namespace) => this.view.budgets(namespace),
        isLeaving: this.preemptor.isLeaving,
        random: this.random,
      });
      if (typeof found === 'string') {
        message += ` ${found}`;
        // Nothing can be done any more: no room is kept. One whose room is being made keeps it.
        if (!found.startsWith('preemption: not eligible')) {
          this.snapshot.nominations.delete(info.uid);
          nominated = '';
        }
      } else {
        nominated = found.node.name;
        this.track(this.preemptor.makeRoom(info, found));
      }
    }
    this.record(queued, placement, message, nominated);
    this.track(this.writer.refused(queued, 'Unschedulable', message, nominated));
  }

  private async bind(profile: Profile, queued: QueuedPod, node: NodeInfo): Promise<void> {
    try {
      await this.binder.bind(queued.info, node);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const told = new Error(`binding rejected: running Bind plugin "DefaultBinder": ${why}`);
      return this.giveBack(profile, queued, node, isNotFound(error) ? undefined : told);
    }
    this.queue.remove(queued.info.uid);
    this.attempted(queued, 'scheduled');
    this.writer.scheduled(queued, node.name);
  }

  /** Takes a decision back that could not be carried out. @param error undefined when the pod is gone */
  private giveBack(profile: Profile, queued: QueuedPod, node: NodeInfo, error?: Error): void {
    profile.unreserve(queued.info, node);
    // Deleted or assigned by another meanwhile: the informer tells, if it has not yet.
    if (!error || !this.queue.holds(queued)) {
      this.snapshot.forget(queued.info.uid);
      this.queue.remove(queued.info.uid);
      this.freed(node.name, queued.info);
      return;
    }
    this.fail(queued, node, error.message);
  }

  private fail(queued: QueuedPod, node: NodeInfo, message: string): void {
    this.snapshot.forget(queued.info.uid);
    this.freed(node.name, queued.info);
    this.attempted(queued, 'error');
    this.queue.retry(queued);
    this.kick();
    this.track(this.writer.refused(queued, 'SchedulerError', message));
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

  private profileOf({ pod }: PodInfo): Profile {
    return this.profiles.get(pod.spec?.schedulerName ?? '')!;
  }

  private record({ info, attempts }: QueuedPod, placement: Placement, message?: string, nominated?: string): void {
    const time = this.options.clock.now();
    this.log.record(info, placement, { attempts, time, message, nominated });
  }
}
