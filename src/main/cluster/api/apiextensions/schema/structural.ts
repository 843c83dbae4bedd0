import type { FieldError } from '../../kind';
import { regexpFault } from '../../schema/regexp';
import { forbidden, invalid, notSupported, required } from '../../validation/field';
import type { JsonSchema } from '../types';
import { applyDefaults } from './defaults';
import { checkObject, isObject, pruneObject } from './prune';
import { compileRules } from './rules';
import { validateValue } from './values';

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
/** What a structural schema cannot say. */
const unsupported = ['definitions', 'dependencies', 'patternProperties', 'additionalItems', 'id', '$ref'];
/** What only says what values look like, and so has no place inside a combination of schemas. */
const structure = ['description', 'type', 'default', 'additionalProperties', 'nullable'];

/** Everything that keeps a schema from being structural, and every rule in it that does not compile. */
export function validateSchema(schema: JsonSchema, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.type === undefined) errors.push(required(`${at}.type`, 'must not be empty at the root'));
  else if (schema.type !== 'object') errors.push(invalid(`${at}.type`, schema.type, 'must be object at the root'));
  if (schema.nullable) errors.push(forbidden(`${at}.nullable`, 'nullable cannot be true at the root'));
  errors.push(...validateRootMetadata(schema, at), ...validateNode(schema, at, 'root'));
  // Only what is sound otherwise can be compiled and tried out.
  if (errors.length > 0) return errors;
  return [...validateRules(schema, at), ...validateDefaults(schema, at)];
}

function validateRootMetadata(schema: JsonSchema, at: string): FieldError[] {
  const metadata = schema.properties?.metadata;
  if (!metadata) return [];
  const place = `${at}.properties[metadata]`;
  const fields = Object.keys(metadata).filter((name) => !['type', 'description', 'properties'].includes(name));
  const names = Object.keys(metadata.properties ?? {}).filter((name) => !['name', 'generateName'].includes(name));
  return names.length > 0 || fields.length > 0
    ? [
        forbidden(
          place,
          'must not specify anything other than name and generateName, but metadata is implicitly specified',
        ),
      ]
    : [];
}

type Role = 'root' | 'object fields' | 'array items' | 'map values';

