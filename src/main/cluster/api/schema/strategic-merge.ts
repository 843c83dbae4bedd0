import { isDeepStrictEqual } from 'node:util';
import type { Field, Struct, Type } from './table';

type Json = Record<string, unknown>;

const patchMarker = '$patch';
const retainKeys = '$retainKeys';
const elementOrder = '$setElementOrder/';
const primitiveDeletion = '$deleteFromPrimitiveList/';

/**
 * Merges a strategic merge patch: maps by key, lists of objects by the merge key
 * of their field, other lists by replacement, unless a directive says otherwise.
 * Neither argument is changed; what the patch does not touch is shared.
 * @throws Error for a directive that makes no sense
 */
export function strategicMerge(original: Json, patch: Json, type: Struct | undefined): Json {
  const directive = patch[patchMarker];
  if (directive === 'replace') return withoutDirectives(without(patch, patchMarker)) as Json;
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') throw unknownDirective(directive, patch);

  const result = retained(original, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (isDirective(key)) continue;
    if (value !== null) result[key] = mergeField(result[key], value, type?.fields.get(key), patch, key);
  }
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith(elementOrder) && !key.startsWith(primitiveDeletion)) continue;
    const name = key.slice(key.indexOf('/') + 1);
    if (!Array.isArray(value)) throw contentError(`${key} is not a list`);
    // With elements in the patch the directive was handled together with them.
    if (name in patch) continue;
    if (Array.isArray(result[name])) result[name] = mergeList(result[name], [], type?.fields.get(name), patch, name);
  }
  return result;
}

/** A copy of the original, without the keys that the patch sets to null or that $retainKeys does not name. */
function retained(original: Json, patch: Json): Json {
  const keep = patch[retainKeys];
  // Left out rather than deleted: an object of which something was deleted is large and slow ever after.
  const without = (stays: (key: string) => boolean) =>
    Object.fromEntries(Object.entries(original).filter(([key]) => patch[key] !== null && stays(key)));
  if (keep === undefined) return without(() => true);
  if (!Array.isArray(keep)) throw contentError('$retainKeys is not a list of keys');
  for (const key of Object.keys(patch)) {
    if (!isDirective(key) && patch[key] !== null && !keep.includes(key)) {
      throw contentError(`${key} is in the patch but not in $retainKeys`);
    }
  }
  return without((key) => keep.includes(key));
}

function mergeField(current: unknown, value: unknown, field: Field | undefined, patch: Json, key: string): unknown {
  if (isObject(value) && isObject(current)) {
    return strategicMerge(current, value, field ? structOf(field.type) : undefined);
  }
  if (Array.isArray(value) && Array.isArray(current)) return mergeList(current, value, field, patch, key);
  return withoutDirectives(value);
}

/** A map's values have the type of the map's own. Structs know their fields. */
function structOf(type: Type): Struct | undefined {
  if (type.kind === 'struct') return type;
  return undefined;
}

function mergeList(
  current: unknown[],
  change: unknown[],
  field: Field | undefined,
  patch: Json,
  key: string,
): unknown[] {
  const order = patch[elementOrder + key] as unknown[] | undefined;
  const deleted = patch[primitiveDeletion + key] as unknown[] | undefined;
  if (!field?.merge && !deleted)
    return change.length > 0 || key in patch ? (withoutDirectives(change) as unknown[]) : current;
  const element = field?.type.kind === 'list' ? structOf(field.type.element) : undefined;
  if (!element) {
    const kept = deleted ? current.filter((value) => !deleted.includes(value)) : current;
    const merged = [...new Set([...kept, ...change])];
    return order ? inOrder(merged, order, current, (value) => value) : merged;
  }
  const mergeKey = field?.mergeKey;
  if (!mergeKey) throw contentError(`cannot merge lists without merge key for ${key}`);
  const merged = mergeObjects(current, change, element, field, mergeKey);
  return order ? inOrder(merged, order, current, (value) => (isObject(value) ? value[mergeKey] : value)) : merged;
}

