import { canonicalQuantity, isQuantity } from '@shared/quantity';
import type { Field, Struct, Type } from './table';

/**
 * The object as Kubernetes would encode it again after decoding: without
 * unknown fields and nulls, without zero values that are left out when empty,
 * quantities in canonical form. What needs no change is shared with the input.
 */
export function normalizeStruct<T extends object>(object: T, type: Struct): T {
  return normalize(object, type) as T;
}

function normalize(value: unknown, type: Type): unknown {
  switch (type.kind) {
    case 'struct':
      return isObject(value) ? mapped(value, (key, inner) => normalizeField(inner, type.fields.get(key))) : value;
    case 'list':
      return Array.isArray(value) ? list(value, type.element) : value;
    case 'map':
      return isObject(value)
        ? mapped(value, (_, inner) => (inner === null ? emptyOf(type.value) : normalize(inner, type.value)))
        : value;
    case 'special':
      if (type.special === 'Quantity' && isQuantity(value)) return canonicalQuantity(value);
      return value;
    default:
      return value;
  }
}

/** A field's value, or undefined when it does not stay. */
function normalizeField(value: unknown, field: Field | undefined): unknown {
  if (!field || value === null || value === undefined) return undefined;
  const result = normalize(value, field.type);
  return field.omit && !field.pointer && isZero(result, field.type) ? undefined : result;
}

function isZero(value: unknown, type: Type): boolean {
  if (type.kind === 'list') return Array.isArray(value) && value.length === 0;
  if (type.kind === 'map') return isObject(value) && Object.keys(value).length === 0;
  return type.kind !== 'struct' && type.kind !== 'special' && (value === '' || value === 0 || value === false);
}

/** What a null in a map comes to: a map holds zero values, which only times write as null. */
function emptyOf(type: Type): unknown {
  switch (type.kind) {
    case 'string':
    case 'bytes':
      return '';
    case 'special':
      return type.special === 'Time' || type.special === 'MicroTime' ? null : undefined;
    default:
      return undefined;
  }
}

/** What a null in a list comes to: a list has no holes. */
function zeroOf(type: Type): unknown {
  switch (type.kind) {
    case 'struct':
      return {};
    case 'string':
    case 'bytes':
      return '';
    case 'bool':
      return false;
    case 'int32':
    case 'int64':
    case 'float64':
      return 0;
    case 'special':
      return type.special === 'Quantity' ? '0' : type.special === 'IntOrString' ? 0 : null;
    default:
      return null;
  }
}

/** The object with each value mapped; undefined leaves the key out. Shared when nothing changed. */
function mapped(
  object: Record<string, unknown>,
  map: (key: string, value: unknown) => unknown,
): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(object)) {
    const value = map(key, object[key]);
    if (value === object[key]) continue;
    copy ??= { ...object };
    if (value === undefined) delete copy[key];
    else copy[key] = value;
  }
  return copy ?? object;
}

function list(values: unknown[], element: Type): unknown[] {
  let copy: unknown[] | undefined;
  for (const [index, value] of values.entries()) {
    const result = value === null ? zeroOf(element) : normalize(value, element);
    if (result !== value) (copy ??= [...values])[index] = result;
  }
  return copy ?? values;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
