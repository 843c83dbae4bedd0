import { namedClass, perlClass, unicodeClass, type Test } from './classes';

/** What a regular expression says. Groups only group: nobody asks what each of them took. */
export type Node =
  | { type: 'empty' }
  | { type: 'char'; test: Test }
  | { type: 'assert'; at: Place }
  | { type: 'all'; nodes: Node[] }
  | { type: 'any'; nodes: Node[] }
  | { type: 'repeat'; node: Node; least: number; most: number; greedy: boolean };

/** A place between characters. */
export type Place = 'start' | 'end' | 'lineStart' | 'lineEnd' | 'word' | 'noWord';

interface Flags {
  /** Ignores case. */
  i: boolean;
  /** `^` and `$` are at lines too. */
  m: boolean;
  /** `.` is a line's end too. */
  s: boolean;
  /** Takes as little as it can where nothing is said. */
  U: boolean;
}

const mostRepeats = 1000;
const deepest = 1000;

/** A regular expression in RE2's syntax, which Go and so Kubernetes have. @throws Error in Go's words */
export function parseRegexp(pattern: string): Node {
  return new Parser(pattern).whole();
}

const failure = (why: string, at: string): Error => new Error(`error parsing regexp: ${why}: \`${at}\``);

class Parser {
  private readonly letters: string[];
  private at = 0;
  private depth = 0;
  private flags: Flags = { i: false, m: false, s: false, U: false };

  constructor(private readonly pattern: string) {
    this.letters = [...pattern];
  }

  whole(): Node {
    const node = this.alternatives();
    if (this.at < this.letters.length) throw failure('unexpected )', this.pattern);
    return node;
  }

  private alternatives(): Node {
    if (++this.depth > deepest) throw failure('expression nests too deeply', this.pattern);
    const nodes = [this.sequence()];
    while (this.take('|')) nodes.push(this.sequence());
    this.depth--;
    return nodes.length === 1 ? nodes[0]! : { type: 'any', nodes };
  }

  private sequence(): Node {
    const nodes: Node[] = [];
    while (this.at < this.letters.length && !this.ahead('|') && !this.ahead(')')) {
      if (this.take('\\Q')) nodes.push(...this.quoted());
      else nodes.push(this.repeated(this.atom()));
    }
    return nodes.length === 1 ? nodes[0]! : { type: 'all', nodes };
  }

  private quoted(): Node[] {
    const nodes: Node[] = [];
    while (this.at < this.letters.length && !this.take('\\E')) nodes.push(this.char(this.letters[this.at++]!));
    return nodes;
  }

  private repeated(node: Node): Node {
    let result = node;
    for (let first = true; ; first = false) {
      const begin = this.at;
      const range = this.range();
      if (!range) return result;
      const said = () => this.letters.slice(begin, this.at).join('');
      if (!first) throw failure('invalid nested repetition operator', said());
      const [least, most] = range;
      if (least > mostRepeats || (most > mostRepeats && most !== Infinity) || most < least)
        throw failure('invalid repeat count', said());
      const greedy = this.take('?') ? this.flags.U : !this.flags.U;
      result = { type: 'repeat', node: result, least, most, greedy };
    }
  }

  /** How often the last atom comes; undefined where nothing is said about it. */
  private range(): [number, number] | undefined {
    if (this.take('*')) return [0, Infinity];
    if (this.take('+')) return [1, Infinity];
    if (this.take('?')) return [0, 1];
    if (!this.ahead('{')) return undefined;
    const found = /^\{(\d+)(?:(,)(\d*))?\}/.exec(this.letters.slice(this.at, this.at + 24).join(''));
    if (!found) return undefined;
    this.at += found[0].length;
    const least = Number(found[1]);
    return [least, !found[2] ? least : found[3] === '' ? Infinity : Number(found[3])];
  }

  private atom(): Node {
    const letter = this.letters[this.at]!;
    switch (letter) {
      case '(':
        return this.group();
      case '[':
        return { type: 'char', test: this.cased(this.characterClass()) };
      case '.': {
        this.at++;
        const { s } = this.flags;
        return { type: 'char', test: (code) => s || code !== 10 };
      }
      case '^':
        this.at++;
        return { type: 'assert', at: this.flags.m ? 'lineStart' : 'start' };
      case '$':
        this.at++;
        return { type: 'assert', at: this.flags.m ? 'lineEnd' : 'end' };
      case '*':
      case '+':
      case '?':
        throw failure('missing argument to repetition operator', letter);
      case '\\':
        return this.escaped();
      default:
        this.at++;
        return this.char(letter);
    }
  }

  private group(): Node {
    const begin = this.at++;
    const before = { ...this.flags };
    if (this.take('?')) {
      const named = /^P?<(\w+)>/.exec(this.letters.slice(this.at, this.at + 200).join(''));
      if (named) this.at += named[0].length;
      else if (!this.readFlags(begin)) return { type: 'empty' };
    }
    const node = this.alternatives();
    if (!this.take(')')) throw failure('missing closing )', this.pattern);
    this.flags = before;
    return node;
  }

