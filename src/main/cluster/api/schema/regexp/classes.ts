/** Whether a character, by its code point, is of a class. */
export type Test = (code: number) => boolean;

const within =
  (...ranges: [number, number][]): Test =>
  (code) =>
    ranges.some(([low, high]) => code >= low && code <= high);
const not =
  (test: Test): Test =>
  (code) =>
    !test(code);

const digit = within([48, 57]);
const upper = within([65, 90]);
const lower = within([97, 122]);
const alpha = within([65, 90], [97, 122]);
export const isWordCode = within([48, 57], [65, 90], [95, 95], [97, 122]);
const perlSpace = within([9, 10], [12, 13], [32, 32]);

const perl: Record<string, Test> = {
  d: digit,
  D: not(digit),
  w: isWordCode,
  W: not(isWordCode),
  s: perlSpace,
  S: not(perlSpace),
};

/** `\d`, `\W` …: of ASCII alone, as RE2 has them. */
export const perlClass = (letter: string): Test | undefined => (Object.hasOwn(perl, letter) ? perl[letter] : undefined);

const posix: Record<string, Test> = {
  alnum: within([48, 57], [65, 90], [97, 122]),
  alpha,
  ascii: within([0, 127]),
  blank: within([9, 9], [32, 32]),
  cntrl: within([0, 31], [127, 127]),
  digit,
  graph: within([33, 126]),
  lower,
  print: within([32, 126]),
  punct: within([33, 47], [58, 64], [91, 96], [123, 126]),
  space: within([9, 13], [32, 32]),
  upper,
  word: isWordCode,
  xdigit: within([48, 57], [65, 70], [97, 102]),
};

/** `[:alpha:]` and its like. */
export const namedClass = (name: string): Test | undefined => (Object.hasOwn(posix, name) ? posix[name] : undefined);

/** A general category (`L`, `Lu`) or a script (`Greek`); undefined for a name that is neither. */
export function unicodeClass(name: string): Test | undefined {
  for (const property of [name, `Script=${name}`]) {
    try {
      const one = new RegExp(`^\\p{${property}}$`, 'u');
      return (code) => one.test(String.fromCodePoint(code));
    } catch {
      // Not a property of this form.
    }
  }
  return undefined;
}
