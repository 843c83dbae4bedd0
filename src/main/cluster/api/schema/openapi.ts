import { apiVersionOf, type KindDefinition } from '../kind';
import { kinds } from '../index';
import { kindType, kindsOf, structType, type Field, type List, type Struct, type Type } from './table';

type Schema = Record<string, unknown>;
interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

const gvkExtension = 'x-kubernetes-group-version-kind';
const bodyTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

const documents = new Map<string, object | undefined>();

/**
 * The OpenAPI v3 document of `api/v1` or `apis/GROUP/VERSION`: a path for every
 * served resource and subresource, and the schemas they refer to.
 * Undefined when no kind is served there.
 */
export function openApiDocument(groupVersion: string): object | undefined {
  if (!documents.has(groupVersion)) documents.set(groupVersion, build(groupVersion));
  return documents.get(groupVersion);
}

function build(groupVersion: string): object | undefined {
  const words = groupVersion.split('/');
  const [group, version] = words[0] === 'api' ? ['', words[1]] : [words[1], words[2]];
  const served = kinds.filter((kind) => kind.group === group && kind.version === version);
  if (served.length === 0) return undefined;
  const components = new Components();
  for (const { type } of kindsOf(group!, version!)) components.reference(type);
  const paths: Record<string, object> = {};
  for (const kind of served) addPaths(paths, `/${groupVersion}`, kind, components);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1' },
    paths,
    components: { schemas: components.schemas },
  };
}

function addPaths(paths: Record<string, object>, root: string, kind: KindDefinition, components: Components): void {
  const gvk = { group: kind.group, version: kind.version, kind: kind.kind };
  const type = kindType(apiVersionOf(kind), kind.kind);
  const list = kindType(apiVersionOf(kind), `${kind.kind}List`);
  const object = type ? components.reference(type) : {};
  const listing = list ? components.reference(list) : object;
  const allowed = (verb: string): boolean => !kind.verbs || kind.verbs.includes(verb);
  const base = kind.namespaced ? `${root}/namespaces/{namespace}/${kind.plural}` : `${root}/${kind.plural}`;
  const inPath = kind.namespaced ? [pathParameter('namespace')] : [];
  const operation = new Operations(gvk);

  if (kind.namespaced) paths[`${root}/${kind.plural}`] = { get: operation.read('list', listing, listParameters) };
  paths[base] = {
    get: operation.read('list', listing, listParameters),
    ...(allowed('create') ? { post: operation.write('post', object, object) } : {}),
    ...(allowed('deletecollection')
      ? { delete: operation.read('deletecollection', components.status, listParameters) }
      : {}),
    ...(inPath.length > 0 ? { parameters: inPath } : {}),
  };
  const named = { parameters: [pathParameter('name'), ...inPath] };
  paths[`${base}/{name}`] = {
    get: operation.read('get', object),
    ...(allowed('update') ? { put: operation.write('put', object, object) } : {}),
    ...(allowed('patch') ? { patch: operation.patch(object) } : {}),
    ...(allowed('delete') ? { delete: operation.read('delete', components.status, deleteParameters) } : {}),
    ...named,
  };
  if (kind.status) {
    paths[`${base}/{name}/status`] = {
      get: operation.read('get', object),
      put: operation.write('put', object, object),
      patch: operation.patch(object),
      ...named,
    };
  }
  for (const { name, kind: inner, group = kind.group, version = kind.version, verbs } of kind.subresources ?? []) {
    const innerOperation = new Operations({ group, version, kind: inner });
    const known = kindType(group ? `${group}/${version}` : version, inner);
    const body = known ? components.reference(known) : {};
    paths[`${base}/{name}/${name}`] = {
      ...(verbs.includes('get') ? { get: innerOperation.read(name === 'log' ? 'get' : 'connect', body) } : {}),
      ...(verbs.includes('create') ? { post: innerOperation.write('post', body, body) } : {}),
      ...(verbs.includes('update') ? { put: innerOperation.write('put', body, body) } : {}),
      ...(verbs.includes('patch') ? { patch: innerOperation.patch(body) } : {}),
      ...named,
    };
  }
  if (kind.scale) {
    const scale = components.reference(structType('autoscaling.v1', 'Scale'));
    const scaling = new Operations({ group: 'autoscaling', version: 'v1', kind: 'Scale' });
    paths[`${base}/{name}/scale`] = {
      get: scaling.read('get', scale),
      put: scaling.write('put', scale, scale),
      patch: scaling.patch(scale),
      ...named,
    };
  }
}

/** The operations of one kind. */
class Operations {
  constructor(private readonly gvk: GroupVersionKind) {}

  read(action: string, answer: Schema, parameters: object[] = []): object {
    return { ...this.common(action, answer), parameters };
  }

  write(action: 'post' | 'put', body: Schema, answer: Schema): object {
    const content = Object.fromEntries(bodyTypes.slice(0, 2).map((type) => [type, { schema: body }]));
    return { ...this.common(action, answer), parameters: writeParameters, requestBody: { content, required: true } };
  }

