import { isTrue, type CustomResourceDefinition } from '../../api/apiextensions/types';
import { resources } from '../../client/resources';
import type { ResourceRef } from '../../client/types';
import type { ControllerContext } from '../framework';

/** Tells which custom kinds are served, each in one of its versions, as definitions come and go. */
export function followCustomKinds(
  { informers }: Pick<ControllerContext, 'informers'>,
  told: { add(ref: ResourceRef): void; remove(ref: ResourceRef): void },
): void {
  const known = new Map<string, ResourceRef>();
  const look = (name: string, wanted: ResourceRef | undefined): void => {
    const before = known.get(name);
    if (before?.version === wanted?.version) return;
    if (before) told.remove(before);
    known.delete(name);
    if (!wanted) return;
    known.set(name, wanted);
    told.add(wanted);
  };
  const seen = (crd: CustomResourceDefinition): void => look(crd.metadata.name, refOf(crd));
  informers.informer(resources.customResourceDefinitions).on({
    add: seen,
    update: seen,
    delete: ({ metadata }) => look(metadata.name, undefined),
  });
}

function refOf(crd: CustomResourceDefinition): ResourceRef | undefined {
  const { group, names, scope, versions } = crd.spec;
  const served = versions.filter((version) => version.served);
  const version = served.find(({ storage }) => storage) ?? served[0];
  if (!version || !isTrue(crd, 'Established')) return undefined;
  return { group, version: version.name, plural: names.plural, kind: names.kind, namespaced: scope === 'Namespaced' };
}
