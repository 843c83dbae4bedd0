import { expect, it } from 'vitest';
import { readBytes, readCores, readPercent } from './format';

it('reads bytes', () => {
  expect([0, 900, 1536, 67_108_864, 1_610_612_736, 107_374_182_400].map(readBytes)).toEqual([
    '0 B',
    '900 B',
    '1.5 KiB',
    '64 MiB',
    '1.5 GiB',
    '100 GiB',
  ]);
});
it('reads cores', () => {
  expect([0, 0.0004, 0.25, 0.9996, 1, 1.5, 16].map(readCores)).toEqual([
    '0',
    '0.4m',
    '250m',
    '1000m',
    '1',
    '1.5',
    '16',
  ]);
});
it('reads shares', () => {
  expect(readPercent(0.4249)).toBe('42 %');
});
