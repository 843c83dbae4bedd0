import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '@shared/k8s';
import { isSet, mergeKey, retainsKeys } from './lists';

type Map = Record<string, unknown>;

const isMap = (value: unknown): value is Map => typeof value === 'object' && value !== null && !Array.isArray(value);
const mapOf = (value: unknown): Map => (isMap(value) ? value : {});
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const isEmpty = (value: Map): boolean => Object.keys(value).length === 0;

interface Context {
  kind: string;
  strategic: boolean;
}

/**
 * What turns `current` into what its owner wants: fields of `modified` that differ are set, fields
 * that were in `original` (the configuration applied last) and are no longer wanted are removed,
 * all else (defaults, what others set) stays.
 * @param strategic lists merge by key (strategic merge patch); otherwise they are replaced (JSON merge patch)
 * @returns the patch, `{}` when nothing is to change
 */
export function threeWayPatch(
  original: KubeObject | undefined,
  modified: KubeObject,
  current: KubeObject,
  strategic: boolean,
): Map {
  const context = { kind: modified.kind ?? '', strategic };
  return mapPatch(mapOf(original), modified, current, [], context);
}

function mapPatch(original: Map, modified: Map, current: Map, path: readonly string[], context: Context): Map {
  const patch: Map = {};
  for (const [field, wanted] of Object.entries(modified)) {
    if (wanted === undefined) continue;
    const here = [...path, field];
    const present = current[field];
    if (wanted === null) {
      if (present !== undefined) patch[field] = null;
    } else if (present === undefined || present === null) {
      if (!isMap(wanted) || !isEmpty(wanted) || !(field in current)) patch[field] = wanted;
    } else if (isMap(wanted) && isMap(present)) {
      const inner = mapPatch(mapOf(original[field]), wanted, present, here, context);
      if (isEmpty(inner)) continue;
      if (context.strategic && retainsKeys(context.kind, here)) inner.$retainKeys = Object.keys(wanted).sort();
      patch[field] = inner;
    } else if (Array.isArray(wanted) && Array.isArray(present)) {
      listPatch(patch, field, listOf(original[field]), wanted, present, here, context);
    } else if (!isDeepStrictEqual(wanted, present)) patch[field] = wanted;
  }
  for (const field of Object.keys(original)) {
    if ((modified[field] === undefined || modified[field] === null) && current[field] !== undefined)
      patch[field] = null;
  }
  return patch;
}

function listPatch(
  patch: Map,
  field: string,
  original: unknown[],
  modified: unknown[],
  current: unknown[],
  path: readonly string[],
  context: Context,
): void {
  const key = context.strategic ? mergeKey(context.kind, path) : undefined;
  if (context.strategic && isSet(path)) {
    const added = modified.filter((value) => !current.includes(value));
    const removed = original.filter((value) => !modified.includes(value) && current.includes(value));
    if (added.length > 0) patch[field] = added;
    if (removed.length > 0) patch[`$deleteFromPrimitiveList/${field}`] = removed;
    return;
  }
  if (key === undefined) {
    if (!isDeepStrictEqual(modified, current)) patch[field] = modified;
    return;
  }
  const keyed = [original, modified, current].map((list) => byKey(list, key));
  const [before, wanted, present] = keyed;
  if (!before || !wanted || !present) {
    // Items that cannot be told apart by the key are replaced as a whole.
    if (!isDeepStrictEqual(modified, current)) patch[field] = [...modified, { $patch: 'replace' }];
    return;
  }
  const changes: Map[] = [];
  for (const [id, item] of wanted) {
    const now = present.get(id);
    if (!now) {
      changes.push(item);
      continue;
    }
    const inner = mapPatch(mapOf(before.get(id)), item, now, path, context);
    if (isEmpty(inner)) continue;
    if (retainsKeys(context.kind, path)) inner.$retainKeys = Object.keys(item).sort();
    changes.push({ ...inner, [key]: item[key] });
  }
  for (const [id, item] of before) {
    if (!wanted.has(id) && present.has(id)) changes.push({ $patch: 'delete', [key]: item[key] });
  }
  const order = [...present.keys()].filter((id) => wanted.has(id));
  const wantedOrder = [...wanted.keys()].filter((id) => present.has(id));
  if (changes.length === 0 && isDeepStrictEqual(order, wantedOrder)) return;
  if (changes.length > 0) patch[field] = changes;
  patch[`$setElementOrder/${field}`] = [...wanted.values()].map((item) => ({ [key]: item[key] }));
}

/** The items by their key; undefined when one has none or two have the same. */
function byKey(list: readonly unknown[], key: string): globalThis.Map<unknown, Map> | undefined {
  const result = new globalThis.Map<unknown, Map>();
  for (const item of list) {
    if (!isMap(item) || item[key] === undefined || result.has(item[key])) return undefined;
    result.set(item[key], item);
  }
  return result;
}
