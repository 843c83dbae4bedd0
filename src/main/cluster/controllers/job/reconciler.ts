import type { Job, Pod } from '@shared/k8s';
import { isDeepStrictEqual } from 'node:util';
import { timestamp, type Clock } from '../../clock';
import { findCondition, hasCondition, setCondition } from '../../client/conditions';
import { isNotFound } from '../../client/controller';
import type { EventRecorder } from '../../client/events';
import { resources, splitKey } from '../../client/resources';
import type { Informer, KubeClient, Reconciler } from '../../client/types';
import { claim, controlledBy } from '../claim';
import type { Expectations } from '../expectations';
import { isActive, isReady, isTerminating } from '../pods';
import type { PodActions } from './actions';
import { freeIndexes, indexOf } from './indexes';
import { deadlineIn, isFinishedJob, outcomeOf, type Outcome } from './outcome';
import { backOffLeft, indexBackOffLeft, isTracked, trackingFinalizer } from './pods';
import { countersOf, holdsFailures, isIndexed, succeededIn, takeTally, type Tally } from './tally';

type JobStatus = NonNullable<Job['status']>;

interface Parts {
  client: KubeClient;
  clock: Clock;
  events: EventRecorder;
  expectations: Expectations;
  jobs: Informer<Job>;
  pods: Informer<Pod>;
  actions: PodActions;
}

/** Pods asked for or taken away in one go; the rest follows when the cache has caught up. */
const burst = 500;
const lookAgainMs = 60_000;
const ownManager = 'kubernetes.io/job-controller';

/** Runs pods until as many have succeeded as the job asks for, or it has to be given up. */
export class JobReconciler implements Reconciler {
  /** The revision of the status last written, by uid: on an older one nothing may be counted on. */
  private readonly written = new Map<string, number>();

  constructor(private readonly parts: Parts) {}

  /** The job with this uid is gone. */
  forget(uid: string): void {
    this.written.delete(uid);
  }

  async reconcile(key: string): Promise<{ requeueAfterMs?: number } | void> {
    const { client, clock, expectations, jobs, pods, actions } = this.parts;
    const { namespace, name } = splitKey(key);
    const job = jobs.get(namespace, name);
    if (!job) return expectations.forget(key);
    if ((job.spec!.managedBy ?? ownManager) !== ownManager) return;
    // The event that shows our own last write brings the job back.
    if (Number(job.metadata.resourceVersion) < (this.written.get(job.metadata.uid) ?? 0)) return;
    if (job.metadata.deletionTimestamp || isFinishedJob(job)) {
      return actions.release(controlledBy(pods, job.metadata.uid));
    }
    const settled = expectations.satisfied(key);
    const before = new Set(controlledBy(pods, job.metadata.uid).map((pod) => pod.metadata.uid));
    const own = await claim({
      client,
      owner: job,
      ownerRef: resources.jobs,
      selector: job.spec!.selector,
      informer: pods,
      ref: resources.pods,
      adoptable: isActive,
    });
    await this.track(own.filter((pod) => !before.has(pod.metadata.uid)));

    const now = clock.now();
    const tally = takeTally(job, own);
    const outcome = outcomeOf(job, tally, own, now, settled);
    if (outcome?.type === 'FailureTarget') abandon(own, tally);
    let failure: unknown;
    let wait = Infinity;
    try {
      if (outcome) await this.end(job, own, outcome, settled);
      else if (settled) wait = await this.manage(job, own, tally);
    } catch (error) {
      failure = error;
    }
    const status = this.statusOf(job, own, tally, outcome, now);
    const current = await this.report(job, status);
    if (!current) return;
    await actions.release(own.filter((pod) => isTracked(pod) && mayRelease(pod, current, tally, outcome)));
    if (failure) throw failure;
    // A pod made and gone between two lists is never seen: look again, at last without it.
    if (!settled) wait = Math.min(wait, lookAgainMs);
    if (!outcome) wait = Math.min(wait, deadlineIn(current, now));
    return wait === Infinity ? undefined : { requeueAfterMs: wait };
  }

