import { isDeepStrictEqual } from 'node:util';
import type { ControllerRevision, DaemonSet, Node, Pod } from '@shared/k8s';
import { isEmptySelector } from '@shared/selectors';
import type { Clock } from '../../clock';
import { isNotFound } from '../../client/controller';
import type { EventRecorder } from '../../client/events';
import { resources, splitKey } from '../../client/resources';
import type { Informer, KubeClient, Reconciler } from '../../client/types';
import { claim } from '../claim';
import type { Expectations } from '../expectations';
import { PodControl } from '../pod-control';
import { availableIn, isReady } from '../pods';
import { claimRevisions, currentRevision, truncateHistory } from '../revisions';
import type { FailedPodsBackoff } from './failed-pods';
import { daemonPod, eligibility, hashLabel, podsByNode, targetNode } from './nodes';
import { mayExceed, rollingStep } from './rolling';
import { daemonStatus } from './status';

interface Parts {
  client: KubeClient;
  clock: Clock;
  events: EventRecorder;
  expectations: Expectations;
  backoff: FailedPodsBackoff;
  daemonSets: Informer<DaemonSet>;
  revisions: Informer<ControllerRevision>;
  nodes: Informer<Node>;
  pods: Informer<Pod>;
}

interface Changes {
  /** The nodes that get a pod. */
  create: string[];
  remove: Pod[];
}

/** Pods made or deleted in one go; the rest follows when the cache has caught up. */
const burst = 250;
const lookAgainMs = 60_000;

/** Keeps one pod of a DaemonSet on every node that is eligible. */
export class DaemonSetReconciler implements Reconciler {
  private readonly control: PodControl;

  constructor(private readonly parts: Parts) {
    this.control = new PodControl(parts);
  }

  async reconcile(key: string): Promise<{ requeueAfterMs?: number } | void> {
    const { client, clock, events, expectations, daemonSets, nodes } = this.parts;
    const { namespace, name } = splitKey(key);
    const set = daemonSets.get(namespace, name);
    if (!set) return expectations.forget(key);
    if (isEmptySelector(set.spec?.selector)) {
      const message = 'This daemon set is selecting all pods. A non-empty selector is required.';
      return events.event(set, 'Warning', 'SelectingAll', message);
    }
    if (set.metadata.deletionTimestamp) return;
    const revisionParts = { client, ref: resources.daemonSets, revisions: this.parts.revisions, hashLabel };
    const history = await claimRevisions(revisionParts, set);
    const { current, others, collisionCount } = await currentRevision(revisionParts, set, history);
    const hash = current.metadata.labels![hashLabel]!;

    // Asked before the cache is read: what arrives in between is then counted, not missed.
    const ready = expectations.satisfied(key);
    const pods = await this.claimPods(set);
    const byNode = podsByNode(pods);
    const allNodes = nodes.list();
    let failure: unknown;
    let waitMs = Infinity;
    if (ready) {
      try {
        const { changes, retryMs } = this.missingAndSurplus(set, allNodes, pods, byNode, hash);
        waitMs = retryMs;
        if (changes.create.length || changes.remove.length) await this.apply(key, set, changes, hash);
        else if (set.spec?.updateStrategy?.type !== 'OnDelete') {
          const desired = new Set(
            allNodes.filter((node) => eligibility(set, node).shouldRun).map((node) => node.metadata.name),
          );
          await this.apply(key, set, rollingStep({ set, desired, byNode, hash, now: clock.now() }), hash);
        }
        const live = new Set(pods.map((pod) => pod.metadata.labels?.[hashLabel]));
        const inUse = (revision: ControllerRevision) => live.has(revision.metadata.labels?.[hashLabel]);
        await truncateHistory(client, others, set.spec?.revisionHistoryLimit ?? 10, inUse);
      } catch (error) {
        failure = error;
      }
    }
    const { status, nextMs } = daemonStatus(set, allNodes, byNode, hash, collisionCount, clock.now());
    if (!isDeepStrictEqual(status, set.status)) await this.report(set, status);
    if (failure) throw failure;
    // A pod made and gone between two lists is never seen: look again, at last without it.
    const again = Math.min(nextMs, waitMs, ready ? Infinity : lookAgainMs);
    if (again !== Infinity) return { requeueAfterMs: again };
  }

