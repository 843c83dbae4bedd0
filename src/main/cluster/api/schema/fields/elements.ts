import type { Keyed } from './shape';

/** The path element of a list's item: `k:{"containerPort":80,"protocol":"TCP"}`. */
export function keyedElement({ keys }: Keyed, item: unknown): string {
  let text = 'k:{';
  for (const key of keys) {
    if (text.length > 3) text += ',';
    text += `"${key.name}":${JSON.stringify(keyValue(key, item)) ?? 'null'}`;
  }
  return `${text}}`;
}

/** The first key that an item leaves out and that has no value of its own then. */
export function missingKey({ keys }: Keyed, item: unknown): string | undefined {
  return keys.find((key) => keyValue(key, item) === undefined)?.name;
}

/** Whether two items of a list have the same keys. */
export function sameItem({ keys }: Keyed, a: unknown, b: unknown): boolean {
  for (const key of keys) if (keyValue(key, a) !== keyValue(key, b)) return false;
  return true;
}

function keyValue({ name, fallback }: Keyed['keys'][number], item: unknown): unknown {
  return (item as Record<string, unknown> | null | undefined)?.[name] ?? fallback;
}

/** The path element of a set's item: `v:"example.com/finalizer"`. */
export const valueElement = (value: unknown): string => `v:${JSON.stringify(value)}`;
