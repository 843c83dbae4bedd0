import type { Command, CommandCall } from '../command';
import { groupVersion, type Mapping } from '../discovery';
import { KubectlError, quote } from '../errors';

/** The part of an OpenAPI v3 schema that explains a field. */
interface Schema {
  type?: string;
  format?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  allOf?: Schema[];
  oneOf?: Schema[];
  enum?: unknown[];
  $ref?: string;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
}

/** Reads schemas and follows their references. */
class Schemas {
  constructor(private readonly all: Record<string, Schema>) {}

  ofKind({ group, version, kind }: Mapping): Schema | undefined {
    return Object.values(this.all).find((schema) =>
      schema['x-kubernetes-group-version-kind']?.some(
        (gvk) => gvk.group === group && gvk.version === version && gvk.kind === kind,
      ),
    );
  }

  private reference(schema: Schema): string | undefined {
    return schema.$ref ?? schema.allOf?.find((part) => part.$ref)?.$ref;
  }

  /** The schema behind references, with the words of the field itself first. */
  follow(schema: Schema): Schema {
    const reference = this.reference(schema);
    if (!reference) return schema;
    const target = this.all[reference.slice(reference.lastIndexOf('/') + 1)] ?? {};
    const { $ref: _ref, allOf: _all, ...own } = schema;
    return { ...this.follow(target), ...own };
  }

  /** The schema of the objects in a field: lists and maps stand for what they hold. */
  element(schema: Schema): Schema {
    const full = this.follow(schema);
    if (full.items) return this.element(full.items);
    if (typeof full.additionalProperties === 'object') return this.element(full.additionalProperties);
    return full;
  }

  /** `[]Container`, `map[string]string`, `IntOrString`. */
  typeName(schema: Schema): string {
    const reference = this.reference(schema);
    if (reference) {
      const name = reference.slice(reference.lastIndexOf('.') + 1);
      return name === 'Time' || name === 'MicroTime' ? 'string' : name;
    }
    if (schema.items) return `[]${this.typeName(schema.items)}`;
    if (typeof schema.additionalProperties === 'object')
      return `map[string]${this.typeName(schema.additionalProperties)}`;
    if (schema['x-kubernetes-int-or-string'] || schema.oneOf) return 'IntOrString';
    return schema.type === 'object' ? 'Object' : (schema.type ?? 'Object');
  }
}

/** Text in lines of at most 76 letters behind an indentation. */
function wrapped(text: string, indent: string): string {
  return text
    .split('\n')
    .map((paragraph) => {
      const lines = [''];
      for (const word of paragraph.split(' ')) {
        const last = lines.at(-1)!;
        if (last !== '' && last.length + word.length + 1 > 76) lines.push(word);
        else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
      }
      return lines.map((line) => (line === '' ? '' : indent + line)).join('\n');
    })
    .join('\n');
}

/** The first four choices; an ellipsis stands for the others. */
function enumText(schema: Schema): string {
  const choices = (schema.enum ?? []).map((choice) => (choice === '' ? '""' : String(choice))).sort();
  return [...choices.slice(0, 4), ...(choices.length > 4 ? ['....'] : [])].join(', ');
}

function fieldLines(
  schemas: Schemas,
  schema: Schema,
  indent: string,
  recursive: boolean,
  seen: readonly Schema[] = [],
): string {
  const object = schemas.element(schema);
  return Object.entries(object.properties ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => {
      const full = schemas.follow(field);
      const required = object.required?.includes(name) ? ' -required-' : '';
      const choices = full.enum ? `${indent}enum: ${enumText(full)}\n` : '';
      const head = `${indent}${name}\t<${schemas.typeName(field)}>${required}\n${choices}`;
      if (!recursive) return `${head}${wrapped(full.description || '<no description>', `${indent}  `)}\n\n`;
      const inner = schemas.element(field);
      // A schema that contains itself is shown once.
      const circular = seen.some((other) => other.properties === inner.properties);
      return circular ? head : head + fieldLines(schemas, field, `${indent}  `, true, [...seen, object]);
    })
    .join('');
}

async function run(call: CommandCall): Promise<void> {
  const { flags, session, args } = call;
  if (args.length === 0) {
    throw new KubectlError(
      'You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.',
    );
  }
  if (args.length > 1) throw new KubectlError('We accept only this format: explain RESOURCE');
  const discovery = await session.discovery();
  const words = args[0]!.replace(/^\.|\.$/g, '').split('.');
  // The name of a resource may have dots of its own: deployments.apps.spec.
  let mapping = discovery.lookup(words[0]!);
  let path = words.slice(1);
  for (let at = words.length; at > 1 && words.length > 1; at--) {
    const found = discovery.lookup(words.slice(0, at).join('.'));
    if (found) {
      mapping = found;
      path = words.slice(at);
      break;
    }
  }
  if (!mapping) throw new KubectlError(`the server doesn't have a resource type ${quote(words[0]!)}`, { bare: true });
  const version = flags.string('api-version');
  if (version) mapping = discovery.forObject(version, mapping.kind) ?? mapping;
  const api = mapping.group ? `apis/${groupVersion(mapping)}` : `api/${mapping.version}`;
  const { body } = await session.request<any>({ method: 'GET', path: `/openapi/v3/${api}` });
  const schemas = new Schemas(body.components?.schemas ?? {});
  const root = schemas.ofKind(mapping);
  if (!root) throw new KubectlError(`couldn't find resource for "${groupVersion(mapping)}, Kind=${mapping.kind}"`);
  const head = `${mapping.group ? `GROUP:      ${mapping.group}\n` : ''}KIND:       ${mapping.kind}\nVERSION:    ${mapping.version}\n\n`;
  call.out(head);
  let schema = root;
  for (const name of path) {
    const next = schemas.element(schema).properties?.[name];
    if (!next) throw new KubectlError(`field ${quote(name)} does not exist`);
    schema = next;
  }
  const full = schemas.follow(schema);
  if (path.length > 0) {
    call.out(`FIELD: ${path.at(-1)} <${schemas.typeName(schema)}>\n`);
    const choices = (full.enum ?? []).map(String).sort();
    call.out(choices.length > 0 ? `ENUM:\n${choices.map((choice) => `    ${choice}\n`).join('')}\n` : '\n\n');
  }
  const description = full.description || schemas.element(schema).description;
  call.out(`DESCRIPTION:\n${wrapped(description || '<empty>', '    ')}\n`);
  const fields = fieldLines(schemas, schema, '  ', flags.bool('recursive'));
  if (fields) call.out(`${description ? '\n' : ''}FIELDS:\n${fields}`);
  call.out('\n');
}

export const explain: Command = {
  name: 'explain',
  summary: 'Get documentation for a resource',
  usage: 'TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group]',
  examples: [['The fields of a container', 'kubectl explain pods.spec.containers']],
  flags: [
    {
      name: 'recursive',
      type: 'bool',
      default: 'false',
      help: 'All fields at every depth, without their descriptions.',
    },
    { name: 'api-version', type: 'string', help: 'The version to explain (apps/v1).' },
    { name: 'output', short: 'o', type: 'string', default: 'plaintext', help: 'Accepted; the text is plain.' },
  ],
  run,
};
