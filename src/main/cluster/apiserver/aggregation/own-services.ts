import { isDeepStrictEqual } from 'node:util';
import type { APIService } from '@shared/k8s';
import { managedLabel, registrationGroup } from '../../api/apiregistration/apiservice';
import { apiVersionOf } from '../../api/kind';
import type { Store } from '../../store/types';
import type { ServedGroup } from '../served';
import { apiServices, sendUnlessLate, type Handle } from './objects';
import { groupPriorityOf, versionPriorityOf } from './priorities';

export const isManaged = ({ metadata }: APIService): boolean => metadata.labels?.[managedLabel] !== undefined;

/**
 * One APIService for every version the server serves itself: made where it is missing,
 * put back where it was changed, taken away with its kinds. Where somebody else
 * has made one of the same name it stays as it is.
 * @param builtIn the versions (`apps/v1`) that are always there
 */
export async function keepOwnServices(options: {
  store: Store;
  handle: Handle;
  groups: readonly ServedGroup[];
  builtIn: ReadonlySet<string>;
}): Promise<void> {
  const { store, handle, groups, builtIn } = options;
  const wanted = new Map<string, { aggregated: boolean; label: string; spec: NonNullable<APIService['spec']> }>(
    groups
      .filter(({ group }) => group !== registrationGroup)
      .flatMap(({ group, versions }) =>
        versions.map((served, place) => {
          const label = builtIn.has(apiVersionOf(served)) ? 'onstart' : 'true';
          const spec = {
            group,
            version: served.version,
            groupPriorityMinimum: groupPriorityOf(group),
            versionPriority: versionPriorityOf(group, place, versions.length),
          };
          return [`${served.version}.${group}`, { aggregated: served.aggregated !== undefined, label, spec }] as const;
        }),
      )
      .filter(([, { aggregated }]) => !aggregated),
  );
  const stored = store.list(apiServices.prefix).items.map(({ value }) => value as APIService);
  const there = new Map(stored.map((api) => [api.metadata.name, api]));
  const work: Promise<void>[] = [];
  for (const [name, { spec, label }] of wanted) {
    const api = there.get(name);
    if (!api) {
      const body = { metadata: { name, labels: { [managedLabel]: label } }, spec };
      work.push(sendUnlessLate(handle, 'POST', apiServices.path, body));
    } else if (isManaged(api) && !isDeepStrictEqual(normal(api.spec), normal(spec))) {
      work.push(sendUnlessLate(handle, 'PUT', `${apiServices.path}/${name}`, { ...api, spec }));
    }
  }
  for (const api of stored) {
    if (!isManaged(api) || wanted.has(api.metadata.name) || api.metadata.deletionTimestamp) continue;
    work.push(sendUnlessLate(handle, 'DELETE', `${apiServices.path}/${api.metadata.name}`));
  }
  await Promise.all(work);
}

/** A spec with the same fields in each; the legacy group is no group. */
const normal = (spec: APIService['spec']) => ({ ...spec, group: spec?.group ?? '' });
