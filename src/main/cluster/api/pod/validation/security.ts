import type { Container, PodSpec } from '@shared/k8s';
import type { FieldError } from '../../kind';
import { duplicate, invalid, notSupported, required } from '../../validation/field';
import { validateLocalPath } from './paths';

type PodSecurityContext = NonNullable<PodSpec['securityContext']>;
type SeccompProfile = NonNullable<PodSecurityContext['seccompProfile']>;

const seccompTypes = ['Localhost', 'RuntimeDefault', 'Unconfined'];
const sysctlForm = '([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const sysctl = new RegExp(`^${sysctlForm}$`);
const longestSysctl = 253;

/** Faults of what a pod's containers may do, as far as the pod says it. */
export function validatePodSecurity(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const at = `${path}.securityContext`;
  if (spec.hostPID && spec.shareProcessNamespace) {
    const why = 'ShareProcessNamespace and HostPID cannot both be enabled';
    errors.push(invalid(`${at}.shareProcessNamespace`, true, why));
  }
  const context = spec.securityContext;
  if (!context) return errors;
  for (const field of ['runAsUser', 'runAsGroup', 'fsGroup'] as const) {
    errors.push(...validateId(context[field], `${at}.${field}`));
  }
  for (const [index, group] of (context.supplementalGroups ?? []).entries()) {
    errors.push(...validateId(group, `${at}.supplementalGroups[${index}]`));
  }
  return [
    ...errors,
    ...validateSysctls(context.sysctls, `${at}.sysctls`),
    ...validateSeccomp(context.seccompProfile, `${at}.seccompProfile`),
  ];
}

/** Faults of what a container may do. */
export function validateContainerSecurity(container: Container, path: string): FieldError[] {
  const context = container.securityContext;
  if (!context) return [];
  const errors: FieldError[] = [];
  for (const field of ['runAsUser', 'runAsGroup'] as const) {
    errors.push(...validateId(context[field], `${path}.${field}`));
  }
  errors.push(...validateSeccomp(context.seccompProfile, `${path}.seccompProfile`));
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged) {
      errors.push(invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
    }
    if (context.capabilities?.add?.some((capability) => capability === 'CAP_SYS_ADMIN' || capability === 'SYS_ADMIN')) {
      errors.push(
        invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'),
      );
    }
  }
  return errors;
}

const validateId = (id: number | undefined, path: string): FieldError[] =>
  id !== undefined && (id < 0 || id > 2_147_483_647)
    ? [invalid(path, id, 'must be between 0 and 2147483647, inclusive')]
    : [];

function validateSysctls(sysctls: PodSecurityContext['sysctls'], path: string): FieldError[] {
  const names = new Set<string>();
  return (sysctls ?? []).flatMap(({ name }, index) => {
    const at = `${path}[${index}].name`;
    if (!name) return [required(at)];
    if (name.length > longestSysctl || !sysctl.test(name)) {
      return [invalid(at, name, `must have at most ${longestSysctl} characters and match regex ${sysctlForm}`)];
    }
    if (names.has(name)) return [duplicate(at, name)];
    names.add(name);
    return [];
  });
}

function validateSeccomp(profile: SeccompProfile | undefined, path: string): FieldError[] {
  if (!profile) return [];
  const { type, localhostProfile } = profile;
  if (!type) return [required(`${path}.type`, 'type is required when seccompProfile is set')];
  const errors = seccompTypes.includes(type) ? [] : [notSupported(`${path}.type`, type, seccompTypes)];
  const at = `${path}.localhostProfile`;
  if (type !== 'Localhost') {
    if (localhostProfile !== undefined) {
      errors.push(invalid(at, localhostProfile, 'can only be set when seccomp type is Localhost'));
    }
  } else if (localhostProfile === undefined) {
    errors.push(required(at, 'must be set when seccomp type is Localhost'));
  } else errors.push(...validateLocalPath(localhostProfile, at));
  return errors;
}
