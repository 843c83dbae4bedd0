import tables from '../../../../../resources/api/tables.json';

/**
 * The extracted API tables as a graph of types, resolved on first use.
 *
 * A type's fields are lines of `name type number flag…`: the JSON name (`~` for a
 * struct whose fields appear in place), the Go type, the protobuf field number
 * (0 for none) and flags:
 * `omit` left out of JSON when zero · `opt` optional · `merge` `replace`
 * `retainKeys` `key=F` how a strategic merge patch treats it · `list=map|set|atomic`
 * `keys=A,B` `atomic` how apply owns it · `default=V` what it is when left out, as JSON.
 */
interface Package {
  name: string;
  group?: string;
  version?: string;
  types: Record<string, string[]>;
  /** Structs that one manager owns as a whole. */
  atomic: string[];
  aliases: Record<string, string>;
  enums: Record<string, string[]>;
}

export type Special =
  | 'Quantity'
  | 'IntOrString'
  | 'RawExtension'
  | 'Time'
  | 'MicroTime'
  | 'Duration'
  | 'FieldsV1'
  | 'SchemaOrArray'
  | 'SchemaOrBool'
  | 'SchemaOrTexts'
  | 'any';

interface Named {
  /** As Go prints the type: `v1.PodSpec`, `[]v1.Container`, `int32`. */
  go: string;
}
export type Scalar = Named & { kind: 'string' | 'bool' | 'int32' | 'int64' | 'float64' | 'bytes'; values?: string[] };
export type List = Named & { kind: 'list'; element: Type; named: boolean };
export type Dictionary = Named & { kind: 'map'; value: Type };
export type SpecialType = Named & { kind: 'special'; special: Special };
export type Struct = Named & {
  kind: 'struct';
  /** `core.v1` */
  module: string;
  /** `PodSpec` */
  name: string;
  /** Owned as a whole, not field by field. */
  atomic: boolean;
  /** By JSON name, fields of inlined structs included. */
  fields: ReadonlyMap<string, Field>;
  /** As declared, inlined structs as fields of their own: what protobuf sees. */
  declared: readonly Field[];
};
export type Type = Scalar | List | Dictionary | SpecialType | Struct;

export interface Field {
  /** The JSON name; `~` for an inlined struct. */
  name: string;
  readonly type: Type;
  /** The protobuf field number, 0 when it has none. */
  number: number;
  pointer: boolean;
  /** Left out of JSON when zero. */
  omit: boolean;
  optional: boolean;
  merge: boolean;
  retainKeys: boolean;
  mergeKey?: string;
  list?: 'map' | 'set' | 'atomic';
  listKeys?: string[];
  atomic: boolean;
  /** What the API server sets when it is left out, where the type says so. */
  default?: unknown;
}

/** A kind and where it is served. */
export interface Kind {
  group: string;
  version: string;
  kind: string;
  type: Struct;
}

const packages = new Map((tables as unknown as Package[]).map((entry) => [entry.name, entry]));
const resolved = new Map<string, Type>();

const specials: Record<string, Special> = {
  'quantity.Quantity': 'Quantity',
  'intstr.IntOrString': 'IntOrString',
  'runtime.RawExtension': 'RawExtension',
  'meta.v1.Time': 'Time',
  'meta.v1.MicroTime': 'MicroTime',
  'meta.v1.Duration': 'Duration',
  'meta.v1.FieldsV1': 'FieldsV1',
  'apiextensions.v1.JSON': 'any',
  'apiextensions.v1.JSONSchemaPropsOrArray': 'SchemaOrArray',
  'apiextensions.v1.JSONSchemaPropsOrBool': 'SchemaOrBool',
  'apiextensions.v1.JSONSchemaPropsOrStringArray': 'SchemaOrTexts',
};
const goNames: Record<string, string> = { 'quantity.Quantity': 'resource.Quantity' };
const scalars: Record<string, Scalar['kind']> = {
  string: 'string',
  bool: 'bool',
  int: 'int32',
  int32: 'int32',
  uint32: 'int64',
  int64: 'int64',
  float64: 'float64',
};

/** The type a Go type text means inside a package. @throws Error for one that is not in the tables */
function resolve(text: string, inPackage: string): Type {
  const scalar = scalars[text];
  if (scalar) return { kind: scalar, go: text };
  if (text === 'any') return { kind: 'special', special: 'any', go: 'interface {}' };
  if (text === '[]byte') return { kind: 'bytes', go: '[]uint8' };
  if (text.startsWith('*')) return resolve(text.slice(1), inPackage);
  const key = text.includes('.') ? text : `${inPackage}.${text}`;
  const known = resolved.get(key);
  if (known) return known;
  const type = make(text, key, inPackage);
  resolved.set(key, type);
  return type;
}

