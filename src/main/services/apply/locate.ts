import { isMap, isPair, isScalar, isSeq, type Node, type Pair } from 'yaml';

/**
 * A field path's parts: `spec.containers[0].env[name]` gives spec, containers, 0, env, name.
 * Brackets hold an index or a map's key.
 */
export function splitPath(path: string): string[] {
  const parts: string[] = [];
  let rest = path;
  while (rest) {
    const bracket = /^\[("?)(.*?)\1\]\.?/.exec(rest);
    const plain = /^[^.[]+/.exec(rest);
    if (bracket) {
      parts.push(bracket[2]!);
      rest = rest.slice(bracket[0].length);
    } else if (plain) {
      parts.push(plain[0]);
      rest = rest.slice(plain[0].length).replace(/^\./, '');
    } else rest = rest.slice(1);
  }
  return parts;
}

/** What a path leads to. */
export interface Found {
  /** The deepest node (a key, or a sequence's item) on the way. */
  at: Node;
  /** The value there. */
  value: Node;
  /** Parts of the path that exist; `parts.length` means all of it. */
  depth: number;
  /** The way there, with the indices that were found. */
  path: string;
}

const keyOf = (pair: Pair): string => (isScalar(pair.key) ? String(pair.key.value) : String(pair.key));

function entry(map: Node, key: string): Pair | undefined {
  if (!isMap(map)) return undefined;
  return map.items.find((pair) => isPair(pair) && keyOf(pair) === key);
}

/**
 * Finds the place of a path in a YAML tree, or of its nearest parent that is
 * there. A path without indices (as in `json: cannot unmarshal` messages) is
 * tried in every item, and the one that leads deepest and `accepts` wins.
 */
export function locate(root: Node, path: string, accepts: (value: Node) => boolean = () => true): Found {
  const parts = splitPath(path);
  const walk = (at: Node, value: Node, depth: number, path: string): Found => {
    const here: Found = { at, value, depth, path };
    if (depth === parts.length) return here;
    if (isSeq(value)) {
      const index = Number(parts[depth]);
      if (Number.isInteger(index)) {
        const item = value.items[index] as Node | undefined;
        return item ? walk(item, item, depth + 1, `${path}[${index}]`) : here;
      }
      const tried = value.items.map((item, at) => walk(item as Node, item as Node, depth, `${path}[${at}]`));
      return tried.find((one) => one.depth === parts.length && accepts(one.value)) ?? deepest(tried) ?? here;
    }
    // A key may hold dots itself: annotations, file names of a ConfigMap.
    for (let end = parts.length; end > depth; end -= 1) {
      const key = parts.slice(depth, end).join('.');
      const pair = entry(value, key);
      if (pair) return walk(pair.key as Node, (pair.value ?? pair.key) as Node, end, path ? `${path}.${key}` : key);
    }
    return here;
  };
  return walk(root, root, 0, '');
}

function deepest(found: Found[]): Found | undefined {
  return found.reduce<Found | undefined>((best, one) => (!best || one.depth > best.depth ? one : best), undefined);
}

/** The first value in the tree for which `test` holds, with its path. */
export function search(
  root: Node,
  test: (value: Node, path: string) => boolean,
  path = '',
): { value: Node; path: string } | undefined {
  if (test(root, path)) return { value: root, path };
  const children: [Node, string][] = isMap(root)
    ? root.items.map((pair) => [pair.value as Node, path ? `${path}.${keyOf(pair)}` : keyOf(pair)])
    : isSeq(root)
      ? root.items.map((item, index) => [item as Node, `${path}[${index}]`])
      : [];
  for (const [child, childPath] of children) {
    const found = child ? search(child, test, childPath) : undefined;
    if (found) return found;
  }
  return undefined;
}
