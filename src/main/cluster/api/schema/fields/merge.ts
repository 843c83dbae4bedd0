import { isObject } from './compare';
import { keyedElement, valueElement } from './elements';
import { finished, isMember, itself, member, type FieldSet, type FieldSetDraft } from './field-set';
import { partNamed, untyped, type Keyed, type Parts, type Shape } from './shape';

type Json = Record<string, unknown>;

const untypedParts: Parts = { kind: 'parts', fields: new Map(), others: untyped };

/** The fields that an applied configuration names: what its manager says it owns. */
export function namedFields(shape: Shape, config: unknown): FieldSet | undefined {
  const parts = partsOf(shape, config);
  if (parts) {
    const draft: FieldSetDraft = {};
    for (const [name, value] of Object.entries(config as Json)) {
      const part = partNamed(parts, name);
      if (!part || value === undefined) continue;
      const inner = namedFields(part.shape, value);
      const whole = value === null || (isObject(value) && Object.keys(value).length === 0);
      if (whole) draft[part.element] = member;
      else if (!part.named) draft[part.element] = withItself(inner);
      else if (inner) draft[part.element] = inner;
    }
    return finished(draft);
  }
  if (shape.kind === 'keyed' && Array.isArray(config)) {
    const draft: FieldSetDraft = {};
    for (const item of config) draft[keyedElement(shape, item)] = withItself(namedFields(shape.element, item));
    return finished(draft);
  }
  if (shape.kind === 'values' && Array.isArray(config)) {
    return finished(Object.fromEntries(config.map((value) => [valueElement(value), member])));
  }
  // A null has no parts; the one above says that it is there.
  return config === null && shape.kind !== 'atom' ? undefined : member;
}

const withItself = (set: FieldSet | undefined): FieldSet =>
  set === undefined || isMember(set) ? (set ?? member) : { [itself]: member, ...set };

function partsOf(shape: Shape, value: unknown): Parts | undefined {
  if (!isObject(value)) return undefined;
  return shape.kind === 'parts' ? shape : shape.kind === 'untyped' ? untypedParts : undefined;
}

/** The live value with the configuration laid over it. Neither is changed; what stays the same is shared. */
export function mergeApplied(shape: Shape, live: unknown, config: unknown): unknown {
  if (config === undefined) return live;
  const parts = partsOf(shape, config);
  if (parts) {
    const before = isObject(live) ? live : {};
    const result: Json = { ...before };
    for (const [name, value] of Object.entries(config as Json)) {
      const part = partNamed(parts, name);
      if (part)
        set(result, name, mergeApplied(part.shape, Object.hasOwn(before, name) ? before[name] : undefined, value));
    }
    return result;
  }
  if (!Array.isArray(config) || !Array.isArray(live)) return config;
  if (shape.kind === 'values') {
    return mergeLists(live, config, valueElement, (_, item) => item);
  }
  if (shape.kind === 'keyed') {
    return mergeLists(
      live,
      config,
      (item) => keyedElement(shape, item),
      (old, item) => mergeApplied(shape.element, old, item),
    );
  }
  return config;
}

/** A name like `__proto__` is a key like any other. */
function set(object: Json, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
  } else object[name] = value;
}

/**
 * Two lists as one: the configured items in their order, the others where they
 * stood in between.
 */
function mergeLists(
  live: unknown[],
  config: unknown[],
  elementOf: (item: unknown) => string,
  merge: (old: unknown, item: unknown) => unknown,
): unknown[] {
  const here = live.map(elementOf);
  const at = new Map(here.map((element, index) => [element, index]));
  const wanted = config.map(elementOf);
  const configured = new Set(wanted);
  const shared = wanted.filter((element) => at.has(element));
  const result: unknown[] = [];
  let cursor = 0;
  const passOthers = (until: string | undefined) => {
    for (; cursor < live.length && here[cursor] !== until; cursor++) {
      if (!configured.has(here[cursor]!)) result.push(live[cursor]);
    }
  };
  let next = 0;
  for (const [index, item] of config.entries()) {
    passOthers(shared[next]);
    const old = at.get(wanted[index]!);
    result.push(old === undefined ? item : merge(live[old], item));
    if (old !== undefined) next++;
  }
  passOthers(undefined);
  return result;
}

/**
 * The value without what its manager applied before and nobody owns any more.
 * @param last what the manager owned @param kept what anyone owns now
 * @returns undefined when nothing is left
 */
export function pruneApplied(
  shape: Shape,
  value: unknown,
  last: FieldSet | undefined,
  kept: FieldSet | undefined,
): unknown {
  if (last === undefined) return value;
  const parts = partsOf(shape, value);
  if (parts) return pruneParts(parts, value as Json, last, kept);
  if (!Array.isArray(value) || (shape.kind !== 'keyed' && shape.kind !== 'values')) return value;
  return pruneList(shape, value, last, kept);
}

function pruneParts(shape: Parts, value: Json, last: FieldSet, kept: FieldSet | undefined): Json | undefined {
  let result: Json | undefined;
  for (const name of Object.keys(value)) {
    const part = partNamed(shape, name);
    const before = part && last[part.element];
    if (!before) continue;
    const now = kept?.[part.element];
    // A struct's field goes with what was in it; a map's key only when it was owned itself.
    const goes = now === undefined && (part.named || isMember(before));
    const left = goes ? undefined : pruneApplied(part.shape, value[name], before, now);
    if (left === value[name]) continue;
    result ??= { ...value };
    if (left === undefined) delete result[name];
    else set(result, name, left);
  }
  if (!result) return value;
  return Object.keys(result).length > 0 ? result : undefined;
}

function pruneList(
  shape: Keyed | { kind: 'values' },
  value: unknown[],
  last: FieldSet,
  kept: FieldSet | undefined,
): unknown[] | undefined {
  let different = false;
  const result: unknown[] = [];
  for (const item of value) {
    const element = shape.kind === 'keyed' ? keyedElement(shape, item) : valueElement(item);
    const before = last[element];
    const now = kept?.[element];
    const goes = before !== undefined && now === undefined && isMember(before);
    const left = goes || !before || shape.kind === 'values' ? item : pruneApplied(shape.element, item, before, now);
    different ||= goes || left !== item;
    if (!goes && left !== undefined) result.push(left);
  }
  if (!different) return value;
  return result.length > 0 ? result : undefined;
}
