/** What a job's podFailurePolicy says about a failed pod. Pure. */
import type { JobSpec, Pod } from '@shared/k8s';

type Rule = NonNullable<JobSpec['podFailurePolicy']>['rules'][number];

export interface Verdict {
  action: 'Count' | 'FailIndex' | 'FailJob' | 'Ignore';
  message: string;
}

/** The first rule that matches decides; undefined without one, which is as `Count`. */
export function judge(spec: JobSpec, pod: Pod): Verdict | undefined {
  if (pod.status?.phase !== 'Failed') return undefined;
  for (const [index, rule] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const why = rule.onExitCodes ? matchExit(rule.onExitCodes, pod) : matchCondition(rule.onPodConditions ?? [], pod);
    if (why === undefined) continue;
    return {
      action: rule.action as Verdict['action'],
      message: `${why} matching ${rule.action} rule at index ${index}`,
    };
  }
  return undefined;
}

function matchExit(wanted: NonNullable<Rule['onExitCodes']>, pod: Pod): string | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  for (const { name, state } of [...containerStatuses, ...initContainerStatuses]) {
    const code = state?.terminated?.exitCode;
    if (!code || (wanted.containerName && wanted.containerName !== name)) continue;
    if (wanted.values.includes(code) === (wanted.operator === 'In')) {
      return `Container ${name} for pod ${pod.metadata.namespace}/${pod.metadata.name} failed with exit code ${code}`;
    }
  }
  return undefined;
}

function matchCondition(patterns: NonNullable<Rule['onPodConditions']>, pod: Pod): string | undefined {
  const found = (pod.status?.conditions ?? []).find(({ type, status }) =>
    patterns.some((pattern) => pattern.type === type && (pattern.status ?? 'True') === status),
  );
  return found && `Pod ${pod.metadata.namespace}/${pod.metadata.name} has condition ${found.type}`;
}
