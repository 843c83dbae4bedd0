import { keyedElement, sameItem, valueElement } from './elements';
import { finished, itself, member, type FieldSet, type FieldSetDraft } from './field-set';
import { partNamed, type Keyed, type Parts, type Shape } from './shape';

type Json = Record<string, unknown>;

/** The fields that `next` has and `old` has not, or has with another value. */
export const changedFields = (shape: Shape, old: unknown, next: unknown): FieldSet | undefined =>
  added(shape, old, next, true);

/** The fields that `old` has and `next` has not. */
export const removedFields = (shape: Shape, old: unknown, next: unknown): FieldSet | undefined =>
  added(shape, next, old, false);

/** What comes in with `next`. Whatever was not there before counts with everything that is in it. */
function added(shape: Shape, old: unknown, next: unknown, changed: boolean): FieldSet | undefined {
  if (old === next || next === undefined) return undefined;
  switch (shape.kind) {
    case 'parts':
      if (isObject(next) && (old === undefined || old === null || isObject(old)))
        return parts(shape, old, next, changed);
      break;
    case 'untyped':
      if (isObject(next) && (old === undefined || old === null || isObject(old))) {
        return parts(untypedParts, old, next, changed);
      }
      break;
    case 'keyed':
      if (Array.isArray(next) && (old === undefined || old === null || Array.isArray(old))) {
        return keyed(shape, old, next, changed);
      }
      break;
    case 'values':
      if (Array.isArray(next) && (old === undefined || old === null || Array.isArray(old))) return values(old, next);
      break;
  }
  if (old === undefined) return member;
  return changed && !equal(old, next) ? member : undefined;
}

const untypedParts: Parts = { kind: 'parts', fields: new Map(), others: { kind: 'untyped' } };

function parts(shape: Parts, old: Json | undefined | null, next: Json, changed: boolean): FieldSet | undefined {
  let draft: FieldSetDraft | undefined = old === undefined ? { [itself]: member } : undefined;
  for (const name in next) {
    const value = next[name];
    const before = old ? old[name] : undefined;
    if (before === value) continue;
    const part = partNamed(shape, name);
    if (!part) continue;
    const inner = added(part.shape, before, value, changed);
    if (inner) (draft ??= {})[part.element] = inner;
  }
  return draft && finished(draft);
}

function keyed(
  shape: Keyed,
  old: unknown[] | undefined | null,
  next: unknown[],
  changed: boolean,
): FieldSet | undefined {
  let draft: FieldSetDraft | undefined = old === undefined ? { [itself]: member } : undefined;
  for (let index = 0; index < next.length; index++) {
    const item = next[index];
    let before: unknown = old?.[index];
    if (before === item) continue;
    // Lists keep their order almost always.
    if (before === undefined || !sameItem(shape, before, item)) {
      before = old?.find((candidate) => sameItem(shape, candidate, item));
    }
    const inner = added(shape.element, before, item, changed);
    if (inner) (draft ??= {})[keyedElement(shape, item)] = inner;
  }
  return draft && finished(draft);
}

function values(old: unknown[] | undefined | null, next: unknown[]): FieldSet | undefined {
  const draft: FieldSetDraft = old === undefined ? { [itself]: member } : {};
  for (const value of next) if (!old?.includes(value)) draft[valueElement(value)] = member;
  return finished(draft);
}

/** Whether two JSON values say the same. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => equal(item, b[index]));
  }
  if (Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => key in b && equal((a as Json)[key], (b as Json)[key]))
  );
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