function mergeObjects(
  current: unknown[],
  change: unknown[],
  element: Struct,
  field: Field,
  mergeKey: string,
): unknown[] {
  const changes = change.map((item) => {
    if (!isObject(item)) throw contentError(`expected an object in the list, found ${JSON.stringify(item)}`);
    return item;
  });
  const ordinary = changes.filter((item) => item[patchMarker] === undefined);
  if (changes.some((item) => item[patchMarker] === 'replace')) return ordinary.map(withoutDirectives);
  let result = [...current];
  for (const item of changes) {
    const directive = item[patchMarker];
    if (directive === undefined) continue;
    if (directive === 'merge') throw contentError('merging lists cannot yet be specified in the patch');
    if (directive !== 'delete') throw unknownDirective(directive, item);
    if (!(mergeKey in item)) throw contentError('delete patch type with no merge key defined');
    result = result.filter((value) => !isObject(value) || !isDeepStrictEqual(value[mergeKey], item[mergeKey]));
  }
  for (const item of ordinary) {
    if (!(mergeKey in item)) {
      throw contentError(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
    }
    const index = matching(result, item, field, mergeKey);
    if (index < 0) result.push(withoutDirectives(item));
    else result[index] = strategicMerge(result[index] as Json, item, element);
  }
  return result;
}

/**
 * The element a patch element means: the one with its merge key. Where several
 * have it (port 53 over TCP and UDP), the one that agrees in all list keys.
 */
function matching(list: unknown[], item: Json, field: Field, mergeKey: string): number {
  const agrees = (value: unknown, keys: string[]): boolean =>
    isObject(value) && keys.every((key) => isDeepStrictEqual(value[key], item[key]));
  const exact = list.findIndex((value) =>
    agrees(value, [mergeKey, ...(field.listKeys ?? []).filter((key) => key in item)]),
  );
  return exact >= 0 ? exact : list.findIndex((value) => agrees(value, [mergeKey]));
}

/**
 * Orders a merged list: what $setElementOrder names in its order, the rest in
 * between by where it stood before.
 */
function inOrder(
  merged: unknown[],
  order: unknown[],
  before: unknown[],
  identity: (value: unknown) => unknown,
): unknown[] {
  const wanted = order.map(identity);
  const position = (list: unknown[], value: unknown): number =>
    list.findIndex((candidate) => isDeepStrictEqual(candidate, value));
  const was = before.map(identity);
  const byPosition = (list: unknown[]) => (a: unknown, b: unknown) =>
    position(list, identity(a)) - position(list, identity(b));
  const named = merged.filter((value) => position(wanted, identity(value)) >= 0).sort(byPosition(wanted));
  const others = merged.filter((value) => position(wanted, identity(value)) < 0);
  const result: unknown[] = [];
  while (named.length > 0 || others.length > 0) {
    const [left, right] = [others[0], named[0]];
    const leftAt = position(was, identity(left));
    const rightAt = position(was, identity(right));
    const leftFirst = named.length === 0 || (others.length > 0 && leftAt >= 0 && rightAt >= 0 && leftAt < rightAt);
    result.push(leftFirst ? others.shift() : named.shift());
  }
  return result;
}

const isDirective = (key: string): boolean =>
  key === patchMarker || key === retainKeys || key.startsWith(elementOrder) || key.startsWith(primitiveDeletion);

/** A value the original did not have: nulls and directives in it mean nothing. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    for (const item of value) if (isObject(item)) checkDirective(item);
    return value
      .filter((item) => !(isObject(item) && item[patchMarker] !== undefined))
      .map((item) => withoutDirectives(item));
  }
  if (!isObject(value)) return value;
  checkDirective(value);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => !isDirective(key) && inner !== null)
      .map(([key, inner]) => [key, withoutDirectives(inner)]),
  );
}

function checkDirective(patch: Json): void {
  const directive = patch[patchMarker];
  if (directive !== undefined && !['replace', 'delete', 'merge'].includes(directive as string)) {
    throw unknownDirective(directive, patch);
  }
}

function without(object: Json, key: string): Json {
  const { [key]: _, ...rest } = object;
  return rest;
}

function unknownDirective(directive: unknown, patch: Json): Error {
  const shown = Object.entries(patch).map(
    ([key, value]) => `${key}:${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return new Error(`unknown patch type: ${String(directive)} in map: map[${shown.join(' ')}]`);
}

const contentError = (message: string): Error => new Error(`invalid content in patch: ${message}`);

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
