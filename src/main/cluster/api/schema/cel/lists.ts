import type { Environment } from '@marcbachmann/cel-js';
import { Duration } from '@marcbachmann/cel-js/evaluator';

type Ordered = bigint | number | string | boolean | Date;

/** isSorted, sum, min, max, indexOf, lastIndexOf of lists; sets. */
export function registerLists(environment: Environment): void {
  environment.registerFunction('list.isSorted(): bool', (list: Ordered[]) =>
    list.every((item, index) => index === 0 || !(list[index - 1]! > item)),
  );
  environment.registerFunction('list.sum(): dyn', (list: unknown[]) => sum(list));
  environment.registerFunction('list.min(): dyn', (list: Ordered[]) => least(list, 'min', (a, b) => a < b));
  environment.registerFunction('list.max(): dyn', (list: Ordered[]) => least(list, 'max', (a, b) => a > b));
  environment.registerFunction('list.indexOf(dyn): int', (list: unknown[], item: unknown) =>
    BigInt(list.findIndex((one) => same(one, item))),
  );
  environment.registerFunction('list.lastIndexOf(dyn): int', (list: unknown[], item: unknown) =>
    BigInt(list.findLastIndex((one) => same(one, item))),
  );
  registerSets(environment);
}

function sum(list: unknown[]): unknown {
  if (list.length === 0) return 0n;
  if (list[0] instanceof Duration) return (list as Duration[]).reduce((total, one) => total.addDuration(one));
  return (list as number[]).reduce((total, one) => total + one);
}

function least(list: Ordered[], name: string, before: (a: Ordered, b: Ordered) => boolean): Ordered {
  if (list.length === 0) throw new Error(`${name} called on empty list`);
  return list.reduce((best, one) => (before(one, best) ? one : best));
}

/** Equality as CEL has it: ints and doubles of the same value are equal, structures by their parts. */
export function same(a: unknown, b: unknown): boolean {
  // Loosely on purpose: 1n == 1 compares a bigint with a double by value.
  if (typeof a === 'bigint' || typeof b === 'bigint') return typeof a !== 'string' && typeof b !== 'string' && a == b;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((one, at) => same(one, b[at]));
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime();
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => key in right && same(left[key], right[key]));
}

/** What `sets.contains()` is called on. */
class Sets {
  readonly name = 'sets';
}

function registerSets(environment: Environment): void {
  const within = (list: unknown[], item: unknown) => list.some((one) => same(one, item));
  environment.registerType('SetsNamespace', Sets);
  environment.registerConstant('sets', 'SetsNamespace', new Sets());
  environment.registerFunction('SetsNamespace.contains(list, list): bool', (_: Sets, a: unknown[], b: unknown[]) =>
    b.every((item) => within(a, item)),
  );
  environment.registerFunction(
    'SetsNamespace.equivalent(list, list): bool',
    (_: Sets, a: unknown[], b: unknown[]) => a.every((item) => within(b, item)) && b.every((item) => within(a, item)),
  );
  environment.registerFunction('SetsNamespace.intersects(list, list): bool', (_: Sets, a: unknown[], b: unknown[]) =>
    a.some((item) => within(b, item)),
  );
}
