import type { LabelSelector, Pod, PodSpec } from '@shared/k8s';
import { matchesSelector } from '@shared/selectors';

type PodAffinity = NonNullable<NonNullable<PodSpec['affinity']>['podAffinity']>;
type ApiTerm = NonNullable<PodAffinity['requiredDuringSchedulingIgnoredDuringExecution']>[number];
type Labels = Readonly<Record<string, string>> | undefined;

/** The labels of a namespace, for selectors over namespaces. */
export type NamespaceLabels = (namespace: string) => Labels;

/** A pod as terms look at it. */
export interface Labelled {
  readonly namespace: string;
  readonly labels: Labels;
}

/** One term of pod (anti-)affinity, with everything that depends on its pod worked out. */
export interface AffinityTerm {
  /** Equal for terms that mean the same. */
  readonly id: string;
  readonly topologyKey: string;
  readonly namespaces: ReadonlySet<string>;
  readonly namespaceSelector: LabelSelector | undefined;
  readonly selector: LabelSelector | undefined;
}

export interface WeightedTerm {
  weight: number;
  term: AffinityTerm;
}

export interface PodTerms {
  affinity: AffinityTerm[];
  antiAffinity: AffinityTerm[];
  preferred: WeightedTerm[];
  preferredAnti: WeightedTerm[];
}

const none: PodTerms = { affinity: [], antiAffinity: [], preferred: [], preferredAnti: [] };

/** The terms of a pod's podAffinity and podAntiAffinity. */
export function affinityTerms(pod: Pod): PodTerms {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  if (!podAffinity && !podAntiAffinity) return none;
  const one = (term: ApiTerm) => affinityTerm(term, pod);
  const weighted = (terms: PodAffinity['preferredDuringSchedulingIgnoredDuringExecution']) =>
    (terms ?? []).map(({ weight, podAffinityTerm }) => ({ weight, term: one(podAffinityTerm) }));
  return {
    affinity: (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(one),
    antiAffinity: (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(one),
    preferred: weighted(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAnti: weighted(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  };
}

function affinityTerm(term: ApiTerm, pod: Pod): AffinityTerm {
  // Without any namespace the pod's own is meant; an empty selector means all.
  const named = term.namespaces ?? [];
  const namespaces = named.length > 0 || term.namespaceSelector ? named : [pod.metadata.namespace ?? ''];
  const selector = withLabelKeys(term.labelSelector, pod.metadata.labels, term.matchLabelKeys, term.mismatchLabelKeys);
  const id = JSON.stringify([term.topologyKey, [...namespaces].sort(), term.namespaceSelector, selector]);
  return {
    id,
    topologyKey: term.topologyKey,
    namespaces: new Set(namespaces),
    namespaceSelector: term.namespaceSelector,
    selector,
  };
}

/**
 * A selector narrowed to pods that share (or do not share) the values the pod
 * itself has for some keys; keys it has not are left out, as in Kubernetes.
 */
export function withLabelKeys(
  selector: LabelSelector | undefined,
  labels: Labels,
  match: readonly string[] = [],
  mismatch: readonly string[] = [],
): LabelSelector | undefined {
  if (!selector) return selector;
  const requirement = (operator: string) => (key: string) =>
    labels?.[key] === undefined ? [] : [{ key, operator, values: [labels[key]] }];
  const more = [...match.flatMap(requirement('In')), ...mismatch.flatMap(requirement('NotIn'))];
  if (more.length === 0) return selector;
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...more] };
}

/** Whether a term selects a pod. */
export function termMatches(term: AffinityTerm, pod: Labelled, namespaceLabels: NamespaceLabels): boolean {
  if (!term.namespaces.has(pod.namespace)) {
    if (!term.namespaceSelector) return false;
    if (!matchesSelector(term.namespaceSelector, namespaceLabels(pod.namespace))) return false;
  }
  return matchesSelector(term.selector, pod.labels);
}
