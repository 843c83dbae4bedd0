/** How many replicas a metric asks for. Pure; values are in thousandths of the metric's unit. */
import type { Pod } from '@shared/k8s';
import { parseCpuMillis } from '@shared/quantity';
import { findCondition } from '../../conditions';
import type { PodMetrics } from './metrics-reader';

/** By how much a ratio may miss 1 before anything is done, for each direction. */
export interface Tolerances {
  up: number;
  down: number;
}

/** Samples of a pod this young count only if it was ready all through them (Kubernetes' default). */
const cpuInitializationMs = 300_000;
/** A pod that was not ready this long after its start has not been ready yet (Kubernetes' default). */
const initialReadinessMs = 30_000;

export interface PodGroups {
  ready: number;
  /** They run, but what they use says nothing yet. */
  unready: Set<string>;
  /** They should have a sample and have none. */
  missing: Set<string>;
  /** They are going away. */
  ignored: Set<string>;
}

/** @param now in ms */
export function groupPods(pods: readonly Pod[], metrics: PodMetrics, resource: string, now: number): PodGroups {
  const groups: PodGroups = { ready: 0, unready: new Set(), missing: new Set(), ignored: new Set() };
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    const phase = pod.status?.phase ?? 'Pending';
    if (deletionTimestamp || phase === 'Failed') groups.ignored.add(name);
    else if (phase === 'Pending') groups.unready.add(name);
    else if (!metrics.has(name)) groups.missing.add(name);
    else if (resource === 'cpu' && !settled(pod, metrics, now)) groups.unready.add(name);
    else groups.ready++;
  }
  return groups;
}

/** Whether a pod's CPU usage is that of its work and not of its start. */
function settled(pod: Pod, metrics: PodMetrics, now: number): boolean {
  const condition = findCondition(pod.status?.conditions, 'Ready');
  const { startTime } = pod.status!;
  if (!condition || !startTime) return false;
  const started = Date.parse(startTime);
  const since = condition.lastTransitionTime ? Date.parse(condition.lastTransitionTime) : 0;
  if (started + cpuInitializationMs > now) {
    const { time, windowMs } = metrics.get(pod.metadata.name)!;
    return condition.status !== 'False' && time >= since + windowMs;
  }
  return !(condition.status === 'False' && started + initialReadinessMs > since);
}

export interface Usage {
  /** Used over wanted. */
  ratio: number;
  /** Per pod, on average. */
  average: number;
  /** Percent of what was requested. */
  utilization?: number;
}

/** What pods use against what they asked for. @throws Error when no pod with a request is among the metrics */
export function utilizationOf(metrics: PodMetrics, requests: ReadonlyMap<string, number>, percent: number): Usage {
  let used = 0;
  let requested = 0;
  let count = 0;
  for (const [name, { value }] of metrics) {
    const request = requests.get(name);
    if (request === undefined) continue;
    used += value;
    requested += request;
    count++;
  }
  if (requested === 0) throw new Error('no metrics returned matched known pods');
  const utilization = Math.trunc((used * 100) / requested);
  return { ratio: utilization / percent, utilization, average: Math.trunc(used / count) };
}

export function averageOf(metrics: PodMetrics, target: number): Usage {
  let used = 0;
  for (const { value } of metrics.values()) used += value;
  const average = Math.trunc(used / metrics.size);
  return { ratio: average / target, average };
}

export const isWithin = (ratio: number, { up, down }: Tolerances): boolean => 1 - down <= ratio && ratio <= 1 + up;

export interface PerPod {
  current: number;
  metrics: PodMetrics;
  groups: PodGroups;
  tolerances: Tolerances;
  measure(metrics: PodMetrics): Usage;
  /** What a pod without a sample is taken to use where that would scale down. */
  assumed(pod: string): number;
}

/**
 * The replicas a metric per pod asks for. Pods whose usage is not known are taken to use nothing where
 * that would scale up and what they should where it would scale down, so that they only dampen.
 * @throws Error when no pod has a usable sample
 */
export function perPodReplicas(from: PerPod): { replicas: number; usage: Usage } {
  const { current, groups, tolerances, measure } = from;
  const metrics = new Map(from.metrics);
  for (const name of [...groups.ignored, ...groups.unready]) metrics.delete(name);
  if (metrics.size === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  const usage = measure(metrics);
  const upWithUnready = groups.unready.size > 0 && usage.ratio > 1;
  if (!upWithUnready && groups.missing.size === 0) {
    const replicas = isWithin(usage.ratio, tolerances) ? current : Math.ceil(usage.ratio * groups.ready);
    return { replicas, usage };
  }
  const assume = (name: string, value: number) => metrics.set(name, { value, time: 0, windowMs: 0 });
  if (usage.ratio < 1) for (const name of groups.missing) assume(name, from.assumed(name));
  else if (usage.ratio > 1) for (const name of groups.missing) assume(name, 0);
  if (upWithUnready) for (const name of groups.unready) assume(name, 0);
  const { ratio } = measure(metrics);
  const turned = (usage.ratio < 1 && ratio > 1) || (usage.ratio > 1 && ratio < 1);
  if (isWithin(ratio, tolerances) || turned) return { replicas: current, usage };
  const replicas = Math.ceil(ratio * metrics.size);
  const against = (ratio < 1 && replicas > current) || (ratio > 1 && replicas < current);
  return { replicas: against ? current : replicas, usage };
}

/**
 * What each pod asked for of a resource, by pod. @throws Error when a container asked for none
 * @param container counts this one alone
 */
export function requestsOf(pods: readonly Pod[], resource: string, container?: string): Map<string, number> {
  const requests = new Map<string, number>();
  for (const { metadata, spec } of pods) {
    const whole = spec!.resources?.requests?.[resource];
    if (container === undefined && whole !== undefined) {
      requests.set(metadata.name, parseCpuMillis(whole));
      continue;
    }
    const sidecars = (spec!.initContainers ?? []).filter((one) => one.restartPolicy === 'Always');
    let sum = 0;
    for (const one of [...spec!.containers, ...sidecars]) {
      if (container !== undefined && one.name !== container) continue;
      const request = one.resources?.requests?.[resource];
      if (request === undefined) {
        throw new Error(`missing request for ${resource} in container ${one.name} of Pod ${metadata.name}`);
      }
      sum += parseCpuMillis(request);
    }
    requests.set(metadata.name, sum);
  }
  return requests;
}

const isReady = (pod: Pod): boolean =>
  pod.status?.phase === 'Running' && findCondition(pod.status.conditions, 'Ready')?.status === 'True';

/** The replicas a metric of the whole asks for. @throws Error when there are no pods to multiply */
export function wholeReplicas(current: number, ratio: number, tolerances: Tolerances, pods: readonly Pod[]): number {
  // From nothing there is nothing to multiply.
  if (current === 0) return Math.ceil(ratio);
  if (isWithin(ratio, tolerances)) return current;
  if (pods.length === 0) {
    throw new Error('unable to calculate ready pods: no pods returned by selector while calculating replica count');
  }
  return Math.ceil(ratio * pods.filter(isReady).length);
}

/** The replicas among which a metric of the whole is to be shared. @param usage of the whole */
export function sharedReplicas(current: number, usage: number, target: number, tolerances: Tolerances): number {
  const ratio = current === 0 ? Infinity : usage / (target * current);
  return isWithin(ratio, tolerances) ? current : Math.ceil(usage / target);
}
