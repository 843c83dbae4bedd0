import { setImmediate } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { KubeObject } from '@shared/k8s';
import { encodeWatchFrame } from '../api/schema/protobuf/encode';
import type { ApiSchema } from '../api/schema/types';
import { listParts } from './long-list';
import { contentTypeOf, type Media } from './negotiation';
import type { ListPayload, Payload, WatchDelivery } from './types';

/** Objects that are encoded in a row: some ten milliseconds. */
const preparedAtOnce = 100;

/** A response body with its media type. */
export interface Body {
  contentType: string;
  text: string | Uint8Array;
}

type Document = Extract<Payload, { type: 'object' | 'list' }>;

/** Makes bytes of answers; what has its JSON already is not encoded again. */
export interface Encoder {
  /** An object, a list or text. Objects without a protobuf form come as JSON. */
  body(payload: Document | Extract<Payload, { type: 'text' | 'bytes' }>, media: Media, pretty: boolean): Body;
  /** Encodes the objects of a long list in protobuf, a few at a time: others are served in between. */
  prepare(list: ListPayload): Promise<void>;
  /** An event of a watch: a line of JSON, or a frame. */
  event(delivery: WatchDelivery, media: Media): Buffer;
}

export function createEncoder(schema: Pick<ApiSchema, 'encodeProtobuf'>): Encoder {
  const line = remembering(({ type, object }) => Buffer.from(`{"type":"${type}","object":${object.json}}\n`));
  const frame = remembering(({ type, object }) =>
    encodeWatchFrame(type, schema.encodeProtobuf(object.value) ?? noForm(object.value)),
  );
  return {
    event: (delivery, media) => (media === 'protobuf' ? frame(delivery) : line(delivery)),
    async prepare({ items }) {
      // Only what is frozen keeps its bytes.
      if (!Object.isFrozen(items[0]?.value)) return;
      for (const [index, { value }] of items.entries()) {
        schema.encodeProtobuf(value);
        if (index % preparedAtOnce === preparedAtOnce - 1) await setImmediate();
      }
    },
    body(payload, media, pretty) {
      if (payload.type === 'text') return { contentType: payload.contentType, text: payload.text };
      if (payload.type === 'bytes') return { contentType: payload.contentType, text: payload.bytes };
      const contentType = payload.type === 'object' ? payload.contentType : undefined;
      if (media === 'protobuf' && !contentType) {
        const envelope = schema.encodeProtobuf(valueOf(payload));
        if (envelope) return { contentType: contentTypeOf(media), text: envelope };
      }
      const json = jsonOf(payload);
      if (media === 'yaml' && !contentType) {
        // Aliases are legal YAML that few readers of manifests know.
        return {
          contentType: contentTypeOf(media),
          text: stringify(JSON.parse(json), { aliasDuplicateObjects: false }),
        };
      }
      const text = pretty ? JSON.stringify(JSON.parse(json), null, 2) : json;
      return { contentType: contentType ?? contentTypeOf('json'), text };
    },
  };
}

/** One change goes to all its watchers in a row: remembering the last one is enough to encode it once. */
function remembering(encode: (delivery: WatchDelivery) => Buffer): (delivery: WatchDelivery) => Buffer {
  let last: { object: object; type: string; bytes: Buffer } | undefined;
  return (delivery) => {
    const { object, type } = delivery;
    if (last?.object !== object || last.type !== type) last = { object, type, bytes: encode(delivery) };
    return last.bytes;
  };
}

const jsonOf = (payload: Document): string =>
  payload.type === 'list'
    ? [...listParts(payload)].join('')
    : (payload.object.json ?? JSON.stringify(payload.object.value));

function valueOf(payload: Document): KubeObject {
  if (payload.type === 'object') return payload.object.value;
  const { kind, apiVersion, metadata, items } = payload;
  return { kind, apiVersion, metadata, items: items.map((item) => item.value) } as KubeObject;
}

/** @throws Error: negotiation offers protobuf only where there is a table */
function noForm({ apiVersion, kind }: KubeObject): never {
  throw new Error(`${apiVersion} ${kind} has no protobuf form`);
}