function validateNode(schema: JsonSchema, at: string, role: Role): FieldError[] {
  const errors = [...validateNames(schema, at), ...validateTypes(schema, at, role), ...validateLists(schema, at)];
  const { properties, additionalProperties, items } = schema;
  if (properties && additionalProperties !== undefined && additionalProperties !== false) {
    errors.push(forbidden(`${at}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  }
  for (const [name, inner] of Object.entries(properties ?? {})) {
    errors.push(...validateNode(inner, `${at}.properties[${name}]`, 'object fields'));
  }
  if (typeof additionalProperties === 'object') {
    errors.push(...validateNode(additionalProperties, `${at}.additionalProperties`, 'map values'));
  }
  if (Array.isArray(items)) {
    errors.push(forbidden(`${at}.items`, 'items must be a schema object and not an array'));
  } else if (items) errors.push(...validateNode(items, `${at}.items`, 'array items'));
  return [...errors, ...validateCombinations(schema, at)];
}

function validateNames(schema: JsonSchema, at: string): FieldError[] {
  const all = schema as Record<string, unknown>;
  const errors = unsupported
    .filter((name) => all[name] !== undefined)
    .map((name) => forbidden(`${at}.${name}`, `${name} is not supported`));
  if (schema.uniqueItems) {
    errors.push(
      forbidden(
        `${at}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  }
  if (schema.additionalProperties === false) {
    errors.push(forbidden(`${at}.additionalProperties`, 'additionalProperties cannot be set to false'));
  }
  const fault = schema.pattern === undefined ? undefined : regexpFault(schema.pattern);
  if (fault !== undefined) {
    const why = `must be a valid regular expression, but isn't: ${fault}`;
    errors.push(invalid(`${at}.pattern`, schema.pattern, why));
  }
  return errors;
}

function validateTypes(schema: JsonSchema, at: string, role: Role): FieldError[] {
  const { type } = schema;
  if (schema['x-kubernetes-int-or-string']) {
    return type ? [invalid(`${at}.type`, type, 'must be empty if x-kubernetes-int-or-string is true')] : [];
  }
  if (schema['x-kubernetes-embedded-resource'] && type !== 'object') {
    return [required(`${at}.type`, 'must be object if x-kubernetes-embedded-resource is true')];
  }
  if (type) return types.includes(type) ? [] : [notSupported(`${at}.type`, type, types)];
  if (role === 'root' || schema['x-kubernetes-preserve-unknown-fields']) return [];
  return [required(`${at}.type`, `must not be empty for specified ${role}`)];
}

function validateLists(schema: JsonSchema, at: string): FieldError[] {
  const { type, items } = schema;
  const list = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'];
  const errors: FieldError[] = [];
  if (type === 'array' && !items) errors.push(required(`${at}.items`, 'must be specified'));
  if (list && type !== 'array') {
    errors.push(invalid(`${at}.type`, type ?? '', 'must be array if x-kubernetes-list-type is specified'));
  }
  if (list && !['atomic', 'set', 'map'].includes(list)) {
    errors.push(notSupported(`${at}.x-kubernetes-list-type`, list, ['atomic', 'map', 'set']));
  }
  if (list === 'map' && !keys?.length) {
    errors.push(required(`${at}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'));
  }
  if (keys?.length && list !== 'map') {
    errors.push(
      invalid(`${at}.x-kubernetes-list-type`, list ?? '', 'must be map if x-kubernetes-list-map-keys is non-empty'),
    );
  }
  for (const [index, key] of (list === 'map' ? (keys ?? []) : []).entries()) {
    const property = items?.properties?.[key];
    const place = `${at}.x-kubernetes-list-map-keys[${index}]`;
    if (!property) errors.push(invalid(place, key, 'must be the name of a property of the items of the list'));
    else if (property.default === undefined && !items?.required?.includes(key)) {
      errors.push(
        required(
          `${at}.items.properties[${key}].default`,
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      );
    }
  }
  const map = schema['x-kubernetes-map-type'];
  if (map && map !== 'atomic' && map !== 'granular') {
    errors.push(notSupported(`${at}.x-kubernetes-map-type`, map, ['atomic', 'granular']));
  }
  return errors;
}

function validateCombinations(schema: JsonSchema, at: string): FieldError[] {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  return [
    ...allOf.flatMap((one, index) => validateInner(one, `${at}.allOf[${index}]`, intOrString)),
    ...anyOf.flatMap((one, index) => validateInner(one, `${at}.anyOf[${index}]`, intOrString)),
    ...oneOf.flatMap((one, index) => validateInner(one, `${at}.oneOf[${index}]`, intOrString)),
    ...(not ? validateInner(not, `${at}.not`, false) : []),
  ];
}

function validateInner(schema: JsonSchema, at: string, intOrString: boolean): FieldError[] {
  const all = schema as Record<string, unknown>;
  const errors = structure
    // The choice between a number and a text may be spelled out.
    .filter((name) => all[name] !== undefined && !(name === 'type' && intOrString))
    .map((name) => forbidden(`${at}.${name}`, 'must be empty to be structural'));
  for (const name of Object.keys(all).filter((key) => key.startsWith('x-kubernetes-'))) {
    if (name !== 'x-kubernetes-validations') errors.push(forbidden(`${at}.${name}`, 'must be false to be structural'));
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    errors.push(...validateInner(inner, `${at}.properties[${name}]`, false));
  }
  if (isObject(schema.items)) errors.push(...validateInner(schema.items as JsonSchema, `${at}.items`, false));
  return [
    ...errors,
    ...validateNames({ ...schema, additionalProperties: undefined }, at),
    ...validateCombinations(schema, at),
  ];
}

function validateRules(schema: JsonSchema, at: string): FieldError[] {
  const errors: FieldError[] = [];
  compileRules(schema, at, (place, index, field, message) => {
    const rule = `${place}.x-kubernetes-validations[${index}]`;
    errors.push(invalid(`${rule}.${field}`, ruleAt(schema, at, place, index)?.[field] ?? '', message));
  });
  return [...errors, ...emptyRules(schema, at)];
}

/** The rule that a fault speaks of. */
function ruleAt(schema: JsonSchema, at: string, place: string, index: number) {
  let node: JsonSchema | undefined = schema;
  for (const [, name, other] of place
    .slice(at.length)
    .matchAll(/\.properties\[(.*?)\](?=\.|$)|\.(items|additionalProperties)/g)) {
    node = (name === undefined ? node?.[other as 'items'] : node?.properties?.[name]) as JsonSchema | undefined;
  }
  return node?.['x-kubernetes-validations']?.[index];
}

function emptyRules(schema: JsonSchema, at: string): FieldError[] {
  return (schema['x-kubernetes-validations'] ?? []).flatMap((rule, index): FieldError[] => {
    const place = `${at}.x-kubernetes-validations[${index}]`;
    if (!rule.rule?.trim()) return [required(`${place}.rule`, 'rule is not specified')];
    if (rule.message !== undefined && !rule.message.trim()) {
      return [invalid(`${place}.message`, rule.message, 'message must be non-empty if specified')];
    }
    return rule.rule.includes('\n') && !rule.message
      ? [required(`${place}.message`, 'message must be specified if rule contains line breaks')]
      : [];
  });
}

/** Defaults that their own schema would refuse. */
function validateDefaults(schema: JsonSchema, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.default !== undefined) {
    const value = structuredClone(schema.default);
    applyDefaults(value, schema);
    const unknown = isObject(value) ? checkObject(value, schema) : [];
    if (unknown.length > 0 && isObject(value)) {
      const pruned = JSON.stringify(pruneObject(value, schema));
      errors.push(invalid(`${at}.default`, schema.default, `must not have unknown fields: ${pruned} would be stored`));
    }
    errors.push(...validateValue(value, schema, `${at}.default`));
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    errors.push(...validateDefaults(inner, `${at}.properties[${name}]`));
  }
  if (schema.items) errors.push(...validateDefaults(schema.items, `${at}.items`));
  if (typeof schema.additionalProperties === 'object') {
    errors.push(...validateDefaults(schema.additionalProperties, `${at}.additionalProperties`));
  }
  return errors;
}
