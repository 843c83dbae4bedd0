import { isDeepStrictEqual } from 'node:util';
import type { ControllerRevision, Pod, StatefulSet } from '@shared/k8s';
import { isEmptySelector } from '@shared/selectors';
import type { Clock } from '../../clock';
import { isAlreadyExists, isNotFound } from '../../client/controller';
import type { EventRecorder } from '../../client/events';
import { isControlledBy } from '../../client/owners';
import { resources, splitKey } from '../../client/resources';
import type { Informer, KubeClient, Reconciler } from '../../client/types';
import { claim } from '../claim';
import type { Expectations } from '../expectations';
import { claimRevisions, currentRevision, truncateHistory } from '../revisions';
import { isNamespaceTerminating } from '../terminating';
import type { StatefulClaims } from './claims';
import { identityLabels, ordinalOf, podName, podNameLabel, revisionLabel, statefulPod } from './identity';
import { needsCurrentRevision, plan } from './plan';
import { statefulStatus } from './status';

interface Parts {
  client: KubeClient;
  clock: Clock;
  events: EventRecorder;
  expectations: Expectations;
  claims: StatefulClaims;
  statefulSets: Informer<StatefulSet>;
  revisions: Informer<ControllerRevision>;
  pods: Informer<Pod>;
}

const hashLabel = 'controller.kubernetes.io/hash';
const lookAgainMs = 60_000;

/** Keeps the pods NAME-0, NAME-1, … of a StatefulSet. */
export class StatefulSetReconciler implements Reconciler {
  constructor(private readonly parts: Parts) {}

  async reconcile(key: string): Promise<{ requeueAfterMs?: number } | void> {
    const { client, clock, expectations, statefulSets, revisions } = this.parts;
    const { namespace, name } = splitKey(key);
    const set = statefulSets.get(namespace, name);
    if (!set) return expectations.forget(key);
    if (isEmptySelector(set.spec?.selector)) return;
    const revisionParts = { client, ref: resources.statefulSets, revisions, hashLabel };
    const history = await claimRevisions(revisionParts, set);
    if (set.metadata.deletionTimestamp) return;
    const { current: update, others, collisionCount } = await currentRevision(revisionParts, set, history);
    const current = others.find((revision) => revision.metadata.name === set.status?.currentRevision) ?? update;

    // Asked before the cache is read: what arrives in between is then counted, not missed.
    const ready = expectations.satisfied(key);
    const pods = await this.claimPods(set);
    let failure: unknown;
    if (ready) {
      try {
        await this.identify(set, pods);
        await this.parts.claims.retain(set, pods);
        await this.parts.claims.restore(set, pods);
        await this.apply(key, set, pods, current, update);
        const live = new Set([current.metadata.name, ...pods.map((pod) => pod.metadata.labels?.[revisionLabel])]);
        const unused = others.filter((revision) => !live.has(revision.metadata.name));
        await truncateHistory(client, unused, set.spec?.revisionHistoryLimit ?? 10, () => false);
      } catch (error) {
        failure = error;
      }
    }
    const { status, nextMs } = statefulStatus({
      set,
      pods,
      currentRevision: current.metadata.name,
      updateRevision: update.metadata.name,
      collisionCount,
      now: clock.now(),
    });
    if (!isDeepStrictEqual(status, set.status)) await this.report(set, status);
    if (failure) throw failure;
    // A pod made and gone between two lists is never seen: look again, at last without it.
    const again = Math.min(nextMs, ready ? Infinity : lookAgainMs);
    if (again !== Infinity) return { requeueAfterMs: again };
  }

  /** The set's pods; others of its labels, whose names it would not give, are none of its. */
  private async claimPods(set: StatefulSet): Promise<Pod[]> {
    const claimed = await claim({
      client: this.parts.client,
      owner: set,
      ownerRef: resources.statefulSets,
      selector: set.spec?.selector,
      informer: this.parts.pods,
      ref: resources.pods,
      adoptable: (pod) => ordinalOf(set, pod) !== undefined,
    });
    return claimed.filter((pod) => ordinalOf(set, pod) !== undefined);
  }

