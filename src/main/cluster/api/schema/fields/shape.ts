import { kindType, structType, type Field, type Struct, type Type } from '../table';

/** How fields are owned, by their place in an object: as a whole, or part by part. */
export type Shape = Atom | Parts | Keyed | Values | Untyped;

/** One value with one owner: scalars, and lists, maps and structs that are atomic. */
export interface Atom {
  kind: 'atom';
}
/** A struct or a map: each field has owners of its own. */
export interface Parts {
  kind: 'parts';
  /** The fields of a struct; none for a map. */
  readonly fields: ReadonlyMap<string, Part>;
  /** What is under any other name: the values of a map. */
  readonly others?: Shape;
  /** Names that are nobody's. */
  readonly without?: ReadonlySet<string>;
}
/** A list of structs, told apart by some of their fields. */
export interface Keyed {
  kind: 'keyed';
  /** In the order in which they are written down. */
  keys: readonly { name: string; fallback?: unknown }[];
  readonly element: Shape;
}
/** A list of scalars, each owned by itself. */
export interface Values {
  kind: 'values';
}
/** A value without a table: objects are owned by their keys, all else as a whole. */
export interface Untyped {
  kind: 'untyped';
}
export interface Part {
  /** The field as a path element: `f:NAME`. */
  element: string;
  readonly shape: Shape;
  /** A field of a struct, not a key of a map. */
  named: boolean;
}

/** The part of an object that a request is about: all but status, status alone, or everything. */
export type View = 'main' | 'status' | 'all';

const atom: Atom = { kind: 'atom' };
const values: Values = { kind: 'values' };
export const untyped: Untyped = { kind: 'untyped' };

/** What the server itself writes into metadata has no owner. */
const serverMetadata = new Set([
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
]);
const identity = new Set(['apiVersion', 'kind', 'metadata']);

const shapes = new WeakMap<Struct, Shape>();
const roots = new Map<string, Parts>();

const customRoots = new WeakMap<Shape, Map<View, Parts>>();

/**
 * The shape of a kind's objects. Kinds without a table are owned key by key, their lists as a whole.
 * @param custom what the schema of a kind without a table says of it
 */
export function objectShape(apiVersion: string, kind: string, view: View, custom?: Shape): Parts {
  if (custom) return customRoot(custom, view);
  const key = `${apiVersion}/${kind}/${view}`;
  const known = roots.get(key);
  if (known) return known;
  const type = kindType(apiVersion, kind);
  const root = makeRoot(type, view);
  // What clients made up is not remembered.
  if (type) roots.set(key, root);
  return root;
}

function customRoot(shape: Shape, view: View): Parts {
  const views = customRoots.get(shape) ?? new Map<View, Parts>();
  customRoots.set(shape, views);
  let root = views.get(view);
  if (!root) {
    root = makeRoot(undefined, view);
    if (shape.kind === 'parts') {
      const fields = new Map(root.fields);
      for (const [name, part] of shape.fields) {
        if (identity.has(name) || (view !== 'all' && (name === 'status') !== (view === 'status'))) continue;
        fields.set(name, part);
      }
      const others = view === 'status' ? undefined : shape.others;
      root = { kind: 'parts', fields, others, ...(root.without ? { without: root.without } : {}) };
    }
    views.set(view, root);
  }
  return root;
}

function makeRoot(type: Struct | undefined, view: View): Parts {
  const fields = new Map<string, Part>();
  const serves = (name: string) =>
    !identity.has(name) && (view === 'all' || (name === 'status') === (view === 'status'));
  for (const field of type?.fields.values() ?? []) if (serves(field.name)) fields.set(field.name, partOf(field));
  if (view !== 'status') {
    const metadata = new Map<string, Part>();
    for (const field of structType('meta.v1', 'ObjectMeta').fields.values()) {
      if (!serverMetadata.has(field.name)) metadata.set(field.name, partOf(field));
    }
    fields.set('metadata', { element: 'f:metadata', shape: { kind: 'parts', fields: metadata }, named: true });
  }
  if (type) return { kind: 'parts', fields };
  if (view === 'status') {
    return { kind: 'parts', fields: new Map([['status', { element: 'f:status', shape: untyped, named: false }]]) };
  }
  const without = new Set(view === 'all' ? identity : [...identity, 'status']);
  return { kind: 'parts', fields, others: untyped, without };
}

/** The part of a shape under a name; undefined for what is nobody's. */
export function partNamed(shape: Parts, name: string): Part | undefined {
  const part = shape.fields.get(name);
  if (part || !shape.others || shape.without?.has(name)) return part;
  return { element: `f:${name}`, shape: shape.others, named: false };
}

function partOf(field: Field): Part {
  let shape: Shape | undefined;
  return {
    element: `f:${field.name}`,
    get shape() {
      return (shape ??= fieldShape(field));
    },
    named: true,
  };
}

function fieldShape(field: Field): Shape {
  if (field.atomic) return atom;
  const { type } = field;
  return type.kind === 'list' ? listShape(field, type.element) : typeShape(type);
}

/** Lists are atomic unless their field says how to tell elements apart. */
function listShape(field: Field, element: Type): Shape {
  const list = field.list ?? (field.merge ? (field.mergeKey ? 'map' : 'set') : 'atomic');
  if (list === 'set') return values;
  const names = field.listKeys ?? (field.mergeKey ? [field.mergeKey] : []);
  if (list !== 'map' || names.length === 0 || element.kind !== 'struct') return atom;
  const keys = [...names].sort().map((name) => ({ name, fallback: element.fields.get(name)?.default }));
  return {
    kind: 'keyed',
    keys,
    get element() {
      return typeShape(element);
    },
  };
}

function typeShape(type: Type): Shape {
  if (type.kind === 'map') return { kind: 'parts', fields: new Map(), others: typeShape(type.value) };
  if (type.kind === 'special') return type.special === 'RawExtension' || type.special === 'any' ? untyped : atom;
  if (type.kind !== 'struct' || type.atomic) return atom;
  const known = shapes.get(type);
  if (known) return known;
  let fields: Map<string, Part> | undefined;
  const shape: Parts = {
    kind: 'parts',
    get fields() {
      return (fields ??= new Map([...type.fields.values()].map((field) => [field.name, partOf(field)])));
    },
  };
  shapes.set(type, shape);
  return shape;
}

const zeros = new Map<string, object>();

/**
 * An object of the kind as it is encoded before anybody set anything: what is in
 * it was there already when the first manager came.
 */
export function zeroObject(apiVersion: string, kind: string): object {
  const key = `${apiVersion}/${kind}`;
  const known = zeros.get(key);
  if (known) return known;
  const type = kindType(apiVersion, kind);
  if (!type) return { metadata: {} };
  const zero = zeroOf(type);
  zeros.set(key, zero);
  return zero;
}

function zeroOf(type: Struct): object {
  const zero: Record<string, unknown> = {};
  for (const field of type.fields.values()) {
    if (field.pointer) continue;
    const { kind } = field.type;
    if (field.type.kind === 'struct') zero[field.name] = zeroOf(field.type);
    else if (field.omit || kind === 'special') continue;
    else if (kind === 'list' || kind === 'map' || kind === 'bytes') zero[field.name] = null;
    else zero[field.name] = kind === 'string' ? '' : kind === 'bool' ? false : 0;
  }
  return zero;
}
