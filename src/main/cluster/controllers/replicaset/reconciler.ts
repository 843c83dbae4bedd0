import type { Pod, ReplicaSet } from '@shared/k8s';
import { matchesLabels } from '@shared/selectors';
import type { Clock } from '../../clock';
import { findCondition, removeCondition, setCondition } from '../../client/conditions';
import { isNotFound } from '../../client/controller';
import type { EventRecorder } from '../../client/events';
import { controllerOf, controllerRef } from '../../client/owners';
import { resources, splitKey } from '../../client/resources';
import type { Informer, KubeClient, Reconciler } from '../../client/types';
import { claim, controlledBy } from '../claim';
import type { Expectations } from '../expectations';
import { PodControl } from '../pod-control';
import { availableIn, isActive, isReady, isTerminating } from '../pods';
import type { ReplicaKind } from './kinds';
import { rankForDeletion } from './ranking';

type ReplicaSetStatus = NonNullable<ReplicaSet['status']>;

interface Parts {
  kind: ReplicaKind;
  client: KubeClient;
  clock: Clock;
  events: EventRecorder;
  expectations: Expectations;
  replicaSets: Informer<ReplicaSet>;
  pods: Informer<Pod>;
}

/** Pods asked for or taken away in one go; the rest follows when the cache has caught up. */
const burst = 1000;
const lookAgainMs = 60_000;

/** Keeps as many pods of a template as a ReplicaSet asks for. */
export class ReplicaSetReconciler implements Reconciler {
  private readonly control: PodControl;

  constructor(private readonly parts: Parts) {
    this.control = new PodControl(parts);
  }

  async reconcile(key: string): Promise<{ requeueAfterMs?: number } | void> {
    const { kind, client, clock, expectations, replicaSets, pods } = this.parts;
    const { namespace, name } = splitKey(key);
    const set = replicaSets.get(namespace, name);
    if (!set) return expectations.forget(key);
    // Asked before the cache is read: what arrives in between is then counted, not missed.
    const ready = expectations.satisfied(key);
    const claimed = await claim({
      client,
      owner: set,
      ownerRef: kind.ref,
      selector: kind.selectorOf(set),
      informer: pods,
      ref: resources.pods,
      adoptable: isActive,
    });
    const active = claimed.filter(isActive);
    let failure: unknown;
    if (ready && !set.metadata.deletionTimestamp) {
      try {
        await this.manage(key, set, active);
      } catch (error) {
        failure = error;
      }
    }
    await this.report(set, active, claimed.filter(isTerminating).length, failure);
    if (failure) throw failure;
    // A pod made and gone between two lists is never seen: look again, at last without it.
    if (!ready) return { requeueAfterMs: lookAgainMs };
    return this.nextAvailable(set, active, clock.now());
  }

  private async manage(key: string, set: ReplicaSet, active: readonly Pod[]): Promise<void> {
    const missing = (set.spec?.replicas ?? 1) - active.length;
    if (missing > 0) await this.grow(key, set, Math.min(missing, burst));
    else if (missing < 0) await this.shrink(key, set, active, Math.min(-missing, burst));
  }

