import { isDeepStrictEqual } from 'node:util';

type Json = Record<string, any>;

/** The parts of an OpenAPI v2 document that matter here. */
export interface OpenApiV2 {
  paths: Json;
  definitions: Json;
}

const prefix = '#/definitions/';

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The paths of a document below one, with the definitions they lead to; undefined for what is no document. */
export function partOf(document: unknown, below: string): OpenApiV2 | undefined {
  if (!isObject(document) || !isObject(document.paths)) return undefined;
  const all = isObject(document.definitions) ? document.definitions : {};
  const paths = Object.fromEntries(
    Object.entries(document.paths).filter(([path, item]) => path.startsWith(below) && isObject(item)),
  );
  const definitions: Json = {};
  const pending: unknown[] = [paths];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const name of referencesIn(next)) {
      if (Object.hasOwn(definitions, name) || !Object.hasOwn(all, name) || !isObject(all[name])) continue;
      definitions[name] = all[name];
      pending.push(all[name]);
    }
  }
  return { paths, definitions };
}

/** Adds parts to a document. A definition that is already there under its name, but another, gets a name of its own. */
export function mergeOpenApiV2<T extends OpenApiV2>(document: T, parts: readonly OpenApiV2[]): T {
  const paths = { ...document.paths };
  const definitions = { ...document.definitions };
  for (const part of parts) {
    const names = new Map<string, string>();
    for (const [name, definition] of Object.entries(part.definitions)) {
      let free = name;
      for (let n = 2; Object.hasOwn(definitions, free) && !isDeepStrictEqual(definitions[free], definition); n++) {
        free = `${name}_v${n}`;
      }
      if (free !== name) names.set(name, free);
    }
    for (const [name, definition] of Object.entries(part.definitions)) {
      definitions[names.get(name) ?? name] = renamed(definition, names);
    }
    for (const [path, item] of Object.entries(part.paths)) paths[path] ??= renamed(item, names);
  }
  return { ...document, paths, definitions };
}

function* referencesIn(value: unknown): Generator<string> {
  const pending = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next !== 'object' || next === null) continue;
    for (const [key, inner] of Object.entries(next)) {
      if (key === '$ref' && typeof inner === 'string' && inner.startsWith(prefix)) yield inner.slice(prefix.length);
      else pending.push(inner);
    }
  }
}

function renamed(value: any, names: ReadonlyMap<string, string>): any {
  if (names.size === 0 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((inner) => renamed(inner, names));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const name = key === '$ref' && typeof inner === 'string' ? names.get(inner.slice(prefix.length)) : undefined;
      return [key, name === undefined ? renamed(inner, names) : prefix + name];
    }),
  );
}
