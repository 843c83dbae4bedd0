import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { KubeList, KubeObject } from '@shared/k8s';
import type { CommandCall } from '../command';
import { KubectlError } from '../errors';
import { parseColumnsTemplate, parseCustomColumns, printCustomColumns, unknownFormat } from './custom-columns';
import { compileGoTemplate } from './go-template';
import { compileJsonPath, JsonPathError, type JsonPath } from './jsonpath';
import { toJson, toYaml } from './yaml';

/** The text of one object or list. `first` is false from the second document of one output on. */
export type ObjectPrinter = (object: KubeObject | KubeList, first: boolean) => string;

const templateFormats = [
  'go-template',
  'go-template-file',
  'jsonpath',
  'jsonpath-as-json',
  'jsonpath-file',
  'template',
  'templatefile',
];
const formats = ['custom-columns', 'custom-columns-file', ...templateFormats, 'json', 'name', 'wide', 'yaml'].sort();

const isList = (object: KubeObject | KubeList): object is KubeList => Array.isArray((object as KubeList).items);
const itemsOf = (object: KubeObject | KubeList): KubeObject[] => (isList(object) ? object.items : [object]);

/** The object without metadata.managedFields (in lists: of every item). */
export function withoutManagedFields<T extends KubeObject | KubeList>(object: T): T {
  if (isList(object)) return { ...object, items: object.items.map(withoutManagedFields) };
  if (!object.metadata || !('managedFields' in object.metadata)) return object;
  const { managedFields: _, ...metadata } = object.metadata as Record<string, unknown>;
  return { ...object, metadata };
}

/** `deployment.apps/web` from an object alone. */
export function nameOfObject(object: KubeObject): string {
  const group = object.apiVersion?.includes('/') ? `.${object.apiVersion.split('/')[0]}` : '';
  return `${(object.kind ?? '').toLowerCase()}${group}/${object.metadata?.name ?? ''}`;
}

function jsonPathPrinter(template: string, allowMissing: boolean, asJson: boolean): ObjectPrinter {
  let compiled: JsonPath;
  try {
    compiled = compileJsonPath(template, { allowMissing });
  } catch (error) {
    throw new KubectlError(`error parsing jsonpath ${template}, ${(error as Error).message}`);
  }
  return (object) => {
    try {
      return asJson ? `${toJson(compiled.find(object))}\n` : compiled.print(object);
    } catch (error) {
      if (!(error instanceof JsonPathError)) throw error;
      throw new KubectlError(
        `error executing jsonpath ${JSON.stringify(template)}: Error executing template: ${error.message}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${template}\n\tobject given to jsonpath engine was:\n\t\t${toJson(object, 0)}\n`,
      );
    }
  };
}

/**
 * The printer that -o and --template ask for; undefined for tables ('' and `wide`).
 * @throws KubectlError for unknown formats and malformed templates
 */
export async function objectPrinter(call: CommandCall): Promise<ObjectPrinter | undefined> {
  const { flags } = call;
  const given = flags.string('output') || (flags.changed('template') ? 'go-template' : '');
  if (given === '' || given === 'wide') return undefined;
  const equals = given.indexOf('=');
  const format = equals < 0 ? given : given.slice(0, equals);
  const inline = equals < 0 ? '' : given.slice(equals + 1);
  const keep = flags.bool('show-managed-fields');
  const clean: <T extends KubeObject | KubeList>(object: T) => T = keep ? (object) => object : withoutManagedFields;
  const argument = async (kind: string): Promise<string> => {
    const text = inline || flags.string('template');
    if (!text) throw new KubectlError(`${kind} format specified but no template given`);
    if (!format.endsWith('file')) return text;
    return readFile(resolve(call.io.cwd, text), 'utf8').catch((error: Error) => {
      throw new KubectlError(`error reading --template ${text}, ${error.message}`);
    });
  };
  const allowMissing = flags.bool('allow-missing-template-keys');
  switch (format) {
    case 'json':
      return (object) => `${toJson(clean(object))}\n`;
    case 'yaml':
      return (object, first) => `${first ? '' : '---\n'}${toYaml(clean(object))}`;
    case 'name':
      return (object) =>
        itemsOf(object)
          .map((item) => `${nameOfObject(item)}\n`)
          .join('');
    case 'jsonpath':
    case 'jsonpath-file':
    case 'jsonpath-as-json':
      return jsonPathPrinter(await argument('jsonpath'), allowMissing, format === 'jsonpath-as-json');
    case 'custom-columns':
    case 'custom-columns-file': {
      const text = await argument('custom-columns');
      const columns = format === 'custom-columns' ? parseCustomColumns(text) : parseColumnsTemplate(text);
      const noHeaders = flags.has('no-headers') && flags.bool('no-headers');
      return (object) => printCustomColumns(columns, itemsOf(object), noHeaders);
    }
    case 'go-template':
    case 'go-template-file':
    case 'template':
    case 'templatefile': {
      const template = compileGoTemplate(await argument('template'));
      return (object) => template(object);
    }
    default:
      throw unknownFormat(given, formats);
  }
}
