import { startOf, type Victims } from './victims';

/** Kubernetes' order of what is less bad; the lower wins at the first difference. */
const measures: readonly ((victims: Victims) => number)[] = [
  ({ violations }) => violations,
  ({ pods }) => pods[0]?.priority ?? -Infinity,
  // Offset so that more pods of low priority are not better than few.
  ({ pods }) => pods.reduce((sum, { priority }) => sum + priority + 2 ** 31, 0),
  ({ pods }) => pods.length,
  // Where the most important victim has run the shortest.
  ({ pods }) => -Math.min(...pods.filter(({ priority }) => priority === pods[0]!.priority).map(startOf)),
];

/** The node where making room does the least harm. */
export function leastHarm(candidates: readonly Victims[]): Victims {
  let left = candidates;
  for (const measure of measures) {
    if (left.length === 1) break;
    const values = left.map(measure);
    const least = Math.min(...values);
    left = left.filter((_, index) => values[index] === least);
  }
  return left[0]!;
}