  private claimPods(set: DaemonSet): Promise<Pod[]> {
    return claim({
      client: this.parts.client,
      owner: set,
      ownerRef: resources.daemonSets,
      selector: set.spec?.selector,
      informer: this.parts.pods,
      ref: resources.pods,
    });
  }

  /** What every node lacks and has too much of. @returns also when a failed pod may be replaced, in ms */
  private missingAndSurplus(
    set: DaemonSet,
    nodes: readonly Node[],
    pods: readonly Pod[],
    byNode: ReadonlyMap<string, Pod[]>,
    hash: string,
  ): { changes: Changes; retryMs: number } {
    const changes: Changes = { create: [], remove: [] };
    let retryMs = Infinity;
    for (const node of nodes) {
      const { name } = node.metadata;
      const there = byNode.get(name) ?? [];
      const { shouldRun, mayStay } = eligibility(set, node);
      if (!mayStay) changes.remove.push(...there.filter((pod) => !pod.metadata.deletionTimestamp));
      else if (there.length === 0) {
        if (shouldRun) changes.create.push(name);
      } else {
        const { running, ended, waitMs } = this.sort(set, name, there);
        retryMs = Math.min(retryMs, waitMs);
        changes.remove.push(...ended);
        if (!mayExceed(set)) changes.remove.push(...running.slice(1));
        // A failed pod that waits for its replacement holds the place.
        else if (running.length === 0) {
          if (shouldRun && waitMs === Infinity && ended.length === 0) changes.create.push(name);
        } else changes.remove.push(...this.surplus(set, running, hash));
      }
    }
    // The scheduler can bind these no more.
    const lost = (pod: Pod) => !pod.spec?.nodeName && !this.parts.nodes.get(undefined, targetNode(pod) ?? '');
    changes.remove.push(...pods.filter((pod) => !pod.metadata.deletionTimestamp && lost(pod)));
    return { changes, retryMs };
  }

  /** The pods of a node that run, and the ended ones to delete; failed ones wait for their back-off. */
  private sort(set: DaemonSet, node: string, there: readonly Pod[]) {
    const { backoff, events } = this.parts;
    const running: Pod[] = [];
    const ended: Pod[] = [];
    let waitMs = Infinity;
    for (const pod of there) {
      const { namespace, name, deletionTimestamp } = pod.metadata;
      if (deletionTimestamp) continue;
      if (pod.status?.phase === 'Failed') {
        const remaining = backoff.remaining(set.metadata.uid, node);
        if (remaining > 0) {
          waitMs = Math.min(waitMs, remaining);
          continue;
        }
        backoff.replaced(set.metadata.uid, node);
        const message = `Found failed daemon pod ${namespace}/${name} on node ${node}, will try to kill it`;
        events.event(set, 'Warning', 'FailedDaemonPod', message);
        ended.push(pod);
      } else if (pod.status?.phase === 'Succeeded') {
        const message = `Found succeeded daemon pod ${namespace}/${name} on node ${node}, will try to delete it`;
        events.event(set, 'Normal', 'SucceededDaemonPod', message);
        ended.push(pod);
      } else running.push(pod);
    }
    return { running, ended, waitMs };
  }

  /** While a node surges it has one old pod that is ready and one new pod that is not available yet; no more. */
  private surplus(set: DaemonSet, running: readonly Pod[], hash: string): Pod[] {
    if (running.length <= 1) return [];
    const updated = running.filter((pod) => pod.metadata.labels?.[hashLabel] === hash);
    const old = running.filter((pod) => pod.metadata.labels?.[hashLabel] !== hash);
    const remove = [...updated.slice(1), ...old.slice(1)];
    if (updated[0] && old[0]) {
      const available = availableIn(updated[0], set.spec?.minReadySeconds ?? 0, this.parts.clock.now()) === 0;
      if (available || !isReady(old[0])) remove.push(old[0]);
    }
    return remove;
  }

  private async apply(key: string, set: DaemonSet, changes: Changes, hash: string): Promise<void> {
    const create = changes.create.slice(0, burst).map((node) => daemonPod(set, node, hash));
    await this.control.apply(key, set, { create, remove: changes.remove.slice(0, burst) });
  }

  private async report(set: DaemonSet, status: DaemonSet['status']): Promise<void> {
    try {
      await this.parts.client.updateStatus(resources.daemonSets, { ...set, status });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
