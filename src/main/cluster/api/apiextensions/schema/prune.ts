import { checkStruct } from '../../schema/check';
import { normalizeStruct } from '../../schema/normalize';
import { structType } from '../../schema/table';
import type { StructureError } from '../../schema/types';
import type { JsonSchema } from '../types';

type Json = Record<string, unknown>;

const identity = () => structType('meta.v1', 'PartialObjectMetadata');
const identityFields = ['apiVersion', 'kind', 'metadata'];

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The faults of a custom object that its decoder finds: unknown fields, and metadata of the wrong form. */
export function checkObject(object: Json, schema: JsonSchema | undefined): StructureError[] {
  const faults = checkStruct(pick(object, true), identity());
  if (schema) walk(pick(object, false), schema, '', (path) => faults.push(unknown(path)));
  return faults;
}

/** The object without fields that its schema does not know. Shares with it what stays the same. */
export function pruneObject<T extends object>(object: T, schema: JsonSchema | undefined): T {
  const own = pick(object as Json, false);
  const pruned = schema ? (walk(own, schema, '', () => {}) as Json) : own;
  return { ...normalizeStruct(pick(object as Json, true), identity()), ...pruned } as T;
}

const unknown = (path: string): StructureError => ({
  kind: 'unknown',
  path,
  message: `unknown field ${JSON.stringify(path)}`,
});

function pick(object: Json, identities: boolean): Json {
  return Object.fromEntries(Object.entries(object).filter(([key]) => identityFields.includes(key) === identities));
}

/** The value without what the schema does not know; `found` is told of each. */
function walk(value: unknown, schema: JsonSchema, path: string, found: (path: string) => void): unknown {
  if (schema['x-kubernetes-embedded-resource'] && isObject(value)) {
    for (const fault of checkStruct(pick(value, true), identity())) {
      if (fault.kind === 'unknown') found(`${path}.${fault.path}`);
    }
    const own = within(pick(value, false), schema, path, found) as Json;
    return { ...normalizeStruct(pick(value, true), identity()), ...own };
  }
  return within(value, schema, path, found);
}

function within(value: unknown, schema: JsonSchema, path: string, found: (path: string) => void): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.map((item, index) => walk(item, items, `${path}[${index}]`, found)) : value;
  }
  if (!isObject(value)) return value;
  const { properties = {}, additionalProperties } = schema;
  const open = schema['x-kubernetes-preserve-unknown-fields'] || additionalProperties === true;
  const result: Json = {};
  for (const [key, inner] of Object.entries(value)) {
    const at = path ? `${path}.${key}` : key;
    const known = Object.hasOwn(properties, key) ? properties[key] : undefined;
    const schemaOf = known ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
    if (schemaOf) result[key] = walk(inner, schemaOf, at, found);
    else if (open) result[key] = inner;
    else found(at);
  }
  return result;
}
