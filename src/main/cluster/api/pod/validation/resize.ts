import type { Container, Pod } from '@shared/k8s';
import type { FieldError } from '../../kind';
import { differences } from '../../validation/differences';
import { forbidden, invalid } from '../../validation/field';
import { qosClass } from '../qos';

const resizable = ['cpu', 'memory'];

/** Faults of a change through the resize subresource: processor and memory of containers, and nothing else. */
export function validateResize(pod: Pod, old: Pod): FieldError[] {
  const path = 'spec';
  if (old.metadata.annotations?.['kubernetes.io/config.mirror']) {
    return [forbidden('', 'static pods cannot be resized')];
  }
  const errors: FieldError[] = [];
  const was = old.status?.qosClass ?? qosClass(old.spec!);
  const becomes = qosClass(pod.spec!);
  if (was !== becomes) errors.push(invalid(path, becomes, 'Pod QOS Class may not change as a result of resizing'));
  const unchanged = { ...pod.spec! };
  for (const list of ['containers', 'initContainers'] as const) {
    const before = new Map((old.spec![list] ?? []).map((container) => [container.name, container]));
    for (const [index, container] of (pod.spec![list] ?? []).entries()) {
      const previous = before.get(container.name);
      if (!previous) continue;
      errors.push(...validateRemovals(container, previous, `${path}.${list}[${index}].resources`));
      if (list === 'initContainers' && container.restartPolicy !== 'Always' && resourcesDiffer(container, previous)) {
        errors.push(
          forbidden(`${path}.${list}[${index}].resources`, 'resizing non-restartable init containers is not supported'),
        );
      }
    }
    if (unchanged[list])
      unchanged[list] = unchanged[list].map((container) => asBefore(container, before.get(container.name)));
  }
  const changes = differences(old.spec, unchanged, path);
  if (changes.length > 0) {
    errors.push(forbidden(path, `only cpu and memory resources are mutable\n${changes.join('\n')}`));
  }
  return errors;
}

/** What is asked for may change; whether something is asked for may not. */
function validateRemovals(container: Container, before: Container, path: string): FieldError[] {
  return (['limits', 'requests'] as const).flatMap((field) => {
    const now = container.resources?.[field] ?? {};
    const gone = resizable.some((name) => before.resources?.[field]?.[name] !== undefined && now[name] === undefined);
    return gone ? [forbidden(`${path}.${field}`, `resource ${field} cannot be removed`)] : [];
  });
}

const resourcesDiffer = (container: Container, before: Container) =>
  differences(before.resources, container.resources, '').length > 0;

/** The container with the processor and memory it had. */
function asBefore(container: Container, before: Container | undefined): Container {
  if (!before) return container;
  const resources = { ...container.resources };
  for (const field of ['limits', 'requests'] as const) {
    const amounts: Record<string, string> = { ...resources[field] };
    for (const name of resizable) {
      const amount = before.resources?.[field]?.[name];
      if (amount === undefined) delete amounts[name];
      else amounts[name] = amount;
    }
    if (Object.keys(amounts).length > 0 || before.resources?.[field]) resources[field] = amounts;
    else delete resources[field];
  }
  return { ...container, resources };
}
