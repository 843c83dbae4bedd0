import { isIP } from 'node:net';
import type { PodSpec, PodTemplateSpec } from '@shared/k8s';
import type { FieldError } from '../../kind';
import { invalid, invalidEach, notSupported, oneOf, required } from '../../validation/field';
import { validateAnnotations, validateLabels } from '../../validation/meta';
import { dnsLabel, dnsSubdomain, ipAddress } from '../../validation/strings';
import { validateContainers } from './containers';
import { validateEphemeralContainers } from './ephemeral';
import { validatePlacement } from './placement';
import { validatePodSecurity } from './security';
import { validateVolumes } from './volumes';

const restartPolicies = ['Always', 'Never', 'OnFailure'];
const dnsPolicies = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'];

/** Faults of a pod's spec. @param path where the spec is, e.g. `spec.template.spec` */
export function validatePodSpec(spec: PodSpec | undefined, path: string): FieldError[] {
  if (!spec) return [required(`${path}.containers`)];
  const errors = [
    ...validateVolumes(spec.volumes, `${path}.volumes`),
    ...validateContainers(spec, path),
    ...validateEphemeralContainers(spec, path),
    ...oneOf(`${path}.restartPolicy`, spec.restartPolicy, restartPolicies),
    ...validateDns(spec, path),
    ...validatePlacement(spec, path),
    ...validatePodSecurity(spec, path),
    ...(spec.os ? oneOf(`${path}.os.name`, spec.os.name, ['linux', 'windows']) : []),
  ];
  for (const field of ['serviceAccountName', 'nodeName', 'priorityClassName', 'runtimeClassName'] as const) {
    const name = spec[field];
    if (name) errors.push(...invalidEach(`${path}.${field}`, name, dnsSubdomain(name)));
  }
  for (const field of ['hostname', 'subdomain'] as const) {
    const name = spec[field];
    if (name) errors.push(...invalidEach(`${path}.${field}`, name, dnsLabel(name)));
  }
  const deadline = spec.activeDeadlineSeconds;
  if (typeof deadline === 'number' && (deadline < 1 || deadline > 2_147_483_647)) {
    errors.push(invalid(`${path}.activeDeadlineSeconds`, deadline, 'must be between 1 and 2147483647, inclusive'));
  }
  for (const [index, alias] of (spec.hostAliases ?? []).entries()) {
    errors.push(...invalidEach(`${path}.hostAliases[${index}].ip`, alias.ip, ipAddress(alias.ip)));
  }
  return errors;
}

function validateDns(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!spec.dnsPolicy) errors.push(required(`${path}.dnsPolicy`));
  else if (!dnsPolicies.includes(spec.dnsPolicy))
    errors.push(notSupported(`${path}.dnsPolicy`, spec.dnsPolicy, dnsPolicies));
  const config = spec.dnsConfig;
  if (spec.dnsPolicy === 'None' && !config) {
    errors.push(required(`${path}.dnsConfig`, 'must provide `dnsConfig` when `dnsPolicy` is None'));
  } else if (spec.dnsPolicy === 'None' && !config?.nameservers?.length) {
    errors.push(
      required(`${path}.dnsConfig.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'),
    );
  }
  const servers = config?.nameservers ?? [];
  if (servers.length > 3)
    errors.push(invalid(`${path}.dnsConfig.nameservers`, servers, 'must not have more than 3 nameservers'));
  for (const [index, server] of servers.entries()) {
    if (!isIP(server))
      errors.push(...invalidEach(`${path}.dnsConfig.nameservers[${index}]`, server, ipAddress(server)));
  }
  return errors;
}

/** Faults of the template that a workload makes pods from. */
export function validatePodTemplate(template: PodTemplateSpec | undefined, path: string): FieldError[] {
  return [
    ...validateLabels(template?.metadata?.labels, `${path}.metadata.labels`),
    ...validateAnnotations(template?.metadata?.annotations, `${path}.metadata.annotations`),
    ...validatePodSpec(template?.spec, `${path}.spec`),
  ];
}