  /** Gives adopted pods the labels of their place. */
  private async identify(set: StatefulSet, pods: readonly Pod[]): Promise<void> {
    const { client } = this.parts;
    for (const { metadata } of pods.filter((pod) => pod.metadata.labels?.[podNameLabel] !== pod.metadata.name)) {
      const ordinal = ordinalOf(set, { metadata } as Pod)!;
      const patch = { metadata: { uid: metadata.uid, labels: identityLabels(set, ordinal) } };
      await client.patch(resources.pods, metadata.namespace, metadata.name, patch, { type: 'merge' });
    }
  }

  private async apply(
    key: string,
    set: StatefulSet,
    pods: readonly Pod[],
    current: ControllerRevision,
    update: ControllerRevision,
  ): Promise<void> {
    const { clock, expectations } = this.parts;
    const { create, remove } = plan({ set, pods, updateRevision: update.metadata.name, now: clock.now() });
    if (create.length === 0 && remove.length === 0) return;
    expectations.expect(
      key,
      create.length,
      remove.map((pod) => pod.metadata.uid),
    );
    const results = await Promise.allSettled([
      ...create.map((ordinal) => this.create(key, set, ordinal, needsCurrentRevision(set, ordinal) ? current : update)),
      ...remove.map((pod) => this.remove(key, set, pod)),
    ]);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async create(key: string, set: StatefulSet, ordinal: number, revision: ControllerRevision): Promise<void> {
    const { client, events, expectations, claims } = this.parts;
    const name = podName(set, ordinal);
    const subject = `create Pod ${name} in StatefulSet ${set.metadata.name}`;
    try {
      await claims.ensure(set, ordinal);
      await client.create<Pod>(resources.pods, statefulPod(set, ordinal, revision));
      events.event(set, 'Normal', 'SuccessfulCreate', `${subject} successful`);
    } catch (error) {
      expectations.created(key);
      if (isNamespaceTerminating(error)) return;
      if (isAlreadyExists(error)) {
        const existing = await client.get(resources.pods, set.metadata.namespace, name);
        if (isControlledBy(existing, set)) return;
      }
      events.event(set, 'Warning', 'FailedCreate', `${subject} failed error: ${(error as Error).message}`);
      throw error;
    }
  }

  private async remove(key: string, set: StatefulSet, pod: Pod): Promise<void> {
    const { client, events, expectations } = this.parts;
    const { namespace, name, uid } = pod.metadata;
    const place = `${namespace}/${set.metadata.name}`;
    if (pod.status?.phase === 'Failed') {
      const message = `StatefulSet ${place} is recreating failed Pod ${name}`;
      events.event(set, 'Warning', 'RecreatingFailedPod', message);
    } else if (pod.status?.phase === 'Succeeded') {
      const message = `StatefulSet ${place} is recreating terminated Pod ${name}`;
      events.event(set, 'Normal', 'RecreatingTerminatedPod', message);
    }
    const subject = `delete Pod ${name} in StatefulSet ${set.metadata.name}`;
    try {
      await client.delete(resources.pods, namespace, name, { preconditions: { uid } });
      events.event(set, 'Normal', 'SuccessfulDelete', `${subject} successful`);
    } catch (error) {
      // No event of a deletion will come for what was not deleted by us.
      expectations.deleted(key, uid);
      if (isNotFound(error)) return;
      events.event(set, 'Warning', 'FailedDelete', `${subject} failed error: ${(error as Error).message}`);
      throw error;
    }
  }

  private async report(set: StatefulSet, status: StatefulSet['status']): Promise<void> {
    try {
      await this.parts.client.updateStatus(resources.statefulSets, { ...set, status });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
