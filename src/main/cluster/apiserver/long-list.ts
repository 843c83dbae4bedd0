import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { ListPayload } from './types';

/** Items from which a list is written in parts. */
export const longListItems = 256;
/** Characters of a part: large enough to be encrypted in one go, small enough that a client reads while more is made. */
const partLength = 256 * 1024;

/** Writes a list of JSON that is there already, part by part, so that neither side waits for the whole of it. */
export async function writeLongList(response: ServerResponse, list: ListPayload): Promise<void> {
  for (const part of listParts(list)) {
    if (response.destroyed) return;
    if (!response.write(Buffer.from(part))) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end();
}

/** The JSON text of a list in parts of about the same length. */
export function* listParts(list: ListPayload): Generator<string> {
  const head = JSON.stringify({ kind: list.kind, apiVersion: list.apiVersion, metadata: list.metadata });
  let pieces = [`${head.slice(0, -1)},"items":[`];
  let length = 0;
  let separator = '';
  for (const { json } of list.items) {
    pieces.push(separator, json);
    separator = ',';
    length += json.length;
    if (length < partLength) continue;
    yield pieces.join('');
    pieces = [];
    length = 0;
  }
  yield `${pieces.join('')}]}`;
}
