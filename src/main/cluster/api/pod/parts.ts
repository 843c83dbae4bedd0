import type { Container, Pod } from '@shared/k8s';
import { bumpGeneration } from '../strategy';

/** Leaves of an update what the ephemeralcontainers subresource is for: its list. */
export function keepAllButEphemeralContainers(object: Pod, old: Pod): void {
  const containers = object.spec?.ephemeralContainers;
  restore(object, old, { ...old.spec!, ...(containers ? { ephemeralContainers: containers } : {}) });
  if (!containers) delete object.spec!.ephemeralContainers;
  bumpGeneration(object, old);
}

/** Leaves of an update what the resize subresource is for: the resources of the containers there are. */
export function keepAllButResources(object: Pod, old: Pod): void {
  const resized = (list: 'containers' | 'initContainers'): Container[] | undefined => {
    const wanted = new Map((object.spec?.[list] ?? []).map((container) => [container.name, container]));
    return old.spec?.[list]?.map((container) => {
      const given = wanted.get(container.name);
      if (!given) return container;
      const { resources: _, resizePolicy: __, ...rest } = container;
      return {
        ...rest,
        ...(given.resources ? { resources: given.resources } : {}),
        ...(given.resizePolicy ? { resizePolicy: given.resizePolicy } : {}),
      };
    });
  };
  const initContainers = resized('initContainers');
  restore(object, old, {
    ...old.spec!,
    containers: resized('containers') ?? [],
    ...(initContainers ? { initContainers } : {}),
  });
  bumpGeneration(object, old);
}

/** The old object with another spec; of the metadata the request keeps what belongs to it. */
function restore(object: Pod, old: Pod, spec: NonNullable<Pod['spec']>): void {
  const { resourceVersion, managedFields } = object.metadata;
  object.metadata = { ...old.metadata, resourceVersion, ...(managedFields ? { managedFields } : {}) };
  object.spec = spec;
  if (old.status === undefined) delete object.status;
  else object.status = old.status;
}
