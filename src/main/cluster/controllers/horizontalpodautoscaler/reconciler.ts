import { isDeepStrictEqual } from 'node:util';
import type { HorizontalPodAutoscaler, MetricStatus, Pod } from '@shared/k8s';
import { parseQuantity } from '@shared/quantity';
import { timestamp, type Clock } from '../../clock';
import { setCondition } from '../../conditions';
import { isConflict, isNotFound } from '../../client/controller';
import type { EventRecorder } from '../../client/events';
import { resources, splitKey } from '../../client/resources';
import type { Informer, KubeClient, Reconciler } from '../../client/types';
import { decide, remember, type History, type Verdict } from './limits';
import type { MetricsReader } from './metrics-reader';
import { MetricError, propose, type Situation } from './proposals';
import type { Scale, ScaleTargets } from './scale-targets';

type Status = NonNullable<HorizontalPodAutoscaler['status']>;
type Spec = NonNullable<HorizontalPodAutoscaler['spec']>;

interface Parts {
  client: KubeClient;
  clock: Clock;
  events: EventRecorder;
  /** Records what goes wrong every sync period: a recorder of its own, or the flood of it would drown the others. */
  complaints: EventRecorder;
  autoscalers: Informer<HorizontalPodAutoscaler>;
  targets: ScaleTargets;
  reader: MetricsReader;
  syncMs: number;
}

/** The tolerance of the ratio where an autoscaler names none (Kubernetes' default). */
const tolerance = 0.1;

/** Why an autoscaler got no further this time; told already. */
class Halted extends Error {}

/** Brings the replicas of what autoscalers refer to in line with their metrics, every sync period. */
export class AutoscalerReconciler implements Reconciler {
  private readonly histories = new Map<string, History>();
  /** The pods each autoscaler found last, by key: two must not share any. */
  private readonly selected = new Map<string, Set<string>>();

  constructor(private readonly parts: Parts) {}

  /** The autoscaler is gone. */
  forget(key: string): void {
    this.histories.delete(key);
    this.selected.delete(key);
  }

  async reconcile(key: string): Promise<{ requeueAfterMs?: number } | void> {
    const { autoscalers, syncMs } = this.parts;
    const { namespace, name } = splitKey(key);
    const autoscaler = autoscalers.get(namespace, name);
    if (!autoscaler || autoscaler.metadata.deletionTimestamp) return;
    const draft = new Draft(autoscaler, this.parts.clock.now());
    try {
      await this.scale(key, autoscaler, draft);
    } catch (error) {
      if (!(error instanceof Halted)) throw error;
    } finally {
      await this.report(autoscaler, draft.status);
    }
    return { requeueAfterMs: syncMs };
  }