  patch(answer: Schema): object {
    const content = Object.fromEntries(patchTypes.map((type) => [type, { schema: { type: 'object' } }]));
    return {
      ...this.common('patch', answer),
      parameters: [...writeParameters, query('force', 'boolean')],
      requestBody: { content, required: true },
    };
  }

  private common(action: string, answer: Schema): object {
    const content = Object.fromEntries(bodyTypes.map((type) => [type, { schema: answer }]));
    return {
      responses: { 200: { description: 'OK', content } },
      'x-kubernetes-action': action,
      [gvkExtension]: this.gvk,
    };
  }
}

const query = (name: string, type: string): object => ({ name, in: 'query', schema: { type, uniqueItems: true } });
const pathParameter = (name: string): object => ({
  name,
  in: 'path',
  required: true,
  schema: { type: 'string', uniqueItems: true },
});
const writeParameters = [
  query('dryRun', 'string'),
  query('fieldManager', 'string'),
  query('fieldValidation', 'string'),
];
const deleteParameters = [
  query('dryRun', 'string'),
  query('gracePeriodSeconds', 'integer'),
  query('propagationPolicy', 'string'),
];
const listParameters = [
  ...['continue', 'fieldSelector', 'labelSelector', 'resourceVersion', 'resourceVersionMatch'].map((name) =>
    query(name, 'string'),
  ),
  query('limit', 'integer'),
  query('timeoutSeconds', 'integer'),
  query('allowWatchBookmarks', 'boolean'),
  query('watch', 'boolean'),
];

const specialSchemas: Record<string, Schema> = {
  Quantity: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  IntOrString: { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  Time: { type: 'string', format: 'date-time' },
  MicroTime: { type: 'string', format: 'date-time' },
  Duration: { type: 'string' },
  RawExtension: { type: 'object' },
  FieldsV1: { type: 'object' },
};

/** `core.v1` → `io.k8s.api.core.v1`; the machinery's packages have names of their own. */
function componentName(inPackage: string, name: string): string {
  return inPackage === 'meta.v1' ? `io.k8s.apimachinery.pkg.apis.meta.v1.${name}` : `io.k8s.api.${inPackage}.${name}`;
}

const specialNames: Record<string, string> = {
  Quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  IntOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  RawExtension: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
};

/** Collects the schemas that a document refers to. */
class Components {
  readonly schemas: Record<string, Schema> = {};

  get status(): Schema {
    return this.reference(structType('meta.v1', 'Status'));
  }

  /** A reference to a struct's schema, which is added together with all it refers to. */
  reference(type: Struct): Schema {
    const name = componentName(type.module, type.name);
    if (!this.schemas[name]) {
      const schema: Schema = (this.schemas[name] = { type: 'object' });
      const fields = [...type.fields.values()];
      const required = fields.filter((field) => !field.optional).map((field) => field.name);
      if (required.length > 0) schema.required = required;
      schema.properties = Object.fromEntries(fields.map((field) => [field.name, this.property(field)]));
      const gvk = kindsOfComponent(name);
      if (gvk) schema[gvkExtension] = gvk;
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  private property(field: Field): Schema {
    const schema = { ...this.schema(field.type) };
    const strategy = [field.merge ? 'merge' : '', field.retainKeys ? 'retainKeys' : ''].filter(Boolean).join(',');
    const extensions = {
      ...(field.list ? { 'x-kubernetes-list-type': field.list } : {}),
      ...(field.list === 'map' ? { 'x-kubernetes-list-map-keys': field.listKeys } : {}),
      ...(strategy ? { 'x-kubernetes-patch-strategy': strategy } : {}),
      ...(field.mergeKey ? { 'x-kubernetes-patch-merge-key': field.mergeKey } : {}),
      ...(field.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    };
    // A reference may have nothing beside it in OpenAPI 3.0.
    if ('$ref' in schema) return { allOf: [schema], ...extensions };
    return { ...schema, ...extensions };
  }

  private schema(type: Type): Schema {
    switch (type.kind) {
      case 'struct':
        return this.reference(type);
      case 'list':
        return { type: 'array', items: this.items(type) };
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

  private items(type: List): Schema {
    return this.schema(type.element);
  }

  private special(special: string): Schema {
    const schema = specialSchemas[special];
    if (!schema) return {};
    const name = specialNames[special] ?? componentName('meta.v1', special);
    this.schemas[name] ??= schema;
    return { $ref: `#/components/schemas/${name}` };
  }
}

/** Component name → the group, version and kind it is. */
let kindsByName: Map<string, GroupVersionKind[]> | undefined;
function kindsOfComponent(name: string): GroupVersionKind[] | undefined {
  kindsByName ??= new Map(
    kinds.flatMap((definition) =>
      kindsOf(definition.group, definition.version).map(({ group, version, kind, type }) => [
        componentName(type.module, type.name),
        [{ group, version, kind }],
      ]),
    ),
  );
  return kindsByName.get(name);
}
