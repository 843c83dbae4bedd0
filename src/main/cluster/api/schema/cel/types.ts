import type { Environment } from '@marcbachmann/cel-js';
import { same } from './lists';
import { celValue, escapedName } from './values';

/** As much of a structural schema as decides what type its values have. */
export interface CelSchema {
  type?: string;
  format?: string;
  nullable?: boolean;
  properties?: Record<string, CelSchema>;
  additionalProperties?: CelSchema | boolean;
  items?: CelSchema;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
}

const scalars: Record<string, string> = { boolean: 'bool', integer: 'int', number: 'double' };
const formats: Record<string, string> = {
  byte: 'bytes',
  date: 'google.protobuf.Timestamp',
  'date-time': 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
};

/**
 * Declares the type of a schema's values and answers its name.
 * @param known the types declared so far: the same schema is one type
 */
export function declareType(environment: Environment, schema: CelSchema, known: Map<CelSchema, string>): string {
  const declare = (of: CelSchema): string => {
    if (of['x-kubernetes-int-or-string']) return 'dyn';
    if (of.type === 'string') return formats[of.format ?? ''] ?? 'string';
    if (of.type === 'array') return of.items ? `list<${declare(of.items)}>` : 'list';
    if (of.type !== 'object') return scalars[of.type ?? ''] ?? 'dyn';
    if (typeof of.additionalProperties === 'object') return `map<string, ${declare(of.additionalProperties)}>`;
    if (!of.properties || of['x-kubernetes-preserve-unknown-fields']) return 'dyn';
    const declared = known.get(of);
    if (declared) return declared;
    const own = known.size === 0 ? 'Object' : `Object.${known.size}`;
    known.set(of, own);
    const fields: Record<string, string> = {};
    for (const [key, inner] of Object.entries(withIdentity(of))) {
      const spelled = escapedName(key);
      // A type that may be null compares with null, which the checker allows for dyn alone.
      if (spelled !== undefined) fields[spelled] = inner.nullable ? 'dyn' : declare(inner);
    }
    environment.registerType(own, { fields });
    environment.registerOperator(`${own} == ${own}`, same);
    return own;
  };
  return declare(schema);
}

const text: CelSchema = { type: 'string' };

function withIdentity(schema: CelSchema): Record<string, CelSchema> {
  if (!schema['x-kubernetes-embedded-resource']) return schema.properties!;
  const metadata: CelSchema = { type: 'object', properties: { name: text, generateName: text } };
  return { apiVersion: text, kind: text, metadata, ...schema.properties };
}

/** A value of a schema as expressions see it: numbers and times by their declared type, names escaped. */
export function typedValue(value: unknown, schema: CelSchema | undefined): unknown {
  if (!schema || schema['x-kubernetes-int-or-string']) return celValue(value);
  if (typeof value === 'number') return schema.type === 'number' || !Number.isInteger(value) ? value : BigInt(value);
  if (typeof value === 'string') return typedText(value, schema);
  if (Array.isArray(value)) return value.map((inner) => typedValue(inner, schema.items));
  if (typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = Object.create(null);
  const additional = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  for (const [key, inner] of Object.entries(value)) {
    const property = schema.properties?.[key];
    const spelled = additional ? key : (escapedName(key) ?? key);
    result[spelled] = typedValue(inner, property ?? additional);
  }
  return result;
}

function typedText(value: string, { type, format }: CelSchema): unknown {
  if (type !== 'string') return value;
  if (format === 'byte') return Buffer.from(value, 'base64');
  if (format === 'date' || format === 'date-time') {
    const time = new Date(value);
    return Number.isNaN(time.getTime()) ? value : time;
  }
  return value;
}
