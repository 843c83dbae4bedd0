import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Regexp } from './regexp';

const test = (pattern: string, text: string) => new Regexp(pattern).test(text);

describe('Regexp', () => {
  it.each([
    ['^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', 'web-1', 'web-'],
    ['^a{2,3}$', 'aaa', 'aaaa'],
    ['^a{2,}b??$', 'aaaab', 'ab'],
    ['^(a|bc)+$', 'abcbca', 'abb'],
    ['(?i)^straße$', 'STRAßE', 'strasse'],
    ['^(?i:a)b$', 'Ab', 'AB'],
    ['(?m)^b$', 'a\nb\nc', 'abc'],
    ['^b$', 'b', 'a\nb'],
    ['(?s)^a.b$', 'a\nb', 'ab'],
    ['^a.b$', 'a😀b', 'a\nb'],
    ['^\\p{Lu}\\pL+$', 'Äpfel', 'äpfel'],
    ['^\\P{Greek}+$', 'abc', 'αβγ'],
    ['^[[:alpha:]_][[:^space:]]*$', 'a-b', '1b'],
    ['^[\\d\\-x]+$', '1-x', 'w'],
    ['^[]a]+$', ']a', 'b'],
    ['^[^]a]+$', 'xyz', 'x]'],
    ['\\bcat\\b', 'a cat!', 'concat'],
    ['^\\Qa.b*\\E$', 'a.b*', 'axbb'],
    ['^\\x41\\x{1F600}\\101\\t$', 'A😀A\t', 'A'],
    ['^(?P<year>\\d{4})-(?<month>\\d\\d)$', '2024-05', '24-05'],
    ['^{a}$', '{a}', 'a'],
    ['^a{,2}$', 'a{,2}', 'aa'],
    ['\\A(?:a|)\\z', '', 'aa'],
  ])('%s', (pattern, good, bad) => {
    expect(test(pattern, good)).toBe(true);
    expect(test(pattern, bad)).toBe(false);
  });

  it.each([
    ['(', 'missing closing )'],
    ['a)', 'unexpected )'],
    ['[a', 'missing closing ]'],
    ['a**', 'invalid nested repetition operator: `**`'],
    ['*a', 'missing argument to repetition operator: `*`'],
    ['a{1001}', 'invalid repeat count: `{1001}`'],
    ['a{2,1}', 'invalid repeat count: `{2,1}`'],
    ['(?=a)', 'invalid or unsupported Perl syntax: `(?=`'],
    ['(?<!a)', 'invalid named capture: `(?<!a)`'],
    ['(a)\\1', 'invalid escape sequence: `\\1`'],
    ['\\', 'trailing backslash at end of expression'],
    ['[z-a]', 'invalid character class range: `z-a`'],
    ['\\p{Nothing}', 'invalid character class range: `\\p{Nothing}`'],
    ['((a{1000}){1000}){1000}', 'invalid repeat count: `{1000}`'],
    [`${'('.repeat(1001)}a${')'.repeat(1001)}`, 'expression nests too deeply'],
  ])('refuses %s', (pattern, why) => expect(() => new Regexp(pattern)).toThrow(why));

  it('finds what is leftmost, and of that what the expression says first', () => {
    expect(new Regexp('a|ab').find('xab')).toBe('a');
    expect(new Regexp('a+?').find('aaa')).toBe('a');
    expect(new Regexp('(?U)a+').find('aaa')).toBe('a');
    expect(new Regexp('[a-z]+').findAll('ab 12 cd ef')).toEqual(['ab', 'cd', 'ef']);
    expect(new Regexp('[a-z]+').findAll('ab 12 cd ef', 2)).toEqual(['ab', 'cd']);
    expect(new Regexp('a*').findAll('baac')).toEqual(['', 'aa', '']);
    expect(new Regexp('é+').find('caféé')).toBe('éé');
    expect(new Regexp('x').find('abc')).toBe('');
    expect(new Regexp('a+').find('a'.repeat(300_000))).toHaveLength(300_000);
  });

  it('takes no longer for a hostile expression than for another', () => {
    const text = `${'a'.repeat(20_000)}!`;
    for (const pattern of ['^(a+)+$', '^(a|aa)+$', '^([a-z]+)*$', '(a*)*b', '^(a|a?)+$', '(.*)(.*)(.*)(.*)[^a!]$'])
      expect(test(pattern, text)).toBe(false);
  });

  it('gives up where the expression is as large as the text is long', () => {
    expect(() => new Regexp('a.*b|a').findAll('a'.repeat(20_000))).toThrow('too long');
    expect(() => test('(a?){1000}b', 'a'.repeat(200_000))).toThrow('the text is too long for the regular expression');
  });

  it('agrees with JavaScript on what matches', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '\\b', '^', '$');
    const suffix = fc.constantFrom('', '*', '+', '?', '{2}', '{1,2}', '*?');
    const piece = fc.tuple(atom, suffix).map(([one, how]) => (/^(\^|\$|\\b)$/.test(one) ? one : one + how));
    const pattern = fc
      .array(
        fc.oneof(
          piece,
          fc.array(piece, { maxLength: 3 }).map((parts) => `(${parts.join('')}|${parts[0] ?? 'b'})?`),
        ),
        { maxLength: 4 },
      )
      .map((parts) => parts.join(''));
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' '), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (source, given) => {
        expect(test(source, given)).toBe(new RegExp(source).test(given));
      }),
      { numRuns: 500 },
    );
  });
});
