import type { KubeObject } from '@shared/k8s';
import { KubectlError, quote } from '../errors';
import { compileJsonPath, printValue, relaxedPath, type JsonPath } from './jsonpath';
import { textTable } from './table';

export interface CustomColumn {
  header: string;
  path: JsonPath;
}

/** Splits at commas that are outside brackets and quotes. */
function splitSpec(spec: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const char of spec) {
    if (char === '[' || char === '(') depth++;
    if (char === ']' || char === ')') depth--;
    if (char === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts;
}

/** Reads `NAME:.metadata.name,IMAGE:.spec.containers[*].image`. @throws KubectlError */
export function parseCustomColumns(spec: string): CustomColumn[] {
  if (spec === '') throw new KubectlError('custom-columns format specified but no custom columns given');
  return splitSpec(spec).map((part) => {
    const colon = part.indexOf(':');
    if (colon < 0) {
      throw new KubectlError(`unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`);
    }
    return { header: part.slice(0, colon), path: compileJsonPath(relaxedPath(part.slice(colon + 1))) };
  });
}

/** The same from a file: a line of headers and a line of paths under them. @throws KubectlError */
export function parseColumnsTemplate(text: string): CustomColumn[] {
  const [headers = [], paths = []] = text.split('\n').map((line) => line.trim().split(/\s+/));
  if (headers.length !== paths.length) {
    throw new KubectlError(
      `number of headers (${headers.length}) and field specifications (${paths.length}) don't match`,
    );
  }
  return headers.map((header, at) => ({ header, path: compileJsonPath(relaxedPath(paths[at]!)) }));
}

function cell(column: CustomColumn, object: KubeObject): string {
  const values = column.path.find(object).filter((value) => value !== null && value !== undefined);
  if (values.length === 0) return '<none>';
  return values.map((value) => (typeof value === 'object' ? goText(value) : printValue(value))).join(',');
}

/** Maps and lists as Go prints them: `map[a:1 b:2]`, `[x y]`. */
export function goText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (typeof value === 'object') {
    const object = value as Record<string, unknown>;
    return `map[${Object.keys(object)
      .sort()
      .map((key) => `${key}:${goText(object[key])}`)
      .join(' ')}]`;
  }
  return String(value);
}

export function printCustomColumns(
  columns: readonly CustomColumn[],
  objects: readonly KubeObject[],
  noHeaders: boolean,
): string {
  return textTable(
    columns.map((column) => column.header),
    objects.map((object) => columns.map((column) => cell(column, object))),
    { noHeaders },
  );
}

/** What is wrong with an unknown output format. */
export const unknownFormat = (format: string, allowed: readonly string[]): KubectlError =>
  new KubectlError(
    `unable to match a printer suitable for the output format ${quote(format)}, allowed formats are: ${allowed.join(',')}`,
  );