  /** Makes adopted pods count. */
  private async track(adopted: readonly Pod[]): Promise<void> {
    for (const pod of adopted) {
      if (isTracked(pod)) continue;
      const { namespace, name, uid } = pod.metadata;
      await this.parts.client.patch(
        resources.pods,
        namespace,
        name,
        { metadata: { uid, finalizers: [trackingFinalizer] } },
        { type: 'strategic' },
      );
    }
  }

  /** Nothing of an ended job runs on. What a failed one still ran has failed with it. */
  private async end(job: Job, own: readonly Pod[], { type }: Outcome, settled: boolean): Promise<void> {
    const active = own.filter(isActive);
    if (active.length && settled) await this.parts.actions.remove(job, active, type === 'FailureTarget');
  }

  /** @returns in how many ms there is more to do */
  private async manage(job: Job, own: readonly Pod[], tally: Tally): Promise<number> {
    const { actions, clock } = this.parts;
    const { completions, parallelism = 1, suspend } = job.spec!;
    const active = own.filter(isActive);
    if (suspend) {
      if (active.length) await actions.remove(job, active, false);
      return Infinity;
    }
    const succeeded = succeededIn(tally);
    let wanted: number;
    if (completions === undefined) wanted = succeeded > 0 ? active.length : parallelism;
    else wanted = Math.min(completions - succeeded - tally.failedIndexes.size, parallelism);
    const surplus = this.surplus(job, active, tally, Math.max(0, wanted));
    if (surplus.length) {
      await actions.remove(job, surplus.slice(0, burst), false);
      return Infinity;
    }
    const replacing = job.spec!.podReplacementPolicy === 'Failed';
    const terminating = replacing ? own.filter(isTerminating) : [];
    const missing = Math.min(wanted - active.length - terminating.length, burst);
    if (missing <= 0) return Infinity;
    const now = clock.now();
    const perIndex = isIndexed(job) && job.spec!.backoffLimitPerIndex !== undefined;
    const wait = perIndex ? 0 : backOffLeft(job, own, now);
    if (wait > 0) return wait;
    if (!isIndexed(job)) {
      await actions.create(job, Array<undefined>(missing).fill(undefined));
      return Infinity;
    }
    const taken = [...active, ...terminating].map((pod) => indexOf(pod, completions!)!);
    const busy = new Set([...tally.completed, ...tally.failedIndexes, ...taken]);
    if (!perIndex) {
      await actions.create(job, freeIndexes(busy, completions!, missing));
      return Infinity;
    }
    const failures = tally.failuresByIndex;
    let later = Infinity;
    for (const [index, count] of failures) {
      if (busy.has(index)) continue;
      const left = indexBackOffLeft(job, own, index, count, now);
      if (left <= 0) continue;
      busy.add(index);
      later = Math.min(later, left);
    }
    const indexes = freeIndexes(busy, completions!, missing);
    if (indexes.length) {
      await actions.create(job, indexes, new Map(indexes.map((index) => [index, failures.get(index) ?? 0])));
    }
    return later;
  }

  /** Pods too many: those whose index is done or taken twice, then those that are least far. */
  private surplus(job: Job, active: readonly Pod[], tally: Tally, wanted: number): Pod[] {
    const ranked = [...active].sort((a, b) => progress(b) - progress(a));
    if (!isIndexed(job)) return ranked.slice(wanted);
    const kept = new Map<number, Pod>();
    const needless: Pod[] = [];
    for (const pod of ranked) {
      const index = indexOf(pod, job.spec!.completions!);
      if (index === undefined || kept.has(index) || tally.completed.has(index)) needless.push(pod);
      else kept.set(index, pod);
    }
    const rest = [...kept.values()];
    return [...needless, ...rest.slice(wanted)];
  }