  /** `(?flags)`, which counts from here on: false; `(?flags:`, which counts in the group: true. */
  private readFlags(begin: number): boolean {
    const flags = { ...this.flags };
    let value = true;
    let seen = false;
    for (;;) {
      const letter = this.letters[this.at++];
      if (letter === undefined) throw failure('missing argument to repetition operator', '?');
      if (letter === 'i' || letter === 'm' || letter === 's' || letter === 'U') flags[letter] = value;
      else if (letter === '-' && value) value = false;
      else if ((letter === ':' || letter === ')') && (value || seen)) {
        this.flags = flags;
        return letter === ':';
      } else {
        throw failure('invalid or unsupported Perl syntax', this.letters.slice(begin, this.at).join(''));
      }
      seen = letter !== '-';
    }
  }

  private escaped(): Node {
    const test = this.classEscape();
    if (test) return { type: 'char', test: this.cased(test) };
    const letter = this.letters[this.at + 1];
    const places: Record<string, Place> = { A: 'start', z: 'end', b: 'word', B: 'noWord' };
    if (letter !== undefined && Object.hasOwn(places, letter)) {
      this.at += 2;
      return { type: 'assert', at: places[letter]! };
    }
    return this.char(String.fromCodePoint(this.escapedCode()));
  }

  /** `\d`, `\pL`, `\p{Greek}`: undefined for other escapes. */
  private classEscape(): Test | undefined {
    const letter = this.letters[this.at + 1] ?? '';
    const perl = perlClass(letter);
    if (perl) {
      this.at += 2;
      return perl;
    }
    if (letter !== 'p' && letter !== 'P') return undefined;
    const found = /^\\[pP](?:\{(\^?)(\w+)\}|(\w))/.exec(this.letters.slice(this.at, this.at + 60).join(''));
    const said = found?.[0] ?? this.letters.slice(this.at, this.at + 3).join('');
    const test = found && unicodeClass(found[2] ?? found[3]!);
    if (!test) throw failure('invalid character class range', said);
    this.at += said.length;
    const negated = (letter === 'P') !== (found[1] === '^');
    return negated ? (code) => !test(code) : test;
  }

  /** The character that an escape means. */
  private escapedCode(): number {
    const rest = this.letters.slice(this.at, this.at + 14).join('');
    if (rest === '\\') throw failure('trailing backslash at end of expression', '');
    const [, braced, hex, octal] =
      /^\\(?:x\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{2})|([1-7][0-7]{1,2}|0[0-7]{0,2}))/.exec(rest) ?? [];
    const code = braced ?? hex;
    const letter = this.letters[this.at + 1]!;
    if (code !== undefined || octal !== undefined) {
      const value = code === undefined ? parseInt(octal!, 8) : parseInt(code, 16);
      if (value > 0x10ffff) throw failure('invalid escape sequence', rest);
      this.at += braced !== undefined ? braced.length + 4 : hex !== undefined ? 4 : octal!.length + 1;
      return value;
    }
    this.at += 2;
    const controls: Record<string, number> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };
    if (Object.hasOwn(controls, letter)) return controls[letter]!;
    const point = letter.codePointAt(0)!;
    if (point < 0x80 && !/[A-Za-z0-9]/.test(letter)) return point;
    throw failure('invalid escape sequence', `\\${letter}`);
  }

  private characterClass(): Test {
    const begin = this.at++;
    const unclosed = () => failure('missing closing ]', this.letters.slice(begin).join(''));
    const negated = this.take('^');
    const tests: Test[] = [];
    for (let first = true; first || !this.take(']'); first = false) {
      if (this.at >= this.letters.length) throw unclosed();
      const named = /^\[:(\^?)(\w+):\]/.exec(this.letters.slice(this.at, this.at + 20).join(''));
      const posix = named && namedClass(named[2]!);
      if (named && !posix) throw failure('invalid character class range', named[0]);
      if (named && posix) {
        this.at += named[0].length;
        tests.push(named[1] ? (code) => !posix(code) : posix);
        continue;
      }
      const test = this.ahead('\\') ? this.classEscape() : undefined;
      if (test) {
        tests.push(test);
        continue;
      }
      const start = this.at;
      const low = this.classCode(unclosed);
      const isRange = this.ahead('-') && this.at + 1 < this.letters.length && this.letters[this.at + 1] !== ']';
      if (isRange) this.at++;
      const high = isRange ? this.classCode(unclosed) : low;
      if (high < low) throw failure('invalid character class range', this.letters.slice(start, this.at).join(''));
      tests.push((code) => code >= low && code <= high);
    }
    const any = this.cased((code) => tests.some((test) => test(code)));
    return negated ? (code) => !any(code) : any;
  }

  private classCode(unclosed: () => Error): number {
    if (this.at >= this.letters.length) throw unclosed();
    return this.ahead('\\') ? this.escapedCode() : this.letters[this.at++]!.codePointAt(0)!;
  }

  private char(letter: string): Node {
    const point = letter.codePointAt(0)!;
    return { type: 'char', test: this.cased((code) => code === point) };
  }

  private cased(test: Test): Test {
    if (!this.flags.i) return test;
    return (code) => {
      if (test(code)) return true;
      const letter = String.fromCodePoint(code);
      return test(letter.toLowerCase().codePointAt(0)!) || test(letter.toUpperCase().codePointAt(0)!);
    };
  }

  private ahead(text: string): boolean {
    return [...text].every((letter, index) => this.letters[this.at + index] === letter);
  }

  private take(text: string): boolean {
    if (!this.ahead(text)) return false;
    this.at += text.length;
    return true;
  }
}
