import type { KubeObject, Pod, PodSpec, ResourceQuota } from '@shared/k8s';
import { qosClass } from '../pod/qos';
import type { Counted } from './usage';

interface Requirement {
  scopeName: string;
  operator?: string;
  values?: string[];
}

/** Whether an object is one that a quota counts. Scopes speak of pods: a quota with scopes counts nothing else. */
export function inScope(quota: ResourceQuota, { group, plural }: Counted, object: KubeObject): boolean {
  const wanted: Requirement[] = [
    ...(quota.spec?.scopes ?? []).map((scopeName) => ({ scopeName })),
    ...(quota.spec?.scopeSelector?.matchExpressions ?? []),
  ];
  if (wanted.length === 0) return true;
  const spec = group === '' && plural === 'pods' ? (object as Pod).spec : undefined;
  return spec !== undefined && wanted.every((requirement) => holds(requirement, spec));
}

function holds({ scopeName, operator, values }: Requirement, spec: PodSpec): boolean {
  switch (scopeName) {
    case 'Terminating':
      return typeof spec.activeDeadlineSeconds === 'number';
    case 'NotTerminating':
      return typeof spec.activeDeadlineSeconds !== 'number';
    case 'BestEffort':
      return qosClass(spec) === 'BestEffort';
    case 'NotBestEffort':
      return qosClass(spec) !== 'BestEffort';
    case 'CrossNamespacePodAffinity':
      return reachesOtherNamespaces(spec);
    case 'PriorityClass':
      return selects(spec.priorityClassName || undefined, operator, values ?? []);
    default:
      return false;
  }
}

function selects(name: string | undefined, operator: string | undefined, values: string[]): boolean {
  if (operator === 'In') return name !== undefined && values.includes(name);
  if (operator === 'NotIn') return name === undefined || !values.includes(name);
  return operator === 'DoesNotExist' ? name === undefined : name !== undefined;
}

function reachesOtherNamespaces({ affinity }: PodSpec): boolean {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].some((side) =>
    [
      ...(side?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(side?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((weighted) => weighted.podAffinityTerm),
    ].some((term) => (term.namespaces?.length ?? 0) > 0 || term.namespaceSelector !== undefined),
  );
}