function make(text: string, key: string, inPackage: string): Type {
  if (text.startsWith('[]')) {
    const element = resolve(text.slice(2), inPackage);
    return { kind: 'list', go: `[]${element.go}`, element, named: false };
  }
  const map = /^map\[([\w.]+)\](.+)$/.exec(text);
  if (map) {
    const value = resolve(map[2]!, inPackage);
    return { kind: 'map', go: `map[${resolve(map[1]!, inPackage).go}]${value.go}`, value };
  }
  const dot = key.lastIndexOf('.');
  const [owner, name] = [key.slice(0, dot), key.slice(dot + 1)];
  const go = goNames[key] ?? `${owner.split('.').at(-1)}.${name}`;
  if (specials[key]) return { kind: 'special', special: specials[key], go };
  const table = packages.get(owner);
  const alias = table?.aliases[name];
  if (alias) {
    const target = { ...resolve(alias, owner), go } as Type;
    if (target.kind === 'list') target.named = true;
    if (target.kind === 'string' && table.enums[name]) target.values = table.enums[name];
    return target;
  }
  const lines = table?.types[name];
  if (!lines) throw new Error(`the API tables hold no type ${key}`);
  return new StructType(owner, name, go, table.atomic.includes(name), lines);
}

/** A struct whose fields are read when they are first asked for: types refer to each other in circles. */
class StructType implements Named {
  readonly kind = 'struct';
  private read?: readonly Field[];
  private flat?: ReadonlyMap<string, Field>;

  constructor(
    readonly module: string,
    readonly name: string,
    readonly go: string,
    readonly atomic: boolean,
    private readonly lines: readonly string[],
  ) {}

  get declared(): readonly Field[] {
    return (this.read ??= this.lines.map((line) => readField(line, this.module)));
  }

  get fields(): ReadonlyMap<string, Field> {
    return (this.flat ??= new Map(
      this.declared.flatMap((field) =>
        field.name === '~' && field.type.kind === 'struct'
          ? [...field.type.fields.values()].map((inner): [string, Field] => [inner.name, inner])
          : [[field.name, field] as [string, Field]],
      ),
    ));
  }
}

function readField(line: string, inPackage: string): Field {
  const [name, type, number, ...flags] = line.split(' ') as [string, string, string, ...string[]];
  const value = (flag: string): string | undefined =>
    flags.find((candidate) => candidate.startsWith(`${flag}=`))?.slice(flag.length + 1);
  let memo: Type | undefined;
  return {
    name,
    get type() {
      return (memo ??= resolve(type, inPackage));
    },
    number: Number(number),
    pointer: type.startsWith('*'),
    omit: flags.includes('omit'),
    optional: flags.includes('opt') || flags.includes('omit'),
    merge: flags.includes('merge'),
    retainKeys: flags.includes('retainKeys'),
    mergeKey: value('key'),
    list: value('list') as Field['list'],
    listKeys: value('keys')?.split(','),
    atomic: flags.includes('atomic'),
    ...(value('default') === undefined ? {} : { default: JSON.parse(value('default')!) }),
  };
}

/** Kinds of the machinery that travel under every group's version. */
const everywhere = new Set([
  'DeleteOptions',
  'CreateOptions',
  'UpdateOptions',
  'PatchOptions',
  'GetOptions',
  'ListOptions',
  'Status',
  'WatchEvent',
  'APIVersions',
  'APIGroup',
  'APIGroupList',
  'APIResourceList',
]);

/** The struct of a kind; undefined when the tables do not know it. */
export function kindType(apiVersion: string | undefined, kind: string | undefined): Struct | undefined {
  if (!apiVersion || !kind) return undefined;
  const [version, group = ''] = apiVersion.split('/').reverse() as [string, string?];
  for (const table of packages.values()) {
    if (table.group === group && table.version === version && isKind(table, kind))
      return resolve(kind, table.name) as Struct;
  }
  const machinery = packages.get('meta.v1')!;
  return everywhere.has(kind) && isKind(machinery, kind) ? (resolve(kind, 'meta.v1') as Struct) : undefined;
}

const isKind = (table: Package, name: string): boolean =>
  table.types[name]?.some((line) => /^~ (meta\.v1\.)?TypeMeta /.test(line)) ?? false;

/** The kinds of a group version, lists and options included; none when the tables do not know it. */
export function kindsOf(group: string, version: string): Kind[] {
  return [...packages.values()]
    .filter((table) => table.group === group && table.version === version)
    .flatMap((table) =>
      Object.keys(table.types)
        .filter((name) => isKind(table, name))
        .map((kind) => ({ group, version, kind, type: resolve(kind, table.name) as Struct })),
    );
}

/** A struct by its package and name, e.g. `core.v1`, `PodSpec`. @throws Error when there is none */
export function structType(inPackage: string, name: string): Struct {
  return resolve(name, inPackage) as Struct;
}