  /** @throws Halted when there is nothing to go by */
  private async scale(key: string, autoscaler: HorizontalPodAutoscaler, draft: Draft): Promise<void> {
    const { clock, events } = this.parts;
    const { minReplicas: min = 1, maxReplicas: max } = autoscaler.spec!;
    const scale = await this.target(autoscaler, draft);
    const current = scale.specReplicas;
    const history = this.historyOf(key, current);
    draft.status.currentReplicas = current;
    draft.metrics([]);
    let desired = current;
    let reason = '';
    if (current === 0 && min !== 0) {
      draft.set('ScalingActive', {
        status: 'False',
        reason: 'ScalingDisabled',
        message: 'scaling is disabled since the replica count of the target is zero',
      });
    } else if (current > max) {
      [desired, reason] = [max, 'Current number of replicas above Spec.MaxReplicas'];
    } else if (current < min) {
      [desired, reason] = [min, 'Current number of replicas below Spec.MinReplicas'];
    } else {
      const asked = await this.ask(key, autoscaler, scale, draft);
      draft.metrics(asked.statuses);
      if (asked.replicas > current) reason = `${asked.name} above target`;
      if (asked.replicas < current) reason = 'All metrics below target';
      const at = { current, min, max, now: clock.now() };
      const { replicas, ableToScale, scalingLimited } = decide(asked.replicas, autoscaler.spec!.behavior, history, at);
      draft.set('AbleToScale', ableToScale);
      draft.set('ScalingLimited', scalingLimited);
      desired = replicas;
    }
    if (desired === current) {
      draft.status.desiredReplicas = current;
      return;
    }
    await this.rescale(autoscaler, scale, desired, reason, draft);
    events.event(autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${desired}; reason: ${reason}`);
    remember(history, current, desired, clock.now());
    draft.status.desiredReplicas = desired;
    draft.status.lastScaleTime = timestamp(clock.now());
  }

  private async target(autoscaler: HorizontalPodAutoscaler, draft: Draft): Promise<Scale> {
    const { targets, complaints } = this.parts;
    try {
      const scale = await targets.get(autoscaler.metadata.namespace!, autoscaler.spec!.scaleTargetRef);
      const message = "the HPA controller was able to get the target's current scale";
      draft.set('AbleToScale', { status: 'True', reason: 'SucceededGetScale', message });
      return scale;
    } catch (error) {
      const { message } = error as Error;
      complaints.event(autoscaler, 'Warning', 'FailedGetScale', message);
      draft.set('AbleToScale', {
        status: 'False',
        reason: 'FailedGetScale',
        message: `the HPA controller was unable to get the target's current scale: ${message}`,
      });
      throw new Halted();
    }
  }

  private async rescale(
    autoscaler: HorizontalPodAutoscaler,
    scale: Scale,
    desired: number,
    reason: string,
    draft: Draft,
  ): Promise<void> {
    const { targets, complaints } = this.parts;
    try {
      await targets.set(scale, desired);
    } catch (error) {
      // Changed since it was read: looked at again at once.
      if (isConflict(error)) throw error;
      const { message } = error as Error;
      const text = `New size: ${desired}; reason: ${reason}; error: ${message}`;
      complaints.event(autoscaler, 'Warning', 'FailedRescale', text);
      draft.set('AbleToScale', {
        status: 'False',
        reason: 'FailedUpdateScale',
        message: `the HPA controller was unable to update the target scale: ${message}`,
      });
      throw new Halted();
    }
    draft.set('AbleToScale', {
      status: 'True',
      reason: 'SucceededRescale',
      message: `the HPA controller was able to update the target scale to ${desired}`,
    });
  }

  /** What the metrics ask for: the most of all. */
  private async ask(key: string, autoscaler: HorizontalPodAutoscaler, scale: Scale, draft: Draft) {
    const { complaints, reader, targets, clock } = this.parts;
    const pods = await this.select(key, autoscaler, scale, draft);
    const { metrics = [], behavior } = autoscaler.spec!;
    const situation: Situation = {
      namespace: autoscaler.metadata.namespace!,
      selector: scale.selector,
      pods,
      specReplicas: scale.specReplicas,
      statusReplicas: scale.statusReplicas,
      tolerances: tolerancesOf(behavior),
      now: clock.now(),
    };
    const faults: MetricError[] = [];
    const statuses: MetricStatus[] = [];
    let most: { replicas: number; name: string } | undefined;
    for (const spec of metrics) {
      try {
        const proposal = await propose(reader, (version, kind) => targets.resourceOf(version, kind), spec, situation);
        statuses.push(proposal.status);
        if (!most || proposal.replicas > most.replicas) most = proposal;
      } catch (error) {
        if (!(error instanceof MetricError)) throw error;
        complaints.event(autoscaler, 'Warning', error.reason, error.said);
        faults.push(error);
        statuses.push({ type: '' });
      }
    }
    const [first] = faults;
    // With a metric missing it may be right to scale up, never down.
    if (!most || (first && most.replicas < scale.specReplicas)) {
      draft.set('ScalingActive', {
        status: 'False',
        reason: first!.reason,
        message: `the HPA was unable to compute the replica count: ${first!.said}`,
      });
      draft.metrics(statuses);
      const message = `invalid metrics (${faults.length} invalid out of ${metrics.length}), first error is: ${first!.message}`;
      complaints.event(autoscaler, 'Warning', 'FailedComputeMetricsReplicas', message);
      throw new Halted();
    }
    draft.set('ScalingActive', {
      status: 'True',
      reason: 'ValidMetricFound',
      message: `the HPA was able to successfully calculate a replica count from ${most.name}`,
    });
    return { ...most, statuses };
  }

  /** The target's pods. @throws Halted when they cannot be told, or another autoscaler has some of them */
  private async select(
    key: string,
    autoscaler: HorizontalPodAutoscaler,
    { selector }: Scale,
    draft: Draft,
  ): Promise<Pod[]> {
    const { autoscalers, client, complaints } = this.parts;
    const { namespace } = autoscaler.metadata;
    const halt = (event: string, reason: string, said: string, message = said): never => {
      complaints.event(autoscaler, 'Warning', event, said);
      draft.set('ScalingActive', { status: 'False', reason, message });
      complaints.event(autoscaler, 'Warning', 'FailedComputeMetricsReplicas', said);
      throw new Halted();
    };
    if (!selector) {
      const message = "the HPA target's scale is missing a selector";
      return halt('SelectorRequired', 'InvalidSelector', 'selector is required', message);
    }
    let pods: Pod[];
    try {
      pods = (await client.list(resources.pods, namespace, { labelSelector: selector })).items;
    } catch (error) {
      const { message } = error as Error;
      const said = `couldn't convert selector into a corresponding internal selector object: ${message}`;
      return halt('InvalidSelector', 'InvalidSelector', said);
    }
    const uids = new Set(pods.map(({ metadata }) => metadata.uid));
    // Gone while its pods were asked for, it must stand in no other's way.
    if (autoscalers.get(namespace, autoscaler.metadata.name)?.metadata.uid !== autoscaler.metadata.uid)
      throw new Halted();
    this.selected.set(key, uids);
    const sharing = [...this.selected].filter(
      ([other, theirs]) => other === key || (other.startsWith(`${namespace}/`) && overlap(uids, theirs)),
    );
    if (sharing.length > 1) {
      const names = sharing.map(([other]) => other).sort();
      const said = `pods by selector ${selector} are controlled by multiple HPAs: [${names.join(' ')}]`;
      return halt('AmbiguousSelector', 'AmbiguousSelector', said);
    }
    return pods;
  }

  private historyOf(key: string, current: number): History {
    let history = this.histories.get(key);
    if (!history) {
      const first = { replicas: current, time: this.parts.clock.now() };
      this.histories.set(key, (history = { recommendations: [first], ups: [], downs: [] }));
    }
    return history;
  }

  private async report(autoscaler: HorizontalPodAutoscaler, status: Status): Promise<void> {
    if (isDeepStrictEqual(autoscaler.status, status)) return;
    const { client } = this.parts;
    const { namespace, name } = autoscaler.metadata;
    const ref = resources.horizontalPodAutoscalers;
    try {
      await client.updateStatus(ref, { ...autoscaler, status });
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error)) throw error;
      // Somebody changed what is wanted; what was done stays true.
      const now = await client.get(ref, namespace, name);
      if (now.metadata.uid === autoscaler.metadata.uid) await client.updateStatus(ref, { ...now, status });
    }
  }
}

/** The status of an autoscaler while it is worked out. */
class Draft {
  readonly status: Status;

  constructor(
    { status }: HorizontalPodAutoscaler,
    private readonly now: number,
  ) {
    this.status = { desiredReplicas: 0, ...structuredClone(status) } as Status;
  }

  set(type: string, verdict: Verdict): void {
    this.status.conditions = setCondition(this.status.conditions, { type, ...verdict }, this.now);
  }

  metrics(seen: MetricStatus[]): void {
    if (seen.length) this.status.currentMetrics = seen;
    else delete this.status.currentMetrics;
  }
}

const tolerancesOf = (behavior: Spec['behavior']) => ({
  up: behavior?.scaleUp?.tolerance === undefined ? tolerance : parseQuantity(behavior.scaleUp.tolerance),
  down: behavior?.scaleDown?.tolerance === undefined ? tolerance : parseQuantity(behavior.scaleDown.tolerance),
});

function overlap(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  for (const one of some) if (others.has(one)) return true;
  return false;
}
