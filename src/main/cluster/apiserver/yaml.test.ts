import { describe, expect, it } from 'vitest';
import { parseYaml } from './yaml';

/** Far more than any of these take, far less than they take a parser that compares each with each. */
const soon = 3_000;

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

  it(
    'answers soon, however many keys, anchors and aliases there are',
    () => {
      const lines = (count: number, line: (index: number) => string) =>
        Array.from({ length: count }, (_, index) => line(index)).join('\n');
      expect(Object.keys(parseYaml(lines(50_000, (index) => `key-${index}: value`)) as object)).toHaveLength(50_000);
      expect(refusal(`a: &a {b: 1}\n${lines(30_000, (index) => `k${index}: *a`)}`)).toContain('anchors and aliases');
      expect(refusal(lines(30_000, (index) => `- &a${index} ${index}`))).toContain('anchors and aliases');
    },
    soon,
  );
});
