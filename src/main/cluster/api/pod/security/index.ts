import type { ObjectMeta, PodSpec } from '@shared/k8s';
import { baselineChecks } from './baseline';
import type { Subject, Violation } from './check';
import { restrictedChecks } from './restricted';

export type { Violation } from './check';

export const securityLevels = ['privileged', 'baseline', 'restricted'] as const;
export type SecurityLevel = (typeof securityLevels)[number];

/** A level of the Pod Security Standards at a version: `latest`, or `v1.N`. */
export interface SecurityPolicy {
  level: SecurityLevel;
  version: string;
}

/** `restricted:latest`. */
export const policyName = ({ level, version }: SecurityPolicy): string => `${level}:${version}`;

/** The minor version that is meant; undefined for text that names none. */
export function securityVersion(version: string): number | undefined {
  if (version === 'latest') return Infinity;
  const match = /^v1\.(0|[1-9]\d*)$/.exec(version);
  return match ? Number(match[1]) : undefined;
}

const overridden = new Set(restrictedChecks.flatMap(({ overrides }) => overrides ?? []));
const checksOf = {
  privileged: [],
  baseline: baselineChecks,
  restricted: [...baselineChecks.filter(({ id }) => !overridden.has(id)), ...restrictedChecks],
};

/**
 * What of a pod, or of a template for pods, a policy does not allow; in the order and the words in which
 * Kubernetes reports it (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
 */
export function securityViolations(
  { level, version }: SecurityPolicy,
  pod: { metadata?: Partial<ObjectMeta>; spec?: PodSpec },
): Violation[] {
  const { spec, metadata } = pod;
  if (!spec || level === 'privileged') return [];
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
  const subject: Subject = { metadata, spec, containers, minor: securityVersion(version) ?? Infinity };
  return checksOf[level].flatMap((check) => check.find(subject) ?? []);
}

/** `privileged (container "c" must not set securityContext.privileged=true), …`. */
export const describeViolations = (violations: readonly Violation[]): string =>
  violations.map(({ reason, detail }) => `${reason} (${detail})`).join(', ');
