import type { KubeObject, WatchEvent } from '@shared/k8s';
import { kindType, structType, type Field, type SpecialType, type Struct, type Type } from '../table';
import { magic } from './decode';
import { BackwardWriter } from './writer';

/**
 * An object as Kubernetes' protobuf: the envelope that names its kind, and the bytes that Go's
 * encoder makes. What has no pointer is written although it is empty, maps go by key, fields by number.
 * @returns undefined for a kind without a table
 */
export function encodeEnvelope(object: KubeObject): Buffer | undefined {
  const { apiVersion = '', kind = '' } = object;
  // APIVersions alone tells no version of its own.
  const type = kindType(apiVersion || 'v1', kind);
  if (!type) return undefined;
  const out = new BackwardWriter();
  out.text(4, '');
  out.text(3, '');
  writeObject(out, 2, type, object);
  out.message(1, () => {
    out.text(2, kind);
    out.text(1, apiVersion);
  });
  out.raw(magic);
  return out.finish();
}

/** An event of a watch: its length in four bytes, then a WatchEvent with the object's envelope in it. */
export function encodeWatchFrame(type: WatchEvent['type'], envelope: Buffer): Buffer {
  const out = new BackwardWriter();
  out.message(2, () => out.bytes(1, envelope));
  out.text(1, type);
  const event = out.finish();
  const length = Buffer.alloc(4);
  length.writeUInt32BE(event.length);
  return Buffer.concat([length, event]);
}

const known = new WeakMap<object, Buffer>();

/** Writes a whole object, whose bytes are kept as long as it is: stored objects are frozen. */
function writeObject(out: BackwardWriter, number: number, type: Struct, object: unknown): void {
  if (typeof object !== 'object' || object === null || !Object.isFrozen(object)) {
    return out.message(number, () => writeStruct(out, type, object));
  }
  let bytes = known.get(object);
  if (!bytes) {
    const own = new BackwardWriter();
    writeStruct(own, type, object);
    known.set(object, (bytes = own.finish()));
  }
  out.bytes(number, bytes);
}

const isKind = ({ fields }: Struct): boolean =>
  fields.has('apiVersion') && fields.has('kind') && fields.has('metadata');

type Json = Readonly<Record<string, unknown>>;
/** Writes what an object holds of one field. */
type WriteField = (out: BackwardWriter, object: Json) => void;

const writers = new WeakMap<Struct, readonly WriteField[]>();

function writeStruct(out: BackwardWriter, type: Struct, object: unknown): void {
  let fields = writers.get(type);
  if (!fields) {
    fields = type.declared
      .filter((field) => field.number > 0)
      .sort((one, other) => other.number - one.number)
      .map(fieldWriter);
    writers.set(type, fields);
  }
  const json = isObject(object) ? object : {};
  for (const write of fields) write(out, json);
}

function fieldWriter({ name, number, type, pointer }: Field): WriteField {
  if (name === '~') return (out, object) => writeValue(out, number, type, object);
  if (type.kind === 'list' && !type.named) {
    const { element } = type;
    const writeItem = element.kind === 'struct' && isKind(element) ? writeObject : writeValue;
    return (out, object) => {
      const values = object[name];
      if (!Array.isArray(values)) return;
      for (let index = values.length - 1; index >= 0; index--) writeItem(out, number, element as Struct, values[index]);
    };
  }
  if (type.kind === 'map') return (out, object) => writeMap(out, number, type.value, object[name]);
  const canBeAbsent = pointer || type.kind === 'bytes' || type.kind === 'list';
  return (out, object) => {
    const value = object[name];
    if (!canBeAbsent || (value !== undefined && value !== null)) writeValue(out, number, type, value);
  };
}

function writeMap(out: BackwardWriter, number: number, type: Type, map: unknown): void {
  if (!isObject(map)) return;
  for (const key of Object.keys(map).sort().reverse()) {
    out.message(number, () => {
      const value = map[key];
      if (type.kind !== 'bytes' || typeof value === 'string') writeValue(out, 2, type, value);
      out.text(1, key);
    });
  }
}

/** Writes a value with its tag; an absent one as its type's zero. */
function writeValue(out: BackwardWriter, number: number, type: Type, value: unknown): void {
  switch (type.kind) {
    case 'string':
      return out.text(number, String(value ?? ''));
    case 'bytes':
      return out.text(number, String(value ?? ''), 'base64');
    case 'bool':
      return out.flag(number, value === true);
    case 'float64':
      return out.double(number, Number(value ?? 0));
    case 'int32':
    case 'int64':
      return out.whole(number, Number(value ?? 0));
    case 'struct':
      return out.message(number, () => writeStruct(out, type, value));
    case 'map':
      return out.message(number, () => writeMap(out, 1, type.value, value));
    case 'list':
      // A named list (ExtraValue) is a message of its own: repeated items = 1.
      return out.message(number, () => {
        if (Array.isArray(value)) for (const item of value.toReversed()) writeValue(out, 1, type.element, item);
      });
    case 'special':
      return out.message(number, () => writeSpecial(out, type, value));
  }
}

function writeSpecial(out: BackwardWriter, type: SpecialType, value: unknown): void {
  switch (type.special) {
    case 'Quantity':
      return out.text(1, String(value ?? '0'));
    case 'IntOrString': {
      const isText = typeof value === 'string';
      out.text(3, isText ? value : '');
      out.whole(2, isText ? 0 : Number(value ?? 0));
      return out.whole(1, isText ? 1 : 0);
    }
    case 'Time':
    case 'MicroTime':
      return writeTime(out, value);
    case 'SchemaOrArray':
      if (!Array.isArray(value)) return writeValue(out, 1, schemaProps(), value);
      for (const schema of value.toReversed()) writeValue(out, 2, schemaProps(), schema);
      return;
    case 'SchemaOrBool':
      if (isObject(value)) writeValue(out, 2, schemaProps(), value);
      // Go's JSON form of a schema says that more is allowed.
      return out.flag(1, value !== false);
    case 'SchemaOrTexts':
      if (!Array.isArray(value)) return writeValue(out, 1, schemaProps(), value);
      for (const text of value.toReversed()) out.text(2, String(text));
      return;
    default:
      // RawExtension, FieldsV1 and apiextensions' JSON carry JSON as it is; only the last knows a null.
      if (value !== undefined && (value !== null || type.special === 'any')) out.text(1, JSON.stringify(value));
  }
}

const schemaProps = () => structType('apiextensions.v1', 'JSONSchemaProps');

/** Seconds since 1970 and nanoseconds; nothing for a time that is not set. */
function writeTime(out: BackwardWriter, value: unknown): void {
  const milliseconds = typeof value === 'string' ? Date.parse(value) : NaN;
  if (Number.isNaN(milliseconds)) return;
  const fraction = /\.(\d{1,9})/.exec(value as string)?.[1] ?? '';
  out.whole(2, Number(fraction.padEnd(9, '0')));
  out.whole(1, Math.floor(milliseconds / 1000));
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
