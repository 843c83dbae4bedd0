/** A job's pods: how they are made, when they ended, what is still to be counted. */
import type { Container, Job, Pod } from '@shared/k8s';
import { controllerRef } from '../../client/owners';
import { resources } from '../../client/resources';
import { isTerminating } from '../pods';
import { indexLabel } from './indexes';

/** Keeps a pod, ended or deleted, until its job has counted it. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
export const failureCountAnnotation = 'batch.kubernetes.io/job-index-failure-count';
const indexVariable = 'JOB_COMPLETION_INDEX';

const firstBackOffMs = 10_000;
const longestBackOffMs = 360_000;

export const isTracked = (pod: Pod): boolean => pod.metadata.finalizers?.includes(trackingFinalizer) ?? false;

/**
 * Whether a pod counts as failed. A deleted one does, as it may never get to say
 * so itself, unless the job replaces only those that did.
 */
export function isFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return isTerminating(pod) && job.spec?.podReplacementPolicy !== 'Failed';
}

/** A pod of the job, to be created. @param failures of its index so far, where those are counted by index */
export function newPod(job: Job, index?: number, failures?: number): Partial<Pod> & { metadata: object } {
  const { metadata, spec } = job.spec!.template;
  const { name, namespace } = job.metadata;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: { ...metadata?.labels },
      annotations: { ...metadata?.annotations },
      finalizers: [...(metadata?.finalizers ?? []).filter((one) => one !== trackingFinalizer), trackingFinalizer],
      ownerReferences: [controllerRef(resources.jobs, job)],
    },
    spec: { ...spec! },
  };
  if (index === undefined) return pod as Partial<Pod> & { metadata: object };
  pod.metadata.generateName = `${name}-${index}-`;
  pod.metadata.labels[indexLabel] = pod.metadata.annotations[indexLabel] = String(index);
  if (failures !== undefined) pod.metadata.annotations[failureCountAnnotation] = String(failures);
  pod.spec.hostname ??= `${name}-${index}`;
  pod.spec.containers = pod.spec.containers.map(withIndex);
  if (pod.spec.initContainers) pod.spec.initContainers = pod.spec.initContainers.map(withIndex);
  return pod as Partial<Pod> & { metadata: object };
}

function withIndex(container: Container): Container {
  if (container.env?.some(({ name }) => name === indexVariable)) return container;
  const valueFrom = { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.labels['${indexLabel}']` } };
  return { ...container, env: [...(container.env ?? []), { name: indexVariable, valueFrom }] };
}

/** When a pod ended, in ms. */
export function endedAt(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? [])
    .map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ''))
    .filter((end) => !Number.isNaN(end));
  if (ends.length) return Math.max(...ends);
  const { creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
  // The time of deletion is when the grace period will be over.
  if (deletionTimestamp) return Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  return Date.parse(ready?.lastTransitionTime ?? creationTimestamp);
}

/**
 * In how many ms a failed pod may be replaced: 10 s after the first failure,
 * doubled with every one since the last success, at most 6 min.
 */
export function backOffLeft(job: Job, pods: readonly Pod[], now: number): number {
  const succeededAt = Math.max(...pods.filter((pod) => pod.status?.phase === 'Succeeded').map(endedAt), 0);
  const failed = pods.filter((pod) => isFailed(job, pod) && !wasTakenAway(pod));
  const failures = failed.map(endedAt);
  const recent = failures.filter((at) => at > succeededAt);
  return recent.length ? Math.max(0, Math.max(...recent) + delayAfter(recent.length) - now) : 0;
}

/**
 * The same for one index, where failures are counted by index: another index
 * that fails does not hold it up.
 * @param failures how often the index has failed
 */
export function indexBackOffLeft(job: Job, pods: readonly Pod[], index: number, failures: number, now: number): number {
  const failed = pods.filter(
    (pod) => isFailed(job, pod) && pod.metadata.annotations?.[indexLabel] === String(index) && isTracked(pod),
  );
  if (failed.length === 0 || failures === 0) return 0;
  return Math.max(0, Math.max(...failed.map(endedAt)) + delayAfter(failures) - now);
}

const delayAfter = (failures: number): number =>
  Math.min(firstBackOffMs * 2 ** Math.min(failures - 1, 30), longestBackOffMs);

/** Let go of while it ran: by the job itself. */
const wasTakenAway = (pod: Pod): boolean => !isTracked(pod) && isTerminating(pod);
