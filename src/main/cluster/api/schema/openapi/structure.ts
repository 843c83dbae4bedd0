import type { Json } from './resource';

const onlyV3 = ['oneOf', 'anyOf', 'allOf', 'not', 'nullable', 'x-kubernetes-validations'];

/**
 * A custom kind's schema in what OpenAPI v2 can say. Where it can say less than
 * the schema, it says nothing: clients that check by it must refuse no good object.
 */
export function withoutV3(schema: Json): Json {
  const { properties, items, additionalProperties, ...rest } = schema;
  const plain = Object.fromEntries(Object.entries(rest).filter(([key]) => !onlyV3.includes(key)));
  if (schema.nullable || schema['x-kubernetes-int-or-string'] || schema['x-kubernetes-preserve-unknown-fields']) {
    delete plain.type;
    delete plain.required;
    return plain;
  }
  return {
    ...plain,
    ...(properties
      ? {
          properties: Object.fromEntries(
            Object.entries(properties as Json).map(([name, inner]) => [name, withoutV3(inner as Json)]),
          ),
        }
      : {}),
    ...(items ? { items: withoutV3(items as Json) } : {}),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: withoutV3(additionalProperties) } : {}),
  };
}
