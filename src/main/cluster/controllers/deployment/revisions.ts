import type { Deployment, ReplicaSet } from '@shared/k8s';
import { byAge, desiredAnnotation, maxAnnotation, maxSurge, specReplicas } from './rolling';
import { sameTemplate } from './template';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
const historyAnnotation = 'deployment.kubernetes.io/revision-history';
const maxHistoryLength = 2000;

/** Annotations of the Deployment that say nothing about a revision. */
const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
]);

export function revisionOf(object: Deployment | ReplicaSet): number {
  return Number(object.metadata.annotations?.[revisionAnnotation] ?? 0) || 0;
}

/** The oldest ReplicaSet of the Deployment's template, and all others. */
export function splitSets(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
): { newSet: ReplicaSet | undefined; oldSets: ReplicaSet[] } {
  const template = deployment.spec!.template;
  const newSet = [...sets].sort(byAge).find((set) => set.spec?.template && sameTemplate(set.spec.template, template));
  return { newSet, oldSets: sets.filter((set) => set !== newSet) };
}

/** The annotations that tell how large the Deployment is meant to be: by them scaling is recognised. */
export function sizeAnnotations(deployment: Deployment): Record<string, string> {
  const replicas = specReplicas(deployment);
  return { [desiredAnnotation]: String(replicas), [maxAnnotation]: String(replicas + maxSurge(deployment)) };
}

/** What the annotations of the current ReplicaSet should be. A set used again remembers its former revisions. */
export function revisionAnnotations(
  deployment: Deployment,
  existing: Readonly<Record<string, string>> | undefined,
  revision: number,
): Record<string, string> {
  const annotations: Record<string, string> = { ...existing };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!notCopied.has(key)) annotations[key] = value;
  }
  const before = annotations[revisionAnnotation];
  if ((Number(before ?? 0) || 0) < revision) {
    annotations[revisionAnnotation] = String(revision);
    if (before) {
      const history = [...(annotations[historyAnnotation]?.split(',') ?? []), before];
      while (history.join().length > maxHistoryLength) history.shift();
      annotations[historyAnnotation] = history.join();
    }
  }
  return existing ? annotations : { ...annotations, ...sizeAnnotations(deployment) };
}

export function sameAnnotations(a: Record<string, string> | undefined, b: Record<string, string>): boolean {
  const keys = Object.keys(b);
  return keys.length === Object.keys(a ?? {}).length && keys.every((key) => a?.[key] === b[key]);
}
