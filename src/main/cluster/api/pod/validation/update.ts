import { isDeepStrictEqual } from 'node:util';
import type { Container, Pod, PodSpec, Toleration } from '@shared/k8s';
import type { FieldError } from '../../kind';
import { forbidden, invalid, required } from '../../validation/field';
import { differences } from '../../validation/differences';

const changeable =
  '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** Faults of changing a pod: nearly all of its spec stays as it was created. */
export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const spec = pod.spec!;
  const before = old.spec!;
  const errors: FieldError[] = [];
  for (const list of ['containers', 'initContainers'] as const) {
    if ((spec[list]?.length ?? 0) !== (before[list]?.length ?? 0)) {
      return [forbidden(`spec.${list}`, 'pod updates may not add or remove containers')];
    }
    for (const [index, container] of (spec[list] ?? []).entries()) {
      if (!container.image) errors.push(required(`spec.${list}[${index}].image`));
    }
  }
  errors.push(...validateDeadline(spec, before), ...validateTolerations(spec, before));
  if (errors.length > 0) return errors;

  const allowed = { ...spec };
  allowed.containers = withImages(spec.containers, before.containers)!;
  allowed.initContainers = withImages(spec.initContainers, before.initContainers);
  allowed.activeDeadlineSeconds = before.activeDeadlineSeconds;
  allowed.tolerations = before.tolerations;
  // Lifting a gate is how a held pod is let into scheduling.
  if (isSubset(spec.schedulingGates ?? [], before.schedulingGates ?? [])) {
    allowed.schedulingGates = before.schedulingGates;
  }
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    allowed.terminationGracePeriodSeconds = before.terminationGracePeriodSeconds;
  }
  const changes = differences(before, allowed, 'spec');
  if (changes.length > 0) {
    errors.push(forbidden('spec', `pod updates may not change fields other than ${changeable}\n${changes.join('\n')}`));
  }
  return errors;
}

/** The containers with the images they had. */
function withImages(containers: Container[] | undefined, before: Container[] | undefined): Container[] | undefined {
  return containers?.map((container, index) => ({ ...container, image: before?.[index]?.image }));
}

function validateDeadline(spec: PodSpec, before: PodSpec): FieldError[] {
  const path = 'spec.activeDeadlineSeconds';
  const [now, was] = [spec.activeDeadlineSeconds, before.activeDeadlineSeconds];
  if (typeof now === 'number') {
    if (now < 0) return [invalid(path, now, 'must be between 0 and 2147483647, inclusive')];
    if (typeof was === 'number' && was < now)
      return [invalid(path, now, 'must be less than or equal to previous value')];
  } else if (typeof was === 'number') {
    return [invalid(path, null, 'must not update from a positive integer to nil value')];
  }
  return [];
}

function validateTolerations(spec: PodSpec, before: PodSpec): FieldError[] {
  const same = (a: Toleration, b: Toleration): boolean =>
    a.key === b.key && a.operator === b.operator && a.value === b.value && a.effect === b.effect;
  const kept = (before.tolerations ?? []).every((toleration) =>
    spec.tolerations?.some((other) => same(toleration, other)),
  );
  return kept
    ? []
    : [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
}

const isSubset = (part: unknown[], whole: unknown[]): boolean =>
  part.every((value) => whole.some((other) => isDeepStrictEqual(value, other)));
