import type { Pod } from '@shared/k8s';
import { podRequests } from '@shared/pod-resources';
import type { EventRecorder } from '../client/events';
import { isCritical, type Admission, type Refusal, type Shortage } from './admission';
import type { PodFailure } from './pod-status';
import { qosClass } from './qos';

/** How much of each resource is to become free: cpu in millis, the others in whole units. */
type Requirements = ReadonlyMap<string, number>;

export interface PreemptionOptions {
  admission: Admission;
  recorder: EventRecorder;
  /** The pods that the node looks after and that are neither over nor leaving. */
  pods(): Pod[];
  fail(uid: string, failure: PodFailure): void;
  /** Nothing of a pod runs any more. */
  hasEnded(uid: string): boolean;
}

const requestOf = (pod: Pod, resource: string): number =>
  resource === 'pods' ? 1 : (podRequests(pod.spec)[resource] ?? 0);

/** What is still missing once the pods are gone. */
function without(requirements: Requirements, pods: readonly Pod[]): Requirements {
  const left = new Map<string, number>();
  for (const [resource, quantity] of requirements) {
    const missing = pods.reduce((sum, pod) => sum - requestOf(pod, resource), quantity);
    if (missing > 0) left.set(resource, missing);
  }
  return left;
}

/** How far a pod alone is from what is required: 0 when it has it all. */
function distance(requirements: Requirements, pod: Pod): number {
  let sum = 0;
  for (const [resource, quantity] of requirements)
    sum += (Math.max(0, quantity - requestOf(pod, resource)) / quantity) ** 2;
  return sum;
}

/** Of pods that serve equally, the one that asks for less memory, then for less cpu, goes. */
const asksLess = (a: Pod, b: Pod): number =>
  requestOf(a, 'memory') - requestOf(b, 'memory') || requestOf(a, 'cpu') - requestOf(b, 'cpu');

/** The nearest pod first, until nothing is missing. The pods together are enough. */
function nearest(pods: readonly Pod[], requirements: Requirements): Pod[] {
  const chosen: Pod[] = [];
  let missing = requirements;
  while (missing.size > 0) {
    const left = pods.filter((pod) => !chosen.includes(pod));
    const [best] = left.toSorted((a, b) => distance(missing, a) - distance(missing, b) || asksLess(a, b));
    if (!best) break;
    chosen.push(best);
    missing = without(missing, [best]);
  }
  return chosen;
}

/** Whether a pod may be ended for another: a critical one for none but a more important critical one. */
const yields = (pod: Pod, preemptor: Pod): boolean =>
  (isCritical(preemptor) && !isCritical(pod)) || (preemptor.spec!.priority ?? 0) > (pod.spec!.priority ?? 0);

/**
 * The pods that have to go for a critical one, in Kubernetes' order: as few Guaranteed ones as possible, then as few
 * Burstable, then BestEffort ones. Where all of them together are not enough, what is missing even then.
 */
export function podsToPreempt(
  preemptor: Pod,
  pods: readonly Pod[],
  requirements: Requirements,
): { chosen: Pod[] } | { missing: Requirements } {
  const candidates = pods.filter((pod) => yields(pod, preemptor));
  const missing = without(requirements, candidates);
  if (missing.size > 0) return { missing };
  const of = (qos: string): Pod[] => candidates.filter((pod) => qosClass(pod) === qos);
  const [bestEffort, burstable, guaranteed] = [of('BestEffort'), of('Burstable'), of('Guaranteed')];
  const first = nearest(guaranteed, without(requirements, [...bestEffort, ...burstable]));
  const second = nearest(burstable, without(requirements, [...bestEffort, ...first]));
  const third = nearest(bestEffort, without(requirements, [...second, ...first]));
  return { chosen: [...third, ...second, ...first] };
}

const message = 'Preempted in order to admit critical pod';

/** Admits pods; a critical one that lacks room gets that of others, who are ended for it. */
export class Preemption {
  /** By uid of a critical pod, whom it waits for. */
  private readonly leaving = new Map<string, string[]>();

  constructor(private readonly options: PreemptionOptions) {}

  /** Takes a pod and counts it, or says why not. `waiting`: not yet, others have to end first. */
  admit(pod: Pod): Refusal | 'waiting' | undefined {
    const { uid } = pod.metadata;
    const { admission, hasEnded } = this.options;
    if (this.leaving.get(uid)?.some((one) => !hasEnded(one))) return 'waiting';
    this.leaving.delete(uid);
    const refusal = admission.admit(pod);
    return refusal?.shortages && isCritical(pod) ? this.makeRoom(pod, refusal.shortages) : refusal;
  }

  /** A pod is gone: nobody has to end for it any more. */
  forget(uid: string): void {
    this.leaving.delete(uid);
  }

  private makeRoom(pod: Pod, shortages: readonly Shortage[]): Refusal | 'waiting' {
    const { pods, recorder, fail } = this.options;
    const requirements = new Map(
      shortages.map(({ resource, requested, used, capacity }) => [resource, requested - (capacity - used)]),
    );
    const found = podsToPreempt(pod, pods(), requirements);
    if ('missing' in found) {
      const missing = [...found.missing].map(([resource, quantity]) => `(res: ${resource}, q: ${quantity}), `).join('');
      return {
        reason: 'UnexpectedAdmissionError',
        message: `Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [${missing}]`,
      };
    }
    this.leaving.set(
      pod.metadata.uid,
      found.chosen.map(({ metadata }) => metadata.uid),
    );
    for (const victim of found.chosen) {
      recorder.event(victim, 'Warning', 'Preempting', message);
      fail(victim.metadata.uid, {
        reason: 'Preempting',
        message,
        disruption: {
          reason: 'TerminationByKubelet',
          message: 'Pod was preempted by Kubelet to accommodate a critical pod.',
        },
      });
    }
    return 'waiting';
  }
}
