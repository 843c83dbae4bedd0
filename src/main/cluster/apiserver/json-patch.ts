import { apiError, badRequest } from '../api/errors';
import { cloneJson, jsonEqual } from '../json';
import { isObject } from './json';

interface Operation {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

const maxOperations = 10_000;

/** The answer to a patch that does not fit the object. */
export function unprocessable(message: string) {
  return apiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {
    causes: [{ reason: 'UnexpectedServerResponse', message }],
  });
}

/**
 * Applies an RFC 6902 patch to a draft, which it changes.
 * @throws ApiError 400 for a malformed patch, 413 for a huge one, 422 when it does not apply
 */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: a JSON patch must be an array of operations');
  if (patch.length > maxOperations) {
    const message = `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`;
    throw apiError(413, 'RequestEntityTooLarge', message);
  }
  let result = document;
  for (const operation of patch) result = applyOperation(result, checked(operation));
  return result;
}

function checked(operation: unknown): Operation {
  if (!isObject(operation) || typeof operation.op !== 'string' || typeof operation.path !== 'string') {
    throw badRequest('error decoding patch: every operation needs "op" and "path"');
  }
  return operation as unknown as Operation;
}

function applyOperation(document: unknown, { op, path, from, value = null }: Operation): unknown {
  switch (op) {
    case 'add':
      return put(document, pointer(path), cloneJson(value), false);
    case 'replace':
      return put(document, pointer(path), cloneJson(value), true);
    case 'remove':
      return take(document, pointer(path));
    case 'move': {
      const source = pointer(from ?? '');
      if (path.startsWith(`${from}/`)) throw unprocessable(`move operation cannot move "${from}" into itself`);
      const moved = read(document, source);
      return put(take(document, source), pointer(path), moved, false);
    }
    case 'copy':
      return put(document, pointer(path), cloneJson(read(document, pointer(from ?? ''))), false);
    case 'test': {
      if (!jsonEqual(find(document, pointer(path)) ?? null, value)) {
        throw unprocessable(`testing value ${path} failed: test failed`);
      }
      return document;
    }
    default:
      throw unprocessable(`Unexpected kind: ${op}`);
  }
}

/** The parts of an RFC 6901 pointer. */
function pointer(path: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw unprocessable(`"${path}" is no JSON pointer`);
  return path
    .slice(1)
    .split('/')
    .map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'));
}

function find(document: unknown, parts: string[]): unknown {
  let at = document;
  for (const part of parts) {
    if (Array.isArray(at)) at = /^\d+$/.test(part) ? at[Number(part)] : undefined;
    else if (isObject(at) && Object.hasOwn(at, part)) at = at[part];
    else return undefined;
  }
  return at;
}

function read(document: unknown, parts: string[]): unknown {
  const value = find(document, parts);
  if (value === undefined) throw unprocessable(`/${parts.join('/')}: path not found`);
  return value;
}

/** The array or object that holds the last part. */
function holder(document: unknown, parts: string[]): unknown[] | Record<string, unknown> {
  const container = find(document, parts.slice(0, -1));
  if (!Array.isArray(container) && !isObject(container)) {
    throw unprocessable(`doc is missing path: "/${parts.join('/')}": missing value`);
  }
  return container;
}

function position(part: string, most: number): number {
  if (!/^(0|[1-9]\d{0,8})$/.test(part) || Number(part) > most) {
    throw unprocessable(`Unable to access invalid index: ${part}: invalid index referenced`);
  }
  return Number(part);
}

function put(document: unknown, parts: string[], value: unknown, replace: boolean): unknown {
  if (parts.length === 0) return value;
  const container = holder(document, parts);
  const last = parts.at(-1)!;
  if (Array.isArray(container)) {
    if (replace) container[position(last, container.length - 1)] = value;
    else container.splice(last === '-' ? container.length : position(last, container.length), 0, value);
  } else {
    if (replace && !Object.hasOwn(container, last)) {
      throw unprocessable(`replace operation does not apply: doc is missing key: /${parts.join('/')}: missing value`);
    }
    if (last === '__proto__') throw unprocessable('a key may not be named __proto__');
    container[last] = value;
  }
  return document;
}

function take(document: unknown, parts: string[]): unknown {
  if (parts.length === 0) return null;
  const container = holder(document, parts);
  const last = parts.at(-1)!;
  if (Array.isArray(container)) container.splice(position(last, container.length - 1), 1);
  else if (Object.hasOwn(container, last)) delete container[last];
  else throw unprocessable(`remove operation does not apply: doc is missing path: /${parts.join('/')}: missing value`);
  return document;
}

/** Applies an RFC 7386 merge patch to a draft: null takes away, objects merge, all else replaces. */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const target: Record<string, unknown> = isObject(document) ? document : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key === '__proto__') continue;
    if (value === null) delete target[key];
    else target[key] = applyMergePatch(target[key], value);
  }
  return target;
}
