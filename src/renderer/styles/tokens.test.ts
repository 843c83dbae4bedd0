import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8');

function theme(name: string): Record<string, string> {
  const block = css.slice(css.indexOf(`[data-theme='${name}'] {`)).split('}')[0]!;
  return Object.fromEntries(
    [...block.matchAll(/--c-([\w-]+): (#[0-9a-f]{6});/g)].map((match) => [match[1]!, match[2]!]),
  );
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

describe.each(['light', 'dark'])('the %s theme', (name) => {
  const c = theme(name);
  const tones = ['text', 'muted', 'accent', 'ok', 'busy', 'warn', 'error', 'off'];
  const surfaces = ['bg', 'sunken', 'raised', 'hover', 'selected'];

  it.each(tones.flatMap((tone) => surfaces.map((surface) => [tone, surface])))('reads %s on %s', (tone, surface) => {
    expect(contrast(c[tone!]!, c[surface!]!)).toBeGreaterThanOrEqual(4.5);
  });
  it.each(['ok', 'busy', 'warn', 'error', 'off', 'accent'])('reads %s on its own soft tone', (tone) => {
    expect(contrast(c[tone]!, c[`${tone}-soft`]!)).toBeGreaterThanOrEqual(4.5);
  });
  it('reads the text of filled buttons', () => {
    for (const tone of ['accent', 'danger']) {
      expect(contrast(c[tone]!, c[`on-${tone}`]!)).toBeGreaterThanOrEqual(4.5);
      expect(contrast(c[`${tone}-hover`]!, c[`on-${tone}`]!)).toBeGreaterThanOrEqual(4);
    }
  });
  it('sees placeholders and chart lines', () => {
    for (const tone of ['faint', 'chart-1', 'chart-2', 'chart-3'])
      expect(contrast(c[tone]!, c['bg']!)).toBeGreaterThanOrEqual(3);
  });
});
