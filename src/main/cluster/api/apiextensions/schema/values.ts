import { isDeepStrictEqual } from 'node:util';
import type { FieldError } from '../../kind';
import { regexpFault, regexpOf, TooMuchWork } from '../../schema/regexp';
import { forbidden, required } from '../../validation/field';
import type { JsonSchema } from '../types';
import { hasFormat } from './formats';
import { isObject } from './prune';

/**
 * Everything a value is not that its schema asks for, in the API server's words.
 * @param at its place, as in `spec.ports[0]`; '' for the object itself
 * @param old what it was before, where something corresponds to it: what did not change is let be
 */
export function validateValue(value: unknown, schema: JsonSchema, at: string, old?: unknown): FieldError[] {
  if (value === null && schema.nullable) return [];
  if (old !== undefined && isDeepStrictEqual(value, old)) return [];
  const wrong = typeFault(value, schema, at);
  if (wrong) return [wrong];
  const errors = [...enumFault(value, schema, at), ...combined(value, schema, at)];
  if (typeof value === 'number') errors.push(...numberFaults(value, schema, at));
  if (typeof value === 'string') errors.push(...textFaults(value, schema, at));
  if (Array.isArray(value)) errors.push(...listFaults(value, schema, at, old));
  else if (isObject(value)) errors.push(...objectFaults(value, schema, at, old));
  return errors;
}

/** A fault in the words of the schema's own checker: `PLACE in body PROBLEM`. */
const fault = (at: string, value: unknown, problem: string): FieldError => ({
  type: 'Invalid',
  field: at || '<nil>',
  value,
  detail: `${at} in body ${problem}`.trimStart(),
});

const tooMany = (at: string, actual: number, most: number): FieldError => ({
  type: 'TooMany',
  field: at,
  value: actual,
  detail: `must have at most ${most} items`,
});

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function typeFault(value: unknown, schema: JsonSchema, at: string): FieldError | undefined {
  const actual = typeOf(value);
  if (schema['x-kubernetes-int-or-string']) {
    if (actual === 'integer' || actual === 'string') return undefined;
    return typeInvalid(at, actual, 'integer,string');
  }
  const { type } = schema;
  if (!type || type === actual || (type === 'number' && actual === 'integer')) return undefined;
  return typeInvalid(at, actual, type);
}

const typeInvalid = (at: string, actual: string, wanted: string): FieldError => ({
  type: 'TypeInvalid',
  field: at || '<nil>',
  value: actual,
  detail: `${at} in body must be of type ${wanted}: ${JSON.stringify(actual)}`.trimStart(),
});

function enumFault(value: unknown, schema: JsonSchema, at: string): FieldError[] {
  if (!schema.enum || schema.enum.some((one) => JSON.stringify(one) === JSON.stringify(value))) return [];
  const supported = schema.enum.map((one) => JSON.stringify(one));
  return [{ type: 'NotSupported', field: at, value, detail: `supported values: ${supported.join(', ')}` }];
}

function numberFaults(value: number, schema: JsonSchema, at: string): FieldError[] {
  const { maximum, minimum, multipleOf, exclusiveMaximum, exclusiveMinimum, type, format } = schema;
  const errors: FieldError[] = [];
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    errors.push(fault(at, value, `should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`));
  }
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    errors.push(fault(at, value, `should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`));
  }
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
    errors.push(fault(at, value, `should be a multiple of ${multipleOf}`));
  }
  if (type === 'integer' && format === 'int32' && (value | 0) !== value) {
    errors.push(fault(at, value, `must be of type int32: ${JSON.stringify(value)}`));
  }
  return errors;
}

function patternFaults(value: string, pattern: string, at: string): FieldError[] {
  if (regexpFault(pattern) !== undefined) return [];
  try {
    return regexpOf(pattern).test(value) ? [] : [fault(at, value, `should match '${pattern}'`)];
  } catch (error) {
    if (!(error instanceof TooMuchWork)) throw error;
    return [{ type: 'Forbidden', field: at, detail: `cannot be matched against '${pattern}': ${error.message}` }];
  }
}

function textFaults(value: string, schema: JsonSchema, at: string): FieldError[] {
  const { maxLength, minLength, pattern, format } = schema;
  const errors: FieldError[] = [];
  const length = maxLength === undefined && minLength === undefined ? 0 : [...value].length;
  if (maxLength !== undefined && length > maxLength) {
    errors.push({ type: 'TooLong', field: at, detail: `may not be more than ${maxLength} bytes` });
  }
  if (minLength !== undefined && length < minLength) {
    errors.push(fault(at, value, `should be at least ${minLength} chars long`));
  }
  if (pattern !== undefined) errors.push(...patternFaults(value, pattern, at));
  if (format !== undefined && !schema['x-kubernetes-int-or-string'] && !hasFormat(value, format)) {
    errors.push(fault(at, value, `must be of type ${format}: ${JSON.stringify(value)}`));
  }
  return errors;
}

