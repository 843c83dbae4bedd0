import type { FieldError } from '../kind';
import { differences } from '../validation/differences';
import { forbidden, invalidEach, tooLong } from '../validation/field';
import { configMapKey } from '../validation/strings';

/** How much a ConfigMap or Secret may hold, in bytes. */
const sizeLimit = 1024 * 1024;

type Entries = Record<string, string> | undefined;

/** Faults of the keys of a map of data. */
export function validateKeys(entries: Entries, path: string): FieldError[] {
  return Object.keys(entries ?? {}).flatMap((key) => invalidEach(`${path}[${key}]`, key, configMapKey(key)));
}

/** Fault of more data than an object may hold. @param binary maps whose values are base64 */
export function validateSize(field: string, texts: Entries, binary: Entries): FieldError[] {
  const size =
    Object.values(texts ?? {}).reduce((sum, text) => sum + Buffer.byteLength(text, 'utf8'), 0) +
    Object.values(binary ?? {}).reduce((sum, text) => sum + Buffer.byteLength(text, 'base64'), 0);
  return size > sizeLimit ? [tooLong(field, sizeLimit)] : [];
}

/** Faults of changing what says of itself that it does not change. */
export function validateImmutable(
  object: { immutable?: boolean } & Record<string, any>,
  old: { immutable?: boolean } & Record<string, any>,
  fields: string[],
): FieldError[] {
  if (!old.immutable) return [];
  const message = 'field is immutable when `immutable` is set';
  return [
    ...(object.immutable ? [] : [forbidden('immutable', message)]),
    ...fields
      .filter((field) => differences(old[field] ?? {}, object[field] ?? {}, field).length > 0)
      .map((field) => forbidden(field, message)),
  ];
}
