import { stringify } from 'yaml';
import { listParts } from './long-list';
import type { Payload, WatchDelivery } from './types';
import type { Negotiated } from './views';

/** A response body with its media type. */
export interface Body {
  contentType: string;
  text: string | Uint8Array;
}

/** Encodes an object, list or text; what has its JSON already is not encoded again. */
export function encodeBody(
  payload: Extract<Payload, { type: 'object' | 'list' | 'text' | 'bytes' }>,
  media: Negotiated['media'],
  pretty: boolean,
): Body {
  if (payload.type === 'text') return { contentType: payload.contentType, text: payload.text };
  if (payload.type === 'bytes') return { contentType: payload.contentType, text: payload.bytes };
  const contentType = payload.type === 'object' ? payload.contentType : undefined;
  const json =
    payload.type === 'list'
      ? [...listParts(payload)].join('')
      : (payload.object.json ?? JSON.stringify(payload.object.value));
  if (media === 'yaml' && !contentType) {
    // Aliases are legal YAML that few readers of manifests know.
    return { contentType: 'application/yaml', text: stringify(JSON.parse(json), { aliasDuplicateObjects: false }) };
  }
  const text = pretty ? JSON.stringify(JSON.parse(json), null, 2) : json;
  return { contentType: contentType ?? 'application/json', text };
}

let last: { object: object; type: string; line: Buffer } | undefined;

/**
 * An event as one line of JSON. One change goes to all its watchers in a row,
 * so remembering the last line is enough to encode it once.
 */
export function eventLine({ type, object }: WatchDelivery): Buffer {
  if (last?.object === object && last.type === type) return last.line;
  const line = Buffer.from(`{"type":"${type}","object":${object.json}}\n`);
  last = { object, type, line };
  return line;
}