function listFaults(value: unknown[], schema: JsonSchema, at: string, old: unknown): FieldError[] {
  const { maxItems, minItems, items } = schema;
  const errors: FieldError[] = [];
  if (maxItems !== undefined && value.length > maxItems) errors.push(tooMany(at, value.length, maxItems));
  if (minItems !== undefined && value.length < minItems) {
    errors.push(fault(at, value.length, `should have at least ${minItems} items`));
  }
  for (const [index, item] of items ? value.entries() : []) {
    errors.push(...validateValue(item, items!, `${at}[${index}]`, correlated(item, old, schema)));
  }
  return [...errors, ...duplicates(value, schema, at)];
}

/** The element of the old list that an element was; only lists with keys can tell. */
export function correlated(item: unknown, old: unknown, schema: JsonSchema): unknown {
  if (!Array.isArray(old) || schema['x-kubernetes-list-type'] !== 'map' || !isObject(item)) return undefined;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return old.find((one) => isObject(one) && keys.every((key) => one[key] === item[key]));
}

/** Elements that are there twice, where the list's type says that they may not be. */
function duplicates(value: unknown[], schema: JsonSchema, at: string): FieldError[] {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const keyOf = (item: unknown): unknown => {
    if (type === 'set' || !isObject(item)) return item;
    const named = keys.map((key) => [key, item[key] ?? schema.items?.properties?.[key]?.default]);
    return Object.fromEntries(named.filter(([, part]) => part !== undefined));
  };
  const seen = new Set<string>();
  return value.flatMap((item, index): FieldError[] => {
    const key = keyOf(item);
    const text = JSON.stringify(key);
    if (seen.has(text)) return [{ type: 'Duplicate', field: `${at}[${index}]`, value: key, detail: '' }];
    seen.add(text);
    return [];
  });
}

function objectFaults(value: Record<string, unknown>, schema: JsonSchema, at: string, old: unknown): FieldError[] {
  const { maxProperties, minProperties, properties = {}, additionalProperties } = schema;
  const count = Object.keys(value).length;
  const errors: FieldError[] = [];
  const former = isObject(old) ? old : {};
  const under = (key: string) => (at ? `${at}.${key}` : key);
  if (maxProperties !== undefined && count > maxProperties) errors.push(tooMany(at, count, maxProperties));
  if (minProperties !== undefined && count < minProperties) {
    errors.push(fault(at, count, `should have at least ${minProperties} properties`));
  }
  for (const key of schema.required ?? []) if (value[key] === undefined) errors.push(required(under(key)));
  if (schema['x-kubernetes-embedded-resource']) {
    for (const key of ['apiVersion', 'kind']) if (!value[key]) errors.push(required(under(key), 'must not be empty'));
  }
  for (const [key, inner] of Object.entries(value)) {
    if (inner === undefined) continue;
    if (Object.hasOwn(properties, key)) errors.push(...validateValue(inner, properties[key]!, under(key), former[key]));
    else if (typeof additionalProperties === 'object') {
      errors.push(...validateValue(inner, additionalProperties, under(key), former[key]));
    } else if (additionalProperties === false) errors.push(forbidden(under(key), 'is a forbidden property'));
  }
  return errors;
}

/** allOf, anyOf, oneOf and not. */
function combined(value: unknown, schema: JsonSchema, at: string): FieldError[] {
  const { allOf = [], anyOf, oneOf, not } = schema;
  const problem = (text: string): FieldError => ({
    type: 'Invalid',
    field: at || '<nil>',
    value: '',
    detail: `${JSON.stringify(at)} must ${text}`,
  });
  const errors = allOf.flatMap((one) => validateValue(value, one, at));
  if (errors.length > 0) errors.push(problem('validate all the schemas (allOf)'));
  if (anyOf) {
    const tries = anyOf.map((one) => validateValue(value, one, at));
    if (!tries.some((faults) => faults.length === 0)) {
      errors.push(problem('validate at least one schema (anyOf)'), ...nearest(tries));
    }
  }
  if (oneOf) {
    const tries = oneOf.map((one) => validateValue(value, one, at));
    const valid = tries.filter((faults) => faults.length === 0).length;
    if (valid === 0)
      errors.push(problem('validate one and only one schema (oneOf). Found none valid'), ...nearest(tries));
    if (valid > 1) errors.push(problem(`validate one and only one schema (oneOf). Found ${valid} valid alternatives`));
  }
  if (not && validateValue(value, not, at).length === 0) errors.push(problem('not validate the schema (not)'));
  return errors;
}

/** The faults of the alternative that comes closest. */
const nearest = (tries: FieldError[][]): FieldError[] =>
  tries.reduce((best, faults) => (faults.length < best.length ? faults : best), tries[0] ?? []);
