import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { LineCounter, parseAllDocuments, type Document, type Tags } from 'yaml';
import { yamlExcess } from '@shared/yaml-limits';
import type { KubeObject } from '@shared/k8s';
import { KubectlError, quote } from './errors';

/** An object from a file, and where it came from. */
export interface Manifest {
  object: KubeObject;
  /** The path as given, or `STDIN`. */
  source: string;
}

/** YAML 1.1 as Kubernetes reads it: `yes` is a boolean, but dates and base-60 numbers stay strings. */
const customTags = (tags: Tags): Tags =>
  tags.filter((tag) => {
    if (typeof tag === 'string') return true;
    return tag.tag !== 'tag:yaml.org,2002:timestamp' && !('format' in tag && tag.format === 'TIME');
  });

/** Where and why a document is not YAML. */
export interface YamlFault {
  line: number;
  message: string;
}

/** @returns the objects of a multi-document text; documents that are empty are left out */
export function parseManifests(text: string, source: string): Manifest[] {
  const excess = yamlExcess(text);
  if (excess) throw new KubectlError(`error parsing ${source}: error converting YAML to JSON: yaml: ${excess.message}`);
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, {
    version: '1.1',
    customTags,
    merge: true,
    lineCounter,
    prettyErrors: false,
  }) as Document[];
  return documents.flatMap((document) => {
    const fault = document.errors[0];
    if (fault) {
      const line = lineCounter.linePos(fault.pos[0]).line;
      throw new KubectlError(
        `error parsing ${source}: error converting YAML to JSON: yaml: line ${line}: ${fault.message}`,
      );
    }
    const object = document.toJS() as unknown;
    if (object === null || object === undefined) return [];
    if (typeof object !== 'object' || Array.isArray(object)) {
      throw new KubectlError(
        `error validating ${quote(source)}: error validating data: invalid object to validate; if you choose to ignore these errors, turn validation off with --validate=false`,
      );
    }
    return expandList({ object: object as KubeObject, source });
  });
}

/** A `List` stands for its items. */
function expandList(manifest: Manifest): Manifest[] {
  const { object, source } = manifest;
  if (object.kind?.endsWith('List') && Array.isArray(object.items)) {
    return object.items.flatMap((item: KubeObject) => expandList({ object: item, source }));
  }
  const missing = [...(object.apiVersion ? [] : ['apiVersion not set']), ...(object.kind ? [] : ['kind not set'])];
  if (missing.length > 0) {
    const list = missing.length === 1 ? missing[0] : `[${missing.join(', ')}]`;
    throw new KubectlError(
      `error validating ${quote(source)}: error validating data: ${list}; if you choose to ignore these errors, turn validation off with --validate=false`,
    );
  }
  return [manifest];
}

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks).toString('utf8');
}

const extensions = new Set(['.json', '.yaml', '.yml']);

async function filesOf(path: string, recursive: boolean): Promise<string[]> {
  const entries = (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  const lists = await Promise.all(
    entries.map(async (entry) => {
      const full = join(path, entry.name);
      if (entry.isDirectory()) return recursive ? filesOf(full, recursive) : [];
      return extensions.has(extname(entry.name)) ? [full] : [];
    }),
  );
  return lists.flat();
}

/**
 * Reads the objects of files, directories (their .yaml, .yml and .json files) and `-`, in order.
 * @throws KubectlError when a path does not exist or a file is no manifest
 */
export async function readManifests(
  paths: readonly string[],
  options: { cwd: string; stdin: Readable; recursive?: boolean },
): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  for (const path of paths) {
    if (path === '-') {
      manifests.push(...parseManifests(await readAll(options.stdin), 'STDIN'));
      continue;
    }
    if (/^https?:\/\//.test(path))
      throw new KubectlError(`reading ${path}: fetch it first, this command line reads files only`);
    const full = resolve(options.cwd, path);
    const info = await stat(full).catch(() => undefined);
    if (!info) throw new KubectlError(`the path ${quote(path)} does not exist`);
    if (!info.isDirectory()) {
      manifests.push(...parseManifests(await readFile(full, 'utf8'), path));
      continue;
    }
    const files = await filesOf(full, options.recursive ?? false);
    if (files.length === 0) {
      throw new KubectlError(`error reading [${path}]: recognized file extensions are [.json .yaml .yml]`);
    }
    for (const file of files)
      manifests.push(...parseManifests(await readFile(file, 'utf8'), path + file.slice(full.length)));
  }
  return manifests;
}
