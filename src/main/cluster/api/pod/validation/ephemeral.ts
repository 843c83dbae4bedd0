import { isDeepStrictEqual } from 'node:util';
import type { Container, Pod, PodSpec } from '@shared/k8s';
import type { FieldError } from '../../kind';
import { differences } from '../../validation/differences';
import { forbidden, notFound } from '../../validation/field';
import { validateContainer } from './containers';

type EphemeralContainer = NonNullable<PodSpec['ephemeralContainers']>[number];

const refused = 'cannot be set for an Ephemeral Container';
const notAllowed = ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle', 'resizePolicy'] as const;

/** Faults of the containers that were added to a running pod. */
export function validateEphemeralContainers(spec: PodSpec, path: string): FieldError[] {
  const others = new Set([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ name }) => name));
  const names = new Set(others);
  return (spec.ephemeralContainers ?? []).flatMap((container, index) => {
    const at = `${path}.ephemeralContainers[${index}]`;
    const errors = validateContainer(container as unknown as Container, spec, at, names);
    const target = container.targetContainerName;
    if (target && !others.has(target)) errors.push(notFound(`${at}.targetContainerName`, target));
    for (const field of notAllowed) {
      const value = container[field];
      if (value !== undefined && !(Array.isArray(value) && value.length === 0)) {
        errors.push(forbidden(`${at}.${field}`, refused));
      }
    }
    const { limits, requests } = container.resources ?? {};
    if (limits || requests) errors.push(forbidden(`${at}.resources`, refused));
    for (const [position, mount] of (container.volumeMounts ?? []).entries()) {
      for (const field of ['subPath', 'subPathExpr'] as const) {
        if (mount[field]) errors.push(forbidden(`${at}.volumeMounts[${position}].${field}`, refused));
      }
    }
    return errors;
  });
}

/** Faults of a change through the ephemeralcontainers subresource: what is there stays there, as it is. */
export function validateEphemeralUpdate(pod: Pod, old: Pod): FieldError[] {
  const path = 'spec.ephemeralContainers';
  if (old.metadata.annotations?.['kubernetes.io/config.mirror']) {
    return [forbidden('', 'static pods do not support ephemeral containers')];
  }
  const now = new Map((pod.spec?.ephemeralContainers ?? []).map((container) => [container.name, container]));
  return (old.spec?.ephemeralContainers ?? []).flatMap((before: EphemeralContainer) => {
    const after = now.get(before.name);
    const name = JSON.stringify(before.name);
    if (!after) return [forbidden(path, `existing ephemeral containers ${name} may not be removed\n`)];
    if (isDeepStrictEqual(after, before)) return [];
    const changes = differences(before, after, '');
    return [forbidden(path, `existing ephemeral containers ${name} may not be changed\n${changes.join('\n')}`)];
  });
}
