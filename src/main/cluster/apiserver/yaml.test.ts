import { describe, expect, it } from 'vitest';
import { yamlExcess } from '@shared/yaml-limits';
import { parseYaml } from './yaml';

const lines = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');

/** How many elements are looked at one by one, in search of one, while something is done. */
function searched(action: () => void): number {
  let looked = 0;
  const methods = ['some', 'find', 'findIndex', 'every'] as const;
  const originals = methods.map((method) => Array.prototype[method]);
  methods.forEach((method, at) => {
    const counting = function (this: unknown[], test: (...args: unknown[]) => unknown, self: unknown) {
      const counted = (...args: unknown[]) => {
        looked++;
        return test.apply(self, args);
      };
      return (originals[at] as (...args: unknown[]) => unknown).call(this, counted);
    };
    Reflect.set(Array.prototype, method, counting);
  });
  try {
    action();
  } finally {
    methods.forEach((method, at) => Reflect.set(Array.prototype, method, originals[at]));
  }
  return looked;
}

function refusal(text: string): string {
  try {
    parseYaml(text);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

describe('bodies in YAML', () => {
  it('reads merge keys, octal numbers and aliases', () => {
    expect(parseYaml('base: &b {a: 1}\nmode: 0644\nuse:\n  <<: *b\n  c: 2\nsame: *b\n')).toEqual({
      base: { a: 1 },
      mode: 420,
      use: { a: 1, c: 2 },
      same: { a: 1 },
    });
  });

  it('refuses keys given twice, at any depth', () => {
    expect(refusal('a: 1\nb: 2\na: 3')).toContain('key "a" already set in map');
    expect(refusal('x:\n  - {k: &a {q: 1, q: 2}}')).toContain('key "q" already set in map');
  });

  it('refuses two documents, broken ones and ones that nest too deep', () => {
    expect(refusal('a: 1\n---\nb: 1')).toContain('multiple documents');
    expect(refusal('a: [1')).toMatch(/error converting YAML to JSON: .* at line 1/);
    expect(refusal('['.repeat(20_000))).toContain('it nests deeper than');
    expect(refusal('- '.repeat(20_000))).toContain('it nests deeper than');
  });

  it('refuses aliases that would grow without end', () => {
    const letters = 'abcdefghi';
    const bomb = [...letters].map(
      (letter, index) =>
        `${letter}: &${letter} [${Array(9)
          .fill(index ? `*${letters[index - 1]}` : 'x')
          .join(',')}]`,
    );
    expect(refusal(bomb.join('\n'))).toContain('alias');
  });

  it('does four times the work for four times the keys', () => {
    const work = (count: number) =>
      searched(() => {
        const text = lines(count, (index) => `key-${index}: value`);
        expect(Object.keys(parseYaml(text) as object)).toHaveLength(count);
      });
    // Each compared with each would be sixteen times the work.
    expect(work(400) / work(100)).toBeLessThan(5);
  });

  it('reads no further than to the first anchor or alias too many', () => {
    for (const text of [
      `a: &a {b: 1}\n${lines(10_000, (index) => `k${index}: *a`)}`,
      lines(10_000, (index) => `- &a${index} ${index}`),
    ]) {
      expect(refusal(text)).toContain('anchors and aliases');
      expect(yamlExcess(text)!.offset).toBeLessThan(text.length / 4);
    }
  });
});
