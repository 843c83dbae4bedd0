import type { JsonSchema } from '../types';
import { isObject } from './prune';

/**
 * Sets what is left out and has a default, deeply, and takes away nulls where null
 * is no value. Changes the object itself; defaults are copied into it.
 */
export function applyDefaults(value: unknown, schema: JsonSchema): void {
  if (Array.isArray(value)) {
    if (schema.items) for (const item of value) applyDefaults(item, schema.items);
    return;
  }
  if (!isObject(value)) return;
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    if (value[key] === null && !inner.nullable) delete value[key];
    if (value[key] === undefined) {
      if (inner.default === undefined) continue;
      value[key] = structuredClone(inner.default);
    }
    applyDefaults(value[key], inner);
  }
  const { additionalProperties } = schema;
  if (typeof additionalProperties !== 'object') return;
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(schema.properties ?? {}, key)) applyDefaults(value[key], additionalProperties);
  }
}

/** Whether anything in the schema has a default or may have to take a null away. */
export function hasDefaults(schema: JsonSchema): boolean {
  const { items, properties = {}, additionalProperties } = schema;
  if (schema.default !== undefined) return true;
  if (items && hasDefaults(items)) return true;
  if (typeof additionalProperties === 'object' && hasDefaults(additionalProperties)) return true;
  return Object.values(properties).some(hasDefaults);
}
