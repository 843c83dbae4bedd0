import { RE2JS } from 're2js';

/** How much work a search may be: a character for each step of the expression, at worst. Takes less than a second. */
const mostWork = 50_000_000;
/** How long finding all matches may take, in ms: each of them may be looked for up to the end of the text. */
const mostMs = 500;

/** A search took too long for a server that others wait for. */
export class TooMuchWork extends Error {
  constructor() {
    super('the text is too long for the regular expression');
  }
}

/**
 * A regular expression with RE2's syntax and meaning, in time that grows with the text and the
 * expression alone. JavaScript's own tries every way to match: a hostile one hangs the server.
 */
export class Regexp {
  private readonly compiled: RE2JS;

  /** @throws Error in Go's words */
  constructor(pattern: string) {
    this.compiled = RE2JS.compile(pattern);
  }

  /** How much work a character is, at most. */
  get size(): number {
    return this.compiled.programSize();
  }

  /** @throws TooMuchWork */
  test(text: string): boolean {
    this.check(text);
    return this.compiled.test(text);
  }

  /** The first match; '' when there is none. @throws TooMuchWork */
  find(text: string): string {
    return this.findAll(text, 1)[0] ?? '';
  }

  /** Matches that do not overlap, from left to right, at most so many. @throws TooMuchWork */
  findAll(text: string, most = Infinity): string[] {
    this.check(text);
    const matcher = this.compiled.matcher(text);
    const found: string[] = [];
    const until = performance.now() + mostMs;
    let last = -1;
    while (found.length < most && matcher.find()) {
      // In Go, nothing right after a match is none.
      if (matcher.end() > matcher.start() || matcher.start() !== last) found.push(matcher.group() ?? '');
      last = matcher.end();
      if (performance.now() > until) throw new TooMuchWork();
    }
    return found;
  }

  private check(text: string): void {
    if (text.length * this.size > mostWork) throw new TooMuchWork();
  }
}

const known = new Map<string, Regexp | { fault: string }>();

function lookUp(pattern: string): Regexp | { fault: string } {
  let found = known.get(pattern);
  if (!found) {
    if (known.size >= 1000) known.clear();
    try {
      found = new Regexp(pattern);
    } catch (error) {
      found = { fault: (error as Error).message };
    }
    known.set(pattern, found);
  }
  return found;
}

/** The expression of a pattern, made once. @throws Error in Go's words */
export function regexpOf(pattern: string): Regexp {
  const found = lookUp(pattern);
  if (found instanceof Regexp) return found;
  throw new Error(found.fault);
}

/** What is wrong with a pattern, in Go's words; undefined for one that is right. */
export function regexpFault(pattern: string): string | undefined {
  const found = lookUp(pattern);
  return found instanceof Regexp ? undefined : found.fault;
}
