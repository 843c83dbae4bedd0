import type { KubeObject } from '@shared/k8s';
import { changedFields, equal, removedFields } from '../../api/schema/fields/compare';
import { difference, intersection, sameFields, union, type FieldSet } from '../../api/schema/fields/field-set';
import { mergeApplied, namedFields, pruneApplied } from '../../api/schema/fields/merge';
import { objectShape, zeroObject, type Parts, type Shape, type View } from '../../api/schema/fields/shape';
import { parseJson } from '../decode';
import { isObject } from '../json';
import { applyConflict, type Conflict } from './conflicts';
import { entryOf, fieldsOf, inOrder, isSame, keep, pooled, setEntries, type Entry, type Manager } from './managers';

export interface Application {
  kind: string;
  /** The shape of a kind that the tables do not know. */
  custom?: Shape;
  view: View;
  /** What the manager wants, as it was sent. */
  config: KubeObject;
  self: Manager;
  force: boolean;
  /** Brings an object into the form it is stored in. */
  normalize(object: KubeObject): KubeObject;
  /** In ms. */
  now: number;
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** The entry of a manager that applied an object into being. */
export function firstEntries({ kind, custom, view, config, self, now }: Application): Entry[] {
  const fields = namedFields(objectShape(self.apiVersion, kind, view, custom), config);
  return fields ? [entryOf(self, now, pooled(kind, self, fields))] : [];
}

/**
 * The live object with a configuration applied to it: merged by the kind's shape,
 * without what the manager applied before and nobody owns any more, its
 * metadata.managedFields up to date. Shares with both what stays the same.
 * @throws ApiError 409 that names the other managers
 */
export function applyTo(live: KubeObject, application: Application): KubeObject {
  const { kind, custom, view, config, self, force, normalize, now } = application;
  const shape = objectShape(self.apiVersion, kind, view, custom);
  const entries = ownersOf(live, shape, application);
  const previous = entries.find((entry) => isSame(entry, self));
  const others = entries.filter((entry) => entry !== previous);
  const last = previous && fieldsOf(previous);
  const own = namedFields(shape, config);
  const kept = others.reduce((all, entry) => union(all, fieldsOf(entry)), own);
  const merged = mergeApplied(shape, live, config);
  // What is only said in other words (1000m for 1) is no change.
  const next = { ...normalize(pruneApplied(shape, merged, last, kept) as KubeObject) };
  const changed = changedFields(shape, live, next);
  const removed = removedFields(shape, live, next);

  const conflicts = others.flatMap((entry): Conflict[] => {
    const fields = intersection(fieldsOf(entry), changed);
    return fields ? [{ entry, fields }] : [];
  });
  if (!force) refuse(conflicts, live, shape, self);

  const result: Entry[] = [];
  for (const entry of others) keep(result, entry, difference(difference(fieldsOf(entry), removed), changed));
  const unchanged = sameFields(own, last) && !removed && sameEntries(result, others) && equal(live, next);
  if (own) result.push(unchanged ? previous! : entryOf(self, now, pooled(kind, self, own)));
  next.metadata = { ...next.metadata };
  setEntries(next, unchanged ? entries : inOrder(result));
  if (self.manager === 'kubectl' && live.metadata?.annotations?.[lastApplied] !== undefined && !unchanged) {
    next.metadata.annotations = { ...next.metadata.annotations, [lastApplied]: asLastApplied(config) };
  }
  return next;
}

const sameEntries = (a: Entry[], b: Entry[]): boolean =>
  a.length === b.length && a.every((entry, index) => entry === b[index]);

/** Who owns what so far. What came before anybody kept account belongs to one manager of its own. */
function ownersOf(live: KubeObject, shape: Parts, { kind, self, now }: Application): Entry[] {
  const entries = live.metadata?.managedFields ?? [];
  if (entries.length > 0) return entries;
  const fields = changedFields(shape, zeroObject(self.apiVersion, kind), live);
  const before: Manager = { ...self, manager: 'before-first-apply', operation: 'Update' };
  return fields ? [entryOf(before, now, fields)] : [];
}

/**
 * Throws for conflicts. What kubectl itself applied the old way, and what is still
 * as it applied it, kubectl may apply the new way.
 */
function refuse(conflicts: Conflict[], live: KubeObject, shape: Parts, self: Manager): void {
  if (conflicts.length === 0) return;
  const allowed = self.manager === 'kubectl' ? appliedBefore(live, shape) : undefined;
  const left = conflicts.flatMap(({ entry, fields }): Conflict[] => {
    const rest = difference(fields, allowed);
    return rest ? [{ entry, fields: rest }] : [];
  });
  if (left.length > 0) throw applyConflict(left);
}

/** The fields of the last-applied annotation that are still as it says. */
function appliedBefore(live: KubeObject, shape: Parts): FieldSet | undefined {
  const text = live.metadata?.annotations?.[lastApplied];
  if (!text) return undefined;
  let config: unknown;
  try {
    config = parseJson(text);
  } catch {
    return undefined;
  }
  if (!isObject(config)) return undefined;
  return difference(
    difference(namedFields(shape, config), changedFields(shape, config, live)),
    removedFields(shape, config, live),
  );
}

function asLastApplied(config: KubeObject): string {
  const { [lastApplied]: _, ...annotations } = config.metadata?.annotations ?? {};
  return `${JSON.stringify({ ...config, metadata: { ...config.metadata, annotations } })}\n`;
}
