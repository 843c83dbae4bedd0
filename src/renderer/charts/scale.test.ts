import { expect, it } from 'vitest';
import { broken, scale, span } from './scale';

const points = (...values: number[]) => values.map((y, index) => ({ x: index * 10_000, y }));
const level = (value: number) => ({ label: '', colour: '', value });

it('shows what there is, from a minute to all it may', () => {
  expect(span(points(1, 2), 900, 0)).toEqual([-50_000, 10_000]);
  expect(span(points(...Array.from({ length: 31 }, () => 1)), 900, 0)).toEqual([0, 300_000]);
  expect(span(points(...Array.from({ length: 201 }, () => 1)), 900, 0)).toEqual([1_100_000, 2_000_000]);
  expect(span([], 900, 70_000)).toEqual([10_000, 70_000]);
});
it('covers levels that are near and leaves out those far off', () => {
  expect(scale(points(1.4), [level(2)], 10)).toEqual({ top: 3, step: 1 });
  expect(scale(points(0.3), [level(2)], 10)).toEqual({ top: 0.4, step: 0.1 });
});
it('does not blow up idling', () => {
  expect(scale(points(0.001), [level(2)], 10).top).toBeGreaterThanOrEqual(0.1);
});
it('counts bytes in powers of two', () => {
  const MiB = 2 ** 20;
  expect(scale(points(500 * MiB), [], 2)).toEqual({ top: 768 * MiB, step: 256 * MiB });
});
it('breaks the line where nobody measured', () => {
  const [a, b, c] = [
    { x: 0, y: 1 },
    { x: 300_000, y: 1 },
    { x: 3_600_000, y: 1 },
  ];
  expect(broken([a, b, c])).toEqual([a, b, { x: 300_001, y: NaN }, c]);
});