  private async grow(key: string, set: ReplicaSet, count: number): Promise<void> {
    const { kind } = this.parts;
    const { metadata, spec } = set.spec!.template!;
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        generateName: `${set.metadata.name}-`,
        namespace: set.metadata.namespace,
        labels: metadata?.labels,
        annotations: metadata?.annotations,
        finalizers: metadata?.finalizers,
        ownerReferences: [controllerRef(kind.ref, set)],
      },
      spec,
    };
    await this.control.apply(key, set, { create: Array.from({ length: count }, () => pod) });
  }

  private async shrink(key: string, set: ReplicaSet, active: readonly Pod[], count: number): Promise<void> {
    const doomed = count < active.length ? this.rank(set, active).slice(0, count) : [...active];
    await this.control.apply(key, set, { remove: doomed });
  }

  private rank(set: ReplicaSet, active: readonly Pod[]): Pod[] {
    const crowds = new Map<string, number>();
    for (const pod of this.related(set)) {
      if (isActive(pod) && pod.spec?.nodeName) crowds.set(pod.spec.nodeName, (crowds.get(pod.spec.nodeName) ?? 0) + 1);
    }
    const candidates = active.map((pod) => ({ pod, crowd: crowds.get(pod.spec?.nodeName ?? '') ?? 0 }));
    return rankForDeletion(candidates, this.parts.clock.now());
  }

  /** The pods of all ReplicaSets of the same owner. */
  private related(set: ReplicaSet): Pod[] {
    const { replicaSets, pods } = this.parts;
    const owner = controllerOf(set);
    const sets = owner ? controlledBy(replicaSets, owner.uid) : [set];
    return sets.flatMap(({ metadata: { uid } }) => controlledBy(pods, uid));
  }

  private async report(
    set: ReplicaSet,
    active: readonly Pod[],
    terminatingReplicas: number,
    failure: unknown,
  ): Promise<void> {
    const now = this.parts.clock.now();
    const old: Partial<ReplicaSetStatus> = set.status ?? {};
    const labels = set.spec?.template?.metadata?.labels;
    const minReadySeconds = set.spec?.minReadySeconds ?? 0;
    const next: ReplicaSetStatus = {
      replicas: active.length,
      fullyLabeledReplicas: active.filter((pod) => matchesLabels(labels, pod.metadata.labels)).length,
      readyReplicas: active.filter(isReady).length,
      availableReplicas: active.filter((pod) => availableIn(pod, minReadySeconds, now) === 0).length,
      ...(this.parts.kind.countsTerminating ? { terminatingReplicas } : {}),
      observedGeneration: set.metadata.generation,
      conditions: this.conditions(set, active.length, failure, now),
    };
    const same =
      old.replicas === next.replicas &&
      (old.fullyLabeledReplicas ?? 0) === next.fullyLabeledReplicas &&
      (old.readyReplicas ?? 0) === next.readyReplicas &&
      (old.availableReplicas ?? 0) === next.availableReplicas &&
      old.terminatingReplicas === next.terminatingReplicas &&
      old.observedGeneration === next.observedGeneration &&
      JSON.stringify(old.conditions ?? []) === JSON.stringify(next.conditions);
    if (same) return;
    try {
      await this.parts.client.updateStatus(this.parts.kind.ref, { ...set, status: withoutZeros(next) });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  private conditions(
    set: ReplicaSet,
    count: number,
    failure: unknown,
    now: number,
  ): NonNullable<ReplicaSetStatus['conditions']> {
    const conditions = set.status?.conditions;
    if (!failure) return removeCondition(conditions, 'ReplicaFailure');
    if (findCondition(conditions, 'ReplicaFailure')) return conditions!;
    const reason = count < (set.spec?.replicas ?? 1) ? 'FailedCreate' : 'FailedDelete';
    const message = failure instanceof Error ? failure.message : String(failure);
    return setCondition(conditions, { type: 'ReplicaFailure', status: 'True', reason, message }, now);
  }

  /** Readiness that has to last (minReadySeconds) changes the status without any event. */
  private nextAvailable(set: ReplicaSet, active: readonly Pod[], now: number): { requeueAfterMs: number } | void {
    const minReadySeconds = set.spec?.minReadySeconds ?? 0;
    if (!minReadySeconds) return;
    let next = Infinity;
    for (const pod of active) {
      const wait = availableIn(pod, minReadySeconds, now);
      if (wait > 0) next = Math.min(next, wait);
    }
    if (next !== Infinity) return { requeueAfterMs: next };
  }
}

/** Kubernetes leaves zeros and empty lists out, except `replicas` and `terminatingReplicas`. */
function withoutZeros(status: ReplicaSetStatus): ReplicaSetStatus {
  const { replicas, terminatingReplicas, conditions, ...rest } = status;
  const set = Object.fromEntries(Object.entries(rest).filter(([, value]) => value));
  const terminating = terminatingReplicas === undefined ? {} : { terminatingReplicas };
  return { replicas, ...terminating, ...set, ...(conditions?.length ? { conditions } : {}) };
}
