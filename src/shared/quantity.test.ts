import { describe, expect, it } from 'vitest';
import {
  canonicalQuantity,
  formatBytes,
  formatCpuMillis,
  formatQuantity,
  isQuantity,
  parseBytes,
  parseCpuMillis,
  parseQuantity,
} from './quantity';

describe('quantities', () => {
  it.each([
    ['250m', 0.25],
    ['64Mi', 64 * 1024 * 1024],
    ['1.5Gi', 1.5 * 1024 ** 3],
    ['2', 2],
    [2, 2],
    ['0.1', 0.1],
    ['1e3', 1000],
    ['1E3', 1000],
    ['12E', 12e18],
    ['5k', 5000],
    ['-1', -1],
    ['.5', 0.5],
    ['100n', 1e-7],
  ])('parses %s as %d', (text, value) => expect(parseQuantity(text)).toBe(value));

  it('takes what is absent as nothing', () => {
    expect(parseQuantity(undefined)).toBe(0);
    expect(parseCpuMillis(undefined)).toBe(0);
  });

  it.each(['', '.', '1x', 'Mi', '1 Gi', '1mi', 'abc', '1ee3', '--1'])('refuses %j', (text) => {
    expect(isQuantity(text)).toBe(false);
    expect(() => parseQuantity(text)).toThrow(/quantities must match the regular expression/);
  });

  it('counts CPU in millis without the errors of binary fractions, rounding up', () => {
    expect(parseCpuMillis('1.1')).toBe(1100);
    expect(parseCpuMillis('0.29')).toBe(290);
    expect(parseCpuMillis(2)).toBe(2000);
    expect(parseCpuMillis('1500u')).toBe(2);
  });

  it('counts bytes in whole ones, rounding up', () => {
    expect(parseBytes('1.5Ki')).toBe(1536);
    expect(parseBytes('100m')).toBe(1);
    expect(parseBytes('16Gi')).toBe(16 * 1024 ** 3);
  });

  it('prints the canonical text', () => {
    expect(formatQuantity(0.25)).toBe('250m');
    expect(formatQuantity(1500)).toBe('1500');
    expect(formatQuantity(2000)).toBe('2k');
    expect(formatQuantity(0)).toBe('0');
    expect(formatQuantity(67108864, 'BinarySI')).toBe('64Mi');
    expect(canonicalQuantity('0.5')).toBe('500m');
    expect(canonicalQuantity('1024Mi')).toBe('1Gi');
    expect(canonicalQuantity('1.5Gi')).toBe('1536Mi');
    expect(canonicalQuantity('1000m')).toBe('1');
    expect(canonicalQuantity('0.5Ki')).toBe('512');
    expect(canonicalQuantity('1e6')).toBe('1e6');
    expect(canonicalQuantity('-2000m')).toBe('-2');
  });

  it('prints CPU and memory', () => {
    expect(formatCpuMillis(250)).toBe('250m');
    expect(formatCpuMillis(2000)).toBe('2');
    expect(formatBytes(64 * 1024 ** 2)).toBe('64Mi');
    expect(formatBytes(1000)).toBe('1000');
    expect(formatBytes(1001)).toBe('1001');
  });
});
