import { kindType, kindsOf, structType, type Field, type Struct, type Type } from '../table';
import type { Descriptions } from './descriptions';
import { gvkExtension, type DocumentedResource, type GroupVersionKind, type Json } from './resource';
import { withoutV3 } from './structure';

/** Which OpenAPI the schemas are for: 2 has no oneOf, and takes words beside a reference. */
export type Dialect = 2 | 3;

const scalarSchemas: Record<string, Record<Dialect, Json>> = {
  Quantity: { 2: { type: 'string' }, 3: { oneOf: [{ type: 'string' }, { type: 'number' }] } },
  IntOrString: {
    2: { type: 'string', format: 'int-or-string' },
    3: { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  },
};
const specialSchemas: Record<string, Json> = {
  Time: { type: 'string', format: 'date-time' },
  MicroTime: { type: 'string', format: 'date-time' },
  Duration: { type: 'string' },
  RawExtension: { type: 'object' },
  FieldsV1: { type: 'object' },
};

const machinery = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const specialNames: Record<string, string> = {
  Quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  IntOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  RawExtension: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
};

/** `core.v1` → `io.k8s.api.core.v1`; the machinery's packages have names of their own. */
const componentName = (inPackage: string, name: string): string =>
  inPackage === 'meta.v1' ? `${machinery}.${name}` : `io.k8s.api.${inPackage}.${name}`;

/** `stable.example.com`, `v1`, `CronTab` → `com.example.stable.v1.CronTab`. */
const customName = ({ group, version, kind }: GroupVersionKind): string =>
  [...group.split('.').reverse(), version, kind].join('.');

/** Collects the schemas that a document refers to. */
export class Components {
  readonly schemas: Record<string, Json> = {};
  private readonly prefix: string;
  private readonly kindsByName = new Map<string, GroupVersionKind[]>();

  /** @param versions the group versions of the document */
  constructor(
    private readonly dialect: Dialect,
    private readonly descriptions: Descriptions,
    versions: readonly { group: string; version: string }[],
  ) {
    this.prefix = dialect === 2 ? '#/definitions/' : '#/components/schemas/';
    for (const { group, version } of versions) {
      for (const { kind, type } of kindsOf(group, version)) this.names(type, { group, version, kind });
      for (const kind of ['DeleteOptions', 'WatchEvent'])
        this.names(structType('meta.v1', kind), { group, version, kind });
    }
    this.names(structType('meta.v1', 'Status'), { group: '', version: 'v1', kind: 'Status' });
  }

  get status(): Json {
    return this.reference(structType('meta.v1', 'Status'));
  }

  get deleteOptions(): Json {
    return this.reference(structType('meta.v1', 'DeleteOptions'));
  }

  get patch(): Json {
    const name = `${machinery}.Patch`;
    this.schemas[name] ??= { type: 'object', description: 'A change to an object, in the form its media type names.' };
    return this.refer(name);
  }

  /** The schema of a kind of the tables; any object where there is none. */
  kind({ group, version, kind }: GroupVersionKind): Json {
    const type = kindType(group ? `${group}/${version}` : version, kind);
    return type ? this.reference(type) : { type: 'object' };
  }

  /** The schemas of a resource's objects and of lists of them. */
  resource(resource: DocumentedResource): { object: Json; list: Json } {
    const { group, version, kind, structure } = resource;
    if (kindType(group ? `${group}/${version}` : version, kind)) {
      const list = kindType(group ? `${group}/${version}` : version, `${kind}List`);
      const object = this.kind({ group, version, kind });
      return { object, list: list ? this.reference(list) : object };
    }
    return this.custom({ group, version, kind }, structure ?? { type: 'object' });
  }

  private custom(gvk: GroupVersionKind, structure: Json): { object: Json; list: Json } {
    const listKind = { ...gvk, kind: `${gvk.kind}List` };
    const [name, listName] = [customName(gvk), customName(listKind)];
    const type = { apiVersion: { type: 'string' }, kind: { type: 'string' } };
    const inDialect = this.dialect === 2 ? withoutV3(structure) : structure;
    const meta = (meta: string) => this.property({ type: structType('meta.v1', meta) } as Field, '');
    this.schemas[name] = {
      type: 'object',
      ...inDialect,
      properties: { ...type, ...inDialect.properties, metadata: meta('ObjectMeta') },
      [gvkExtension]: [gvk],
    };
    this.schemas[listName] = {
      type: 'object',
      required: ['items'],
      properties: { ...type, metadata: meta('ListMeta'), items: { type: 'array', items: this.refer(name) } },
      [gvkExtension]: [listKind],
    };
    return { object: this.refer(name), list: this.refer(listName) };
  }

  /** A reference to a struct's schema, which is added together with all it refers to. */
  reference(type: Struct): Json {
    const name = componentName(type.module, type.name);
    if (!this.schemas[name]) {
      const schema: Json = (this.schemas[name] = {});
      const words = this.descriptions[`${type.module}.${type.name}`] ?? {};
      if (words['']) schema.description = words[''];
      schema.type = 'object';
      const fields = [...type.fields.values()];
      const required = fields.filter((field) => !field.optional).map((field) => field.name);
      if (required.length > 0) schema.required = required;
      schema.properties = Object.fromEntries(
        fields.map((field) => [field.name, this.property(field, words[field.name] ?? '')]),
      );
      const kinds = this.kindsByName.get(name);
      if (kinds) schema[gvkExtension] = kinds;
    }
    return this.refer(name);
  }

  private names(type: Struct, gvk: GroupVersionKind): void {
    const name = componentName(type.module, type.name);
    const known = this.kindsByName.get(name);
    if (known) known.push(gvk);
    else this.kindsByName.set(name, [gvk]);
  }

  private refer(name: string): Json {
    return { $ref: this.prefix + name };
  }

  private property(field: Field, description: string): Json {
    const schema = this.schema(field.type);
    const strategy = [field.merge ? 'merge' : '', field.retainKeys ? 'retainKeys' : ''].filter(Boolean).join(',');
    const beside = {
      ...(description ? { description } : {}),
      ...(field.list ? { 'x-kubernetes-list-type': field.list } : {}),
      ...(field.list === 'map' ? { 'x-kubernetes-list-map-keys': field.listKeys } : {}),
      ...(strategy ? { 'x-kubernetes-patch-strategy': strategy } : {}),
      ...(field.mergeKey ? { 'x-kubernetes-patch-merge-key': field.mergeKey } : {}),
      ...(field.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    };
    // A reference may have nothing beside it in OpenAPI 3.0.
    if (this.dialect === 3 && '$ref' in schema) return { allOf: [schema], ...beside };
    return { ...schema, ...beside };
  }

  private schema(type: Type): Json {
    switch (type.kind) {
      case 'struct':
        return this.reference(type);
      case 'list':
        return { type: 'array', items: this.schema(type.element) };
      case 'map':
        return { type: 'object', additionalProperties: this.schema(type.value) };
      case 'special':
        return this.special(type.special);
      case 'string':
        return { type: 'string', ...(type.values ? { enum: type.values } : {}) };
      case 'bool':
        return { type: 'boolean' };
      case 'bytes':
        return { type: 'string', format: 'byte' };
      case 'float64':
        return { type: 'number', format: 'double' };
      default:
        return { type: 'integer', format: type.kind };
    }
  }

  private special(special: string): Json {
    const schema = scalarSchemas[special]?.[this.dialect] ?? specialSchemas[special];
    if (!schema) return {};
    const name = specialNames[special] ?? componentName('meta.v1', special);
    this.schemas[name] ??= schema;
    return this.refer(name);
  }
}