  private statusOf(job: Job, own: readonly Pod[], tally: Tally, outcome: Outcome | undefined, now: number): JobStatus {
    const active = own.filter(isActive);
    const terminating = own.filter(isTerminating).length;
    const { startTime } = job.status ?? {};
    const status: JobStatus = {
      ...(startTime ? { startTime } : {}),
      ...(active.length ? { active: active.length } : {}),
      ready: active.filter(isReady).length,
      terminating,
      ...countersOf(job, tally),
      conditions: [...(job.status?.conditions ?? [])],
    };
    if (!startTime && !job.spec!.suspend) status.startTime = timestamp(now);
    if (!outcome) this.noteSuspension(job, status, now);
    else {
      const { type, reason, message } = outcome;
      if (!findCondition(status.conditions, type)) set(status, { type, status: 'True', reason, message }, now);
      const counted = own.every((pod) => !isTracked(pod)) && !hasUncounted(status);
      if (counted && active.length === 0 && terminating === 0) finish(status, outcome, now);
    }
    if (!status.conditions?.length) delete status.conditions;
    return status;
  }

  private noteSuspension(job: Job, status: JobStatus, now: number): void {
    const suspended = hasCondition(status.conditions, 'Suspended');
    if (Boolean(job.spec!.suspend) === suspended) return;
    const [state, reason, message] = suspended
      ? ['False', 'JobResumed', 'Job resumed']
      : ['True', 'JobSuspended', 'Job suspended'];
    set(status, { type: 'Suspended', status: state!, reason, message }, now);
    // The time a job was held does not count towards its deadline.
    if (suspended) status.startTime = timestamp(now);
    this.parts.events.event(job, 'Normal', suspended ? 'Resumed' : 'Suspended', message!);
  }

  /** @returns the job with its status as it is now; undefined if it is gone */
  private async report(job: Job, status: JobStatus): Promise<Job | undefined> {
    if (isDeepStrictEqual({ ...job.status }, status)) return job;
    try {
      const updated = await this.parts.client.updateStatus<Job>(resources.jobs, { ...job, status });
      this.written.set(job.metadata.uid, Number(updated.metadata.resourceVersion));
      this.announce(updated);
      return updated;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Told only once the end is written, so that it is told once. */
  private announce(job: Job): void {
    const failed = findCondition(job.status?.conditions, 'Failed');
    if (failed?.status === 'True') {
      this.parts.events.event(job, 'Warning', failed.reason ?? '', failed.message ?? '');
    } else if (hasCondition(job.status?.conditions, 'Complete')) {
      this.parts.events.event(job, 'Normal', 'Completed', 'Job completed');
    }
  }
}

function set(
  status: JobStatus,
  condition: { type: string; status: string; reason?: string; message?: string },
  now: number,
): void {
  status.conditions = setCondition(status.conditions, { ...condition, lastProbeTime: timestamp(now) }, now);
}

function finish(status: JobStatus, { type, reason, message }: Outcome, now: number): void {
  const complete = type === 'SuccessCriteriaMet';
  set(status, { type: complete ? 'Complete' : 'Failed', status: 'True', reason, message }, now);
  if (complete) status.completionTime = timestamp(now);
}

/** Counts what a failed job still runs as failed. */
function abandon(own: readonly Pod[], tally: Tally): void {
  for (const pod of own) {
    const { phase } = pod.status ?? {};
    if (isTracked(pod) && phase !== 'Succeeded' && phase !== 'Failed') tally.uncounted.failed.add(pod.metadata.uid);
  }
}

const hasUncounted = (status: JobStatus): boolean =>
  Boolean(status.uncountedTerminatedPods?.succeeded?.length || status.uncountedTerminatedPods?.failed?.length);

/** How far a pod has come. */
const progress = (pod: Pod): number =>
  Number(Boolean(pod.spec?.nodeName)) + Number(pod.status?.phase === 'Running') + Number(isReady(pod));

/** Whether what a pod has to tell is in the written status, or is not asked for any more. */
function mayRelease(pod: Pod, written: Job, tally: Tally, outcome: Outcome | undefined): boolean {
  const { phase } = pod.status ?? {};
  const ended = phase === 'Succeeded' || phase === 'Failed';
  if (outcome) return true;
  if (holdsFailures(written, pod, tally)) return false;
  if (ended) return true;
  const uid = pod.metadata.uid;
  return tally.uncounted.failed.has(uid) && Boolean(written.status?.uncountedTerminatedPods?.failed?.includes(uid));
}
