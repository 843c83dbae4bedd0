import type { KubeObject } from '@shared/k8s';
import { kindType, structType, type Field, type Special, type Struct, type Type } from '../table';

/** What every envelope begins with. */
export const magic = Buffer.from('k8s\0', 'latin1');

/**
 * Decodes a Kubernetes protobuf envelope into the object that its JSON form
 * would give. @throws Error when it is malformed or of a kind without a table
 */
export function decodeEnvelope(body: Buffer): KubeObject {
  if (!body.subarray(0, 4).equals(magic)) throw new Error('provided data does not appear to be a protobuf message');
  let apiVersion = '';
  let kind = '';
  let raw: Buffer = Buffer.alloc(0);
  for (const { number, bytes } of messageFields(body.subarray(4))) {
    if (number === 1 && bytes) {
      for (const inner of messageFields(bytes)) {
        if (inner.number === 1) apiVersion = inner.bytes?.toString('utf8') ?? '';
        if (inner.number === 2) kind = inner.bytes?.toString('utf8') ?? '';
      }
    } else if (number === 2 && bytes) raw = bytes;
  }
  const type = kindType(apiVersion, kind);
  if (!type) throw new Error(`no kind "${kind}" is registered for version "${apiVersion}"`);
  return { apiVersion, kind, ...decodeStruct(raw, type) };
}

interface WireField {
  number: number;
  /** For varint and fixed fields. */
  value?: bigint;
  /** For length-delimited fields. */
  bytes?: Buffer;
  wire: number;
}

function* messageFields(buffer: Buffer): Generator<WireField> {
  let offset = 0;
  const varint = (): bigint => {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = buffer[offset++];
      if (byte === undefined) throw new Error('unexpected EOF');
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
    throw new Error('proto: integer overflow');
  };
  const take = (length: number): Buffer => {
    if (offset + length > buffer.length) throw new Error('unexpected EOF');
    return buffer.subarray(offset, (offset += length));
  };
  while (offset < buffer.length) {
    const tag = varint();
    const number = Number(tag >> 3n);
    const wire = Number(tag & 7n);
    if (number === 0) throw new Error('proto: illegal tag 0');
    if (wire === 0) yield { number, wire, value: varint() };
    else if (wire === 1) yield { number, wire, value: take(8).readBigUInt64LE() };
    else if (wire === 2) yield { number, wire, bytes: take(Number(varint())) };
    else if (wire === 5) yield { number, wire, value: BigInt(take(4).readUInt32LE()) };
    else throw new Error(`proto: illegal wireType ${wire}`);
  }
}

function decodeStruct(buffer: Buffer, type: Struct): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const byNumber = fieldsByNumber(type);
  for (const wire of messageFields(buffer)) {
    const field = byNumber.get(wire.number);
    if (field) decodeField(wire, field, result);
  }
  return result;
}

const numbered = new WeakMap<Struct, Map<number, Field>>();
function fieldsByNumber(type: Struct): Map<number, Field> {
  let known = numbered.get(type);
  if (!known) {
    known = new Map(type.declared.filter((field) => field.number > 0).map((field) => [field.number, field]));
    numbered.set(type, known);
  }
  return known;
}

function decodeField(wire: WireField, field: Field, into: Record<string, unknown>): void {
  const { type, name } = field;
  if (name === '~') {
    if (type.kind === 'struct' && wire.bytes) Object.assign(into, decodeStruct(wire.bytes, type));
    return;
  }
  if (type.kind === 'list' && !type.named) {
    const values = (into[name] ??= []) as unknown[];
    if (wire.bytes && isPackable(type.element))
      for (const value of unpacked(wire.bytes)) values.push(scalar(value, type.element));
    else values.push(decodeValue(wire, type.element));
    return;
  }
  if (type.kind === 'map') {
    const [key, value] = decodeEntry(wire, type.value);
    ((into[name] ??= {}) as Record<string, unknown>)[key] = value;
    return;
  }
  const value = decodeValue(wire, type);
  // A field without a pointer is always on the wire; JSON leaves its zero value out.
  const absent =
    value === undefined || (field.omit && !field.pointer && (value === '' || value === 0 || value === false));
  if (!absent) into[name] = value;
}

const isPackable = (type: Type): boolean => ['bool', 'int32', 'int64'].includes(type.kind);

function* unpacked(bytes: Buffer): Generator<bigint> {
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) {
      yield value;
      value = shift = 0n;
    } else shift += 7n;
  }
}

