/**
 * A deep copy of JSON data. Properties that are undefined are left out, as JSON would.
 * Much cheaper than structuredClone for plain data.
 */
export function cloneJson<T>(value: T): T {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    // Not with push, which makes room for sixteen more.
    return value.map((item: unknown) => (item === undefined ? null : cloneJson(item))) as T;
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    return (value as unknown as { toJSON(): T }).toJSON();
  }
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    if (item === undefined) continue;
    if (key === '__proto__') Object.defineProperty(copy, key, { value: cloneJson(item), enumerable: true });
    else copy[key] = cloneJson(item);
  }
  return copy as T;
}

/** Whether two JSON values say the same, whatever the order of their keys. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => jsonEqual(item, b[index]));
  }
  if (Array.isArray(b)) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => key in right && jsonEqual(left[key], right[key]));
}
