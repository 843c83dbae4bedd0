import type { Json } from './resource';

/** Writes protobuf messages. Fields that are empty are left out, as proto3 has it. */
class Message {
  private readonly parts: Buffer[] = [];

  text(number: number, value: unknown): this {
    return typeof value === 'string' && value !== '' ? this.bytes(number, Buffer.from(value)) : this;
  }

  flag(number: number, value: unknown): this {
    if (value === true) this.parts.push(varint(number << 3), varint(1));
    return this;
  }

  whole(number: number, value: unknown): this {
    if (typeof value === 'number' && value !== 0) this.parts.push(varint(number << 3), varint(value));
    return this;
  }

  double(number: number, value: unknown): this {
    if (typeof value !== 'number' || value === 0) return this;
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    this.parts.push(varint((number << 3) | 1), bytes);
    return this;
  }

  message(number: number, value: Message | undefined): this {
    return value ? this.bytes(number, value.finish()) : this;
  }

  messages(number: number, values: readonly Message[] = []): this {
    for (const value of values) this.message(number, value);
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.parts);
  }

  private bytes(number: number, value: Buffer): this {
    this.parts.push(varint((number << 3) | 2), varint(value.length), value);
    return this;
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

const entries = (object: Json | undefined): [string, any][] => Object.entries(object ?? {});

/** JSON is YAML too. */
const any = (value: unknown): Message => new Message().text(2, JSON.stringify(value));
const anys = (values: unknown): Message[] => (Array.isArray(values) ? values.map(any) : []);

function named(name: string, value: Message): Message {
  return new Message().text(1, name).message(2, value);
}

const extensions = (object: Json): Message[] =>
  entries(object)
    .filter(([name]) => name.startsWith('x-'))
    .map(([name, value]) => named(name, any(value)));

function texts(number: number, values: unknown, message = new Message()): Message {
  for (const value of Array.isArray(values) ? values : []) message.text(number, value);
  return message;
}

/**
 * An OpenAPI v2 document as the protobuf message `openapi.v2.Document` (gnostic's
 * OpenAPIv2.proto, whose field numbers these are): what kubectl up to 1.28 asks for.
 */
export function encodeOpenApiV2(document: Json): Buffer {
  const { swagger, info, paths, definitions } = document;
  const pathMessages = entries(paths).map(([path, item]) => named(path, pathItem(item)));
  const schemas = entries(definitions).map(([name, definition]) => named(name, schema(definition)));
  return new Message()
    .text(1, swagger)
    .message(2, new Message().text(1, info?.title).text(2, info?.version))
    .message(8, new Message().messages(2, pathMessages))
    .message(9, new Message().messages(1, schemas))
    .finish();
}

function pathItem(item: Json): Message {
  const method = (name: string) => (item[name] ? operation(item[name]) : undefined);
  return new Message()
    .message(2, method('get'))
    .message(3, method('put'))
    .message(4, method('post'))
    .message(5, method('delete'))
    .message(8, method('patch'))
    .messages(9, (item.parameters ?? []).map(parameter));
}

function operation(one: Json): Message {
  const message = texts(1, one.tags).text(3, one.description).text(5, one.operationId);
  texts(6, one.produces, message);
  texts(7, one.consumes, message);
  const responses = entries(one.responses).map(([code, response]) => {
    const body = response.schema ? new Message().message(1, schema(response.schema)) : undefined;
    return named(code, new Message().message(1, new Message().text(1, response.description).message(2, body)));
  });
  return message
    .messages(8, (one.parameters ?? []).map(parameter))
    .message(9, new Message().messages(1, responses))
    .messages(13, extensions(one));
}

function parameter(one: Json): Message {
  const { name, in: place, required, description, type, format, uniqueItems } = one;
  const wrapped = (inner: Message) => new Message().message(1, inner);
  if (place === 'body') {
    const body = new Message()
      .text(1, description)
      .text(2, name)
      .text(3, place)
      .flag(4, required)
      .message(5, schema(one.schema));
    return wrapped(new Message().message(1, body));
  }
  const head = new Message().flag(1, required).text(2, place).text(3, description).text(4, name);
  const inQuery = place === 'query';
  const rest = inQuery
    ? head.text(6, type).text(7, format).flag(20, uniqueItems)
    : head.text(5, type).text(6, format).flag(19, uniqueItems);
  return wrapped(new Message().message(2, new Message().message(inQuery ? 3 : 4, rest)));
}

function schema(one: Json): Message {
  const { additionalProperties: others, items, properties } = one;
  const message = new Message().text(1, one.$ref).text(2, one.format).text(3, one.title).text(4, one.description);
  if (one.default !== undefined) message.message(5, any(one.default));
  message
    .double(6, one.multipleOf)
    .double(7, one.maximum)
    .flag(8, one.exclusiveMaximum)
    .double(9, one.minimum)
    .flag(10, one.exclusiveMinimum)
    .whole(11, one.maxLength)
    .whole(12, one.minLength)
    .text(13, one.pattern)
    .whole(14, one.maxItems)
    .whole(15, one.minItems)
    .flag(16, one.uniqueItems)
    .whole(17, one.maxProperties)
    .whole(18, one.minProperties);
  texts(19, one.required, message).messages(20, anys(one.enum));
  if (others === true) message.message(21, new Message().flag(2, true));
  else if (others) message.message(21, new Message().message(1, schema(others)));
  if (one.type) message.message(22, texts(1, [one.type]));
  if (items) message.message(23, new Message().message(1, schema(items)));
  if (properties) {
    const fields = entries(properties).map(([name, property]) => named(name, schema(property)));
    message.message(25, new Message().messages(1, fields));
  }
  return message.messages(31, extensions(one));
}