function decodeEntry(wire: WireField, type: Type): [string, unknown] {
  let key = '';
  let value: unknown;
  for (const inner of messageFields(wire.bytes ?? Buffer.alloc(0))) {
    if (inner.number === 1) key = inner.bytes?.toString('utf8') ?? '';
    if (inner.number === 2) value = decodeValue(inner, type);
  }
  return [key, value ?? (type.kind === 'string' || type.kind === 'bytes' ? '' : null)];
}

function decodeValue(wire: WireField, type: Type): unknown {
  const bytes = wire.bytes ?? Buffer.alloc(0);
  switch (type.kind) {
    case 'string':
      return bytes.toString('utf8');
    case 'bytes':
      return bytes.toString('base64');
    case 'struct':
      return decodeStruct(bytes, type);
    case 'list': {
      // A named list (ExtraValue) is a message of its own: repeated items = 1.
      const values: unknown[] = [];
      for (const inner of messageFields(bytes)) if (inner.number === 1) values.push(decodeValue(inner, type.element));
      return values;
    }
    case 'special':
      return decodeSpecial(bytes, type.special);
    case 'map':
      return Object.fromEntries([...messageFields(bytes)].map((inner) => decodeEntry(inner, type.value)));
    default:
      return scalar(wire.value ?? 0n, type);
  }
}

function scalar(value: bigint, type: Type): unknown {
  if (type.kind === 'bool') return value !== 0n;
  if (type.kind === 'float64') {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(BigInt.asUintN(64, value));
    return buffer.readDoubleLE();
  }
  return type.kind === 'int32' ? Number(BigInt.asIntN(32, value)) : Number(BigInt.asIntN(64, value));
}

function decodeSpecial(bytes: Buffer, special: Special): unknown {
  const parts = new Map<number, WireField>();
  for (const part of messageFields(bytes)) parts.set(part.number, part);
  const text = (number: number): string => parts.get(number)?.bytes?.toString('utf8') ?? '';
  const whole = (number: number): bigint => BigInt.asIntN(64, parts.get(number)?.value ?? 0n);
  switch (special) {
    case 'Quantity':
      return text(1) || '0';
    case 'IntOrString':
      return whole(1) === 1n ? text(3) : Number(BigInt.asIntN(32, whole(2)));
    case 'Time':
    case 'MicroTime':
      return parts.size === 0 ? undefined : time(whole(1), whole(2), special === 'MicroTime');
    case 'Duration':
      return goDuration(whole(1));
    case 'SchemaOrArray':
    case 'SchemaOrBool':
    case 'SchemaOrTexts':
      return decodeSchemaOr(bytes, special);
    default: {
      // RawExtension and FieldsV1 carry JSON.
      const raw = text(1);
      return raw === '' ? undefined : JSON.parse(raw);
    }
  }
}

/** One of the forms in which a part of a schema may come: a schema, or what the type's name says. */
function decodeSchemaOr(bytes: Buffer, special: 'SchemaOrArray' | 'SchemaOrBool' | 'SchemaOrTexts'): unknown {
  const schemaOf = (part: WireField) =>
    decodeStruct(part.bytes ?? Buffer.alloc(0), structType('apiextensions.v1', 'JSONSchemaProps'));
  const parts = [...messageFields(bytes)];
  const ofNumber = (number: number) => parts.filter((part) => part.number === number);
  const [schema] = ofNumber(special === 'SchemaOrBool' ? 2 : 1);
  if (special === 'SchemaOrBool') return schema ? schemaOf(schema) : ofNumber(1).some(({ value }) => value === 1n);
  if (schema) return schemaOf(schema);
  return ofNumber(2).map((part) =>
    special === 'SchemaOrArray' ? schemaOf(part) : (part.bytes?.toString('utf8') ?? ''),
  );
}

function time(seconds: bigint, nanos: bigint, micro: boolean): string {
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return micro ? `${text}.${String(nanos / 1000n).padStart(6, '0')}Z` : `${text}Z`;
}

/** Nanoseconds as Go prints a duration: `1h0m0s`, `1.5s`, `10ms`. */
function goDuration(nanos: bigint): string {
  const sign = nanos < 0n ? '-' : '';
  const amount = nanos < 0n ? -nanos : nanos;
  if (amount === 0n) return '0s';
  if (amount < 1_000n) return `${sign}${amount}ns`;
  if (amount < 1_000_000n) return `${sign}${Number(amount) / 1e3}µs`;
  if (amount < 1_000_000_000n) return `${sign}${Number(amount) / 1e6}ms`;
  const hours = amount / 3_600_000_000_000n;
  const minutes = (amount / 60_000_000_000n) % 60n;
  const seconds = Number(amount % 60_000_000_000n) / 1e9;
  return `${sign}${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${seconds}s`;
}
