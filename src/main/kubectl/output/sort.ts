import { isQuantity, parseQuantity } from '@shared/quantity';
import { KubectlError } from '../errors';
import { compileJsonPath, relaxedPath } from './jsonpath';

const isTime = (text: string): boolean => /^\d{4}-\d{2}-\d{2}T/.test(text);

function compareValues(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [String(a), String(b)];
  if (isTime(left) && isTime(right)) return Date.parse(left) - Date.parse(right);
  if (isQuantity(left) && isQuantity(right)) return parseQuantity(left) - parseQuantity(right);
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * The objects in the order of a field (numbers, quantities, times, text); those without it come first.
 * @throws KubectlError when no object has the field
 */
export function sortByPath<T>(objects: readonly T[], expression: string): T[] {
  const path = compileJsonPath(relaxedPath(expression));
  const keyed = objects.map((object) => ({ object, value: path.find(object)[0] }));
  if (keyed.length > 0 && keyed.every(({ value }) => value === undefined)) {
    throw new KubectlError(`couldn't find any field with path "${relaxedPath(expression)}" in the list of objects`);
  }
  const rank = (value: unknown): number => (value === undefined || value === null ? 0 : 1);
  return keyed
    .sort((a, b) => rank(a.value) - rank(b.value) || (rank(a.value) ? compareValues(a.value, b.value) : 0))
    .map(({ object }) => object);
}
