import { isQuantity } from '@shared/quantity';
import type { StructureError } from './types';
import { structType, type Scalar, type SpecialType, type Struct, type Type } from './table';

/** Where a value stands, for the two ways Kubernetes names a place. */
interface Place {
  /** `spec.containers[0].env[1]` */
  path: string;
  /** `spec.containers.env`: how the JSON decoder names it */
  decoder: string;
  /** The struct that holds it. */
  struct: string;
}

const int32 = { least: -2_147_483_648, most: 2_147_483_647 };
const quantityRule = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** Every fault of structure of an object, in the order of its fields. */
export function checkStruct(object: unknown, type: Struct): StructureError[] {
  const faults: StructureError[] = [];
  checkValue(object, type, { path: '', decoder: '', struct: '' }, faults);
  return faults;
}

function checkValue(value: unknown, type: Type, place: Place, faults: StructureError[]): void {
  // null is how JSON says "not set", whatever the type.
  if (value === null || value === undefined) return;
  switch (type.kind) {
    case 'struct':
      if (!isObject(value)) return void faults.push(wrongType(value, type.go, place));
      for (const key of Object.keys(value)) {
        const field = type.fields.get(key);
        const path = place.path ? `${place.path}.${key}` : key;
        if (!field) {
          faults.push({ kind: 'unknown', path, message: `unknown field ${JSON.stringify(path)}` });
          continue;
        }
        const decoder = place.decoder ? `${place.decoder}.${key}` : key;
        checkValue(value[key], field.type, { path, decoder, struct: type.name }, faults);
      }
      return;
    case 'list':
      if (!Array.isArray(value)) return void faults.push(wrongType(value, type.go, place));
      for (const [index, element] of value.entries()) {
        checkValue(element, type.element, { ...place, path: `${place.path}[${index}]` }, faults);
      }
      return;
    case 'map':
      if (!isObject(value)) return void faults.push(wrongType(value, type.go, place));
      for (const key of Object.keys(value)) {
        checkValue(value[key], type.value, { ...place, path: `${place.path}.${key}` }, faults);
      }
      return;
    case 'special':
      checkSpecial(value, type, place, faults);
      return;
    default:
      checkScalar(value, type, place, faults);
  }
}

function checkScalar(value: unknown, type: Scalar, place: Place, faults: StructureError[]): void {
  const wrong = (): void => void faults.push(wrongType(value, type.go, place));
  switch (type.kind) {
    case 'string':
      if (typeof value !== 'string') wrong();
      return;
    case 'bool':
      if (typeof value !== 'boolean') wrong();
      return;
    case 'bytes':
      if (typeof value !== 'string') return wrong();
      checkBase64(value, place, faults);
      return;
    case 'float64':
      if (typeof value !== 'number') wrong();
      return;
    default: {
      const fits =
        typeof value === 'number' &&
        Number.isInteger(value) &&
        (type.kind === 'int64' || (value >= int32.least && value <= int32.most));
      if (!fits) wrong();
    }
  }
}

function checkSpecial(value: unknown, type: SpecialType, place: Place, faults: StructureError[]): void {
  const fault = (message: string): void => void faults.push({ kind: 'type', path: place.path, message });
  switch (type.special) {
    case 'Quantity':
      if (!isQuantity(value)) fault(quantityRule);
      return;
    case 'IntOrString':
      if (typeof value === 'string') return;
      if (typeof value !== 'number' || !Number.isInteger(value))
        fault(`json: cannot unmarshal ${jsonName(value)} into Go value of type int32`);
      return;
    case 'Time':
    case 'MicroTime':
      if (typeof value !== 'string') fault(`json: cannot unmarshal ${jsonName(value)} into Go value of type string`);
      else if (value !== '' && !isTime(value)) {
        fault(
          `parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(value)} as "2006"`,
        );
      }
      return;
    case 'Duration':
      if (typeof value !== 'string') fault(`json: cannot unmarshal ${jsonName(value)} into Go value of type string`);
      return;
    case 'SchemaOrArray':
      for (const schema of Array.isArray(value) ? value : [value]) checkValue(schema, jsonSchema(), place, faults);
      return;
    case 'SchemaOrBool':
      if (typeof value !== 'boolean') checkValue(value, jsonSchema(), place, faults);
      return;
    case 'FieldsV1':
      if (!isObject(value)) faults.push(wrongType(value, type.go, place));
      return;
    default:
  }
}

const jsonSchema = (): Struct => structType('apiextensions.v1', 'JSONSchemaProps');

const isTime = (value: string): boolean =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value));

function checkBase64(value: string, place: Place, faults: StructureError[]): void {
  // Line breaks are allowed, as YAML block scalars bring them.
  const text = value.replace(/[\r\n]/g, '');
  const bad = /[^A-Za-z0-9+/=]|=[^=]/.exec(text)?.index;
  if (bad === undefined && text.length % 4 === 0) return;
  const at = bad ?? text.length - (text.length % 4);
  faults.push({ kind: 'type', path: place.path, message: `illegal base64 data at input byte ${at}` });
}

function wrongType(value: unknown, go: string, place: Place): StructureError {
  const fraction = typeof value === 'number' && /^u?int/.test(go) ? ` ${value}` : '';
  const where = place.struct ? `Go struct field ${place.struct}.${place.decoder}` : 'Go value';
  return {
    kind: 'type',
    path: place.path,
    message: `json: cannot unmarshal ${jsonName(value)}${fraction} into ${where} of type ${go}`,
  };
}

function jsonName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
