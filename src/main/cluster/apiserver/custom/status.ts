import type { CustomCondition, CustomNames, CustomResourceDefinition } from '../../api/apiextensions/types';
import { setCondition } from '../../conditions';

/** The names others of the group go by. */
export interface TakenNames {
  has(name: string): boolean;
  hasKind(kind: string): boolean;
}

/** What is said of a definition: whether its names are its own, and whether it is served. `now` in ms. */
export function definitionStatus(
  crd: CustomResourceDefinition,
  taken: TakenNames,
  now: number,
): NonNullable<CustomResourceDefinition['status']> {
  const { names } = crd.spec;
  const conflict = nameConflict(names, taken);
  let conditions = crd.status?.conditions ?? [];
  const wasEstablished = conditions.some(({ type, status }) => type === 'Established' && status === 'True');
  const set = (condition: CustomCondition) => {
    conditions = setCondition(conditions, condition, now);
  };
  if (conflict) set({ type: 'NamesAccepted', status: 'False', ...conflict });
  else set({ type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' });
  // Once served, always served: what goes by the new names is then another question.
  if (!wasEstablished) {
    if (conflict) {
      set({ type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' });
    } else {
      const message = 'the initial names have been accepted';
      set({ type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message });
    }
  }
  const acceptedNames = conflict ? (crd.status?.acceptedNames ?? { plural: '', kind: '' }) : names;
  return { ...crd.status, conditions, acceptedNames };
}

function nameConflict(names: CustomNames, taken: TakenNames): { reason: string; message: string } | undefined {
  const inUse = (name: string) => `${JSON.stringify(name)} is already in use`;
  if (taken.has(names.plural)) return { reason: 'PluralConflict', message: inUse(names.plural) };
  if (names.singular && taken.has(names.singular)) {
    return { reason: 'SingularConflict', message: inUse(names.singular) };
  }
  const short = names.shortNames?.find((name) => taken.has(name));
  if (short !== undefined) return { reason: 'ShortNamesConflict', message: inUse(short) };
  if (taken.hasKind(names.kind)) return { reason: 'KindConflict', message: inUse(names.kind) };
  return names.listKind && taken.hasKind(names.listKind)
    ? { reason: 'ListKindConflict', message: inUse(names.listKind) }
    : undefined;
}
