import type { Part, Shape } from '../../schema/fields/shape';
import { untyped } from '../../schema/fields/shape';
import type { JsonSchema } from '../types';

const atom: Shape = { kind: 'atom' };

/** How the fields of a schema's values are owned: as its list types and map types say. */
export function schemaShape(schema: JsonSchema | undefined): Shape {
  if (!schema) return untyped;
  if (schema.type === 'array') return listShape(schema);
  if (schema['x-kubernetes-map-type'] === 'atomic') return atom;
  const { properties, additionalProperties } = schema;
  const open = schema['x-kubernetes-preserve-unknown-fields'] || additionalProperties === true;
  if (schema.type !== 'object') return open ? untyped : atom;
  const fields = new Map(
    Object.entries(properties ?? {}).map(([name, inner]): [string, Part] => [
      name,
      { element: `f:${name}`, shape: schemaShape(inner), named: true },
    ]),
  );
  if (typeof additionalProperties === 'object') {
    return { kind: 'parts', fields, others: schemaShape(additionalProperties) };
  }
  return open ? { kind: 'parts', fields, others: untyped } : { kind: 'parts', fields };
}

function listShape({ items, ...list }: JsonSchema): Shape {
  const type = list['x-kubernetes-list-type'];
  if (type === 'set') return { kind: 'values' };
  const names = list['x-kubernetes-list-map-keys'] ?? [];
  if (type !== 'map' || names.length === 0) return atom;
  return {
    kind: 'keyed',
    keys: [...names].sort().map((name) => ({ name, fallback: items?.properties?.[name]?.default })),
    element: schemaShape(items),
  };
}
