import { Optional } from '@marcbachmann/cel-js';
import { UnsignedInt } from '@marcbachmann/cel-js/evaluator';

/**
 * JSON as CEL sees it: whole numbers become ints. Objects and lists are copied,
 * keys as `escape` spells them.
 */
export function celValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(celValue);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const result: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(value)) result[key] = celValue((value as Record<string, unknown>)[key]);
  return result;
}

/** What an expression came to, as JavaScript has it: ints as numbers, optionals as their value. */
export function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof UnsignedInt) return Number(value.valueOf());
  if (value instanceof Optional) return plainValue(value.orValue(undefined));
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== 'object' || value === null) return value;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainValue(inner)]));
}

/** An optional with the value in it; none for undefined. */
export const optionalValue = (value: unknown): unknown => (value === undefined ? Optional.none() : Optional.of(value));

const operators: Record<string, string> = { _: 'underscores', '.': 'dot', '-': 'dash', '/': 'slash' };
const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

/**
 * A property's name as expressions spell it (`a-b` → `a__dash__b`, `in` → `__in__`);
 * undefined for names that expressions cannot reach.
 */
export function escapedName(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_.\-/][A-Za-z0-9_.\-/]*$/.test(name)) return undefined;
  return name.replace(/__|[.\-/]/g, (part) => `__${operators[part[0]!]}__`);
}
