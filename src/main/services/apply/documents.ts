import type { DocumentFault } from '@shared/bridge/contract';
import type { KubeObject } from '@shared/k8s';
import { type Document, isMap, isSeq, LineCounter, type Node, parseAllDocuments, type Tags } from 'yaml';
import { yamlExcess } from '@shared/yaml-limits';

/** Where something stands in the text; both count from 1. */
export interface Position {
  line: number;
  column: number;
}

/** One object of the text with the YAML it was read from. */
export interface SourceObject {
  object: KubeObject;
  node: Node;
}

export interface SourceDocument {
  /** Index in the text, from 0; empty documents count. */
  index: number;
  /** First line of the content, from 1. */
  line: number;
  /** Why it cannot be read; there are no objects then. */
  faults: DocumentFault[];
  /** One, or the items of a List. */
  objects: SourceObject[];
}

export interface SourceText {
  documents: SourceDocument[];
  position(offset: number): Position;
}

/** YAML 1.1 as Kubernetes reads it: `yes` is a boolean, but dates and base-60 numbers stay strings. */
const customTags = (tags: Tags): Tags =>
  tags.filter(
    (tag) =>
      typeof tag === 'string' ||
      (tag.tag !== 'tag:yaml.org,2002:timestamp' && !('format' in tag && tag.format === 'TIME')),
  );

const said: Record<string, string> = {
  DUPLICATE_KEY: 'The key is there twice.',
  TAB_AS_INDENT: 'A tab cannot indent. Use spaces.',
};

/**
 * Reads a multi-document text, keeping where everything stands. A document that
 * is no YAML or no object carries its faults; the others are read all the same.
 */
export function readDocuments(text: string): SourceText {
  const lines = new LineCounter();
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const excess = yamlExcess(text);
  if (excess) {
    const before = text.slice(0, excess.offset).split('\n');
    const at = { line: before.length, column: before.at(-1)!.length + 1 };
    const fault = { ...at, message: `This cannot be read: ${excess.message}.` };
    return { documents: [{ index: 0, line: at.line, faults: [fault], objects: [] }], position: () => at };
  }
  const parsed = parseAllDocuments(text, {
    version: '1.1',
    customTags,
    merge: true,
    lineCounter: lines,
    prettyErrors: false,
  });
  const documents: SourceDocument[] = [];
  for (const [index, document] of (parsed as Document.Parsed[]).entries()) {
    const start = document.contents?.range?.[0] ?? document.range[0];
    const read: SourceDocument = { index, line: position(start).line, faults: [], objects: [] };
    read.faults = document.errors.map((error) => ({
      ...position(error.pos[0] + /^ */.exec(text.slice(error.pos[0]))![0].length),
      message: said[error.code] ?? error.message,
    }));
    if (read.faults.length === 0 && !readObjects(document, read, position)) continue;
    documents.push(read);
  }
  return { documents, position };
}

/** Fills in the objects. @returns false for an empty document */
function readObjects(document: Document.Parsed, read: SourceDocument, position: (offset: number) => Position): boolean {
  const node = document.contents as Node | null;
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 1000 });
  } catch (error) {
    // An alias without its anchor, or too many of them.
    read.faults.push({ line: read.line, column: 1, message: (error as Error).message });
    return true;
  }
  if (value === null || value === undefined || !node) return false;
  const fault = (at: Node, message: string, path?: string) =>
    read.faults.push({ ...position(at.range![0]), ...(path ? { path } : {}), message });
  const take = (object: unknown, at: Node) => {
    if (typeof object !== 'object' || object === null || Array.isArray(object) || !isMap(at)) {
      fault(at, 'This is not an object: it needs apiVersion, kind and metadata.');
      return;
    }
    const { apiVersion, kind, metadata, items } = object as KubeObject;
    if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) {
      const list = at.get('items', true);
      if (isSeq(list)) items.forEach((item, position) => take(item, list.items[position] as Node));
      return;
    }
    const before = read.faults.length;
    if (typeof apiVersion !== 'string' || !apiVersion) fault(at, "Object 'apiVersion' is missing", 'apiVersion');
    if (typeof kind !== 'string' || !kind) fault(at, "Object 'Kind' is missing", 'kind');
    const named = typeof metadata === 'object' && metadata !== null ? metadata : undefined;
    if (named?.generateName && !named.name) fault(at, 'cannot use generate name with apply', 'metadata.generateName');
    else if (typeof named?.name !== 'string' || !named.name)
      fault(at, 'resource name may not be empty', 'metadata.name');
    if (read.faults.length === before) read.objects.push({ object: object as KubeObject, node: at });
  };
  take(value, node);
  return true;
}
