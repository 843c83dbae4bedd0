import type { KubeObject, Namespace, Pod, PodSpec } from '@shared/k8s';
import { invalid as invalidObject } from '../../api/errors';
import type { FieldError } from '../../api/kind';
import {
  describeViolations,
  policyName,
  securityLevels,
  securityVersion,
  securityViolations,
  type SecurityLevel,
  type SecurityPolicy,
} from '../../api/pod/security';
import { invalid } from '../../api/validation/field';
import type { Store } from '../../store/types';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission';
import { jsonEqual } from '../../json';
import { isAbout, refusal } from './attributes';

const prefix = 'pod-security.kubernetes.io/';
/** Pods looked at when a namespace gets a stricter level. */
const mostChecked = 3000;
/** Where the objects that make pods keep the template for them. */
const templates: Record<string, (object: KubeObject) => KubeObject | undefined> = {
  '/podtemplates': ({ template }) => template,
  '/replicationcontrollers': ({ spec }) => spec?.template,
  'apps/daemonsets': ({ spec }) => spec?.template,
  'apps/deployments': ({ spec }) => spec?.template,
  'apps/replicasets': ({ spec }) => spec?.template,
  'apps/statefulsets': ({ spec }) => spec?.template,
  'batch/cronjobs': ({ spec }) => spec?.jobTemplate?.spec?.template,
  'batch/jobs': ({ spec }) => spec?.template,
};

type Mode = 'enforce' | 'audit' | 'warn';

/** Holds pods to the Pod Security Standards that their namespace's labels name. */
export function podSecurity(store: Store): AdmissionPlugin {
  const namespace = (name: string | undefined): KubeObject | undefined =>
    name === undefined ? undefined : store.get(`/registry/core/namespaces/${name}`)?.value;
  return {
    name: 'PodSecurity',
    validate(attributes) {
      if (attributes.operation === 'DELETE') return;
      const { definition } = attributes.resource;
      const { subresource, object } = attributes;
      if (isAbout(attributes, '', 'namespaces')) return judgeNamespace(store, attributes);
      if (isAbout(attributes, '', 'pods') || isAbout(attributes, '', 'pods', 'ephemeralcontainers')) {
        return judgePod(attributes, namespace(attributes.namespace));
      }
      const template = subresource === undefined && templates[`${definition.group}/${definition.plural}`];
      if (!template) return;
      const placed = namespace(attributes.namespace);
      noteOf(attributes, policyOf(placed, 'audit'), template(object!));
      warnOf(attributes, policyOf(placed, 'warn'), template(object!));
    },
  };
}

/** The policy that labels set; privileged where they say nothing that can be understood. */
function policyOf(object: KubeObject | undefined, mode: Mode): SecurityPolicy {
  const labels = object?.metadata?.labels;
  const level = labels?.[prefix + mode] as SecurityLevel | undefined;
  const version = labels?.[`${prefix}${mode}-version`] ?? 'latest';
  if (level === undefined) return { level: 'privileged', version: 'latest' };
  // What is misspelt must not open the door.
  if (!securityLevels.includes(level)) return { level: 'restricted', version: 'latest' };
  return { level, version: securityVersion(version) === undefined ? 'latest' : version };
}

function judgePod(attributes: AdmissionAttributes, namespace: KubeObject | undefined): void {
  const pod = attributes.object as Pod;
  if (attributes.old && !matters(pod.spec, (attributes.old as Pod).spec)) return;
  const enforced = policyOf(namespace, 'enforce');
  attributes.annotate(`${prefix}enforce-policy`, policyName(enforced));
  noteOf(attributes, policyOf(namespace, 'audit'), pod);
  const violations = securityViolations(enforced, pod);
  if (violations.length > 0) {
    throw refusal(attributes, `violates PodSecurity "${policyName(enforced)}": ${describeViolations(violations)}`);
  }
  warnOf(attributes, policyOf(namespace, 'warn'), pod);
}

/** Whether a change of a pod is one that its policy may care about. */
function matters(spec: PodSpec | undefined, old: PodSpec | undefined): boolean {
  return (['containers', 'initContainers', 'ephemeralContainers'] as const).some(
    (field) => !jsonEqual(spec?.[field], old?.[field]),
  );
}

function warnOf(attributes: AdmissionAttributes, policy: SecurityPolicy, pod: KubeObject | undefined): void {
  const complaint = complaintOf(policy, pod);
  if (complaint !== undefined) attributes.warn(complaint);
}

/** What goes into the audit log. */
function noteOf(attributes: AdmissionAttributes, policy: SecurityPolicy, pod: KubeObject | undefined): void {
  const complaint = complaintOf(policy, pod);
  if (complaint !== undefined) attributes.annotate(`${prefix}audit-violations`, complaint);
}

function complaintOf(policy: SecurityPolicy, pod: KubeObject | undefined): string | undefined {
  if (policy.level === 'privileged' || !pod) return undefined;
  const violations = securityViolations(policy, pod);
  if (violations.length === 0) return undefined;
  return `would violate PodSecurity "${policyName(policy)}": ${describeViolations(violations)}`;
}

/** Labels must be well-formed; a stricter level is told which pods are there that it would not let in. */
function judgeNamespace(store: Store, attributes: AdmissionAttributes): void {
  const [object, old] = [attributes.object, attributes.old] as [Namespace, Namespace | undefined];
  const faults = labelFaults(object);
  if (faults.length > 0 && (!old || labelFaults(old).length === 0)) {
    throw invalidObject(attributes.resource.definition, object.metadata.name, faults);
  }
  if (!old) return;
  const policy = policyOf(object, 'enforce');
  const before = policyOf(old, 'enforce');
  if (policy.level === 'privileged' || policyName(policy) === policyName(before)) return;
  const sameVersion = policy.version === before.version;
  if (sameVersion && securityLevels.indexOf(policy.level) < securityLevels.indexOf(before.level)) return;
  for (const warning of existingViolations(store, object.metadata.name, policy)) attributes.warn(warning);
}

function labelFaults({ metadata }: KubeObject): FieldError[] {
  return (['enforce', 'audit', 'warn'] as const).flatMap((mode) => {
    const [level, version] = [metadata?.labels?.[prefix + mode], metadata?.labels?.[`${prefix}${mode}-version`]];
    const errors: FieldError[] = [];
    if (level !== undefined && !securityLevels.includes(level as SecurityLevel)) {
      const detail = `must be one of ${securityLevels.join(', ')}`;
      errors.push(invalid(`metadata.labels[${prefix}${mode}]`, level, detail));
    }
    if (version !== undefined && securityVersion(version) === undefined) {
      const detail = 'must be "latest" or "v1.x"';
      errors.push(invalid(`metadata.labels[${prefix}${mode}-version]`, version, detail));
    }
    return errors;
  });
}

function existingViolations(store: Store, namespace: string, policy: SecurityPolicy): string[] {
  const found = new Map<string, string[]>();
  for (const { value } of store.list(`/registry/core/pods/${namespace}/`).items.slice(0, mostChecked)) {
    const violations = securityViolations(policy, value as Pod);
    if (violations.length === 0) continue;
    const reasons = violations.map(({ reason }) => reason).join(', ');
    found.set(reasons, [...(found.get(reasons) ?? []), value.metadata!.name!]);
  }
  if (found.size === 0) return [];
  const lines = [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([reasons, [first, ...others]]) => {
      const more = others.length === 0 ? '' : ` (and ${others.length} other pod${others.length === 1 ? '' : 's'})`;
      return `${first}${more}: ${reasons}`;
    });
  return [
    `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${policyName(policy)}"`,
    ...lines,
  ];
}
