import { isWordCode } from './classes';
import { parseRegexp, type Place } from './parse';
import { compile, type Step } from './program';

/** How many steps a search may take: half a second's work. */
const mostWork = 5_000_000;

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
  private readonly steps: readonly Step[];

  /** @throws Error in Go's words */
  constructor(pattern: string) {
    this.steps = compile(parseRegexp(pattern));
  }

  /** How much work a character is, at most. */
  get size(): number {
    return this.steps.length;
  }

  /** @throws TooMuchWork */
  test(text: string): boolean {
    return this.search(codesOf(text), 0, true, { left: mostWork }) !== undefined;
  }

  /** The first match; '' when there is none. */
  find(text: string): string {
    return this.findAll(text, 1)[0] ?? '';
  }

  /** Matches that do not overlap, from left to right, at most so many. */
  findAll(text: string, most = Infinity): string[] {
    const letters = [...text];
    const codes = codesOf(text);
    const found: string[] = [];
    const work = { left: mostWork };
    let at = 0;
    let last = -1;
    while (found.length < most && at <= codes.length) {
      const match = this.search(codes, at, false, work);
      if (!match) break;
      const [start, end] = match;
      // Nothing, right after a match, is none.
      if (end > start || start !== last) found.push(letters.slice(start, end).join(''));
      last = end;
      at = end > start ? end : end + 1;
    }
    return found;
  }

  /** Where the leftmost match from some place on begins and ends; among those the one that the expression says first. */
  private search(
    codes: readonly number[],
    from: number,
    anyMatch: boolean,
    work: { left: number },
  ): [number, number] | undefined {
    const { steps } = this;
    let [now, next] = [new Threads(steps), new Threads(steps)];
    let match: [number, number] | undefined;
    for (let at = from; ; at++) {
      if (!match) now.add(0, at, codes, at);
      if (match && now.count === 0) return match;
      work.left -= now.count + 1;
      if (work.left < 0) throw new TooMuchWork();
      for (let index = 0; index < now.count; index++) {
        const place = now.places[index]!;
        const step = steps[place]!;
        const { op } = step;
        if (op === 'done') {
          match = [now.starts[index]!, at];
          if (anyMatch) return match;
          // What comes after it is liked less.
          break;
        }
        if (op === 'char' && at < codes.length && step.test(codes[at]!))
          next.add(place + 1, now.starts[index]!, codes, at + 1);
      }
      if (at >= codes.length) return match;
      [now, next] = [next, now];
      next.clear();
    }
  }
}

const codesOf = (text: string): number[] => Array.from(text, (letter) => letter.codePointAt(0)!);

/** The places in a program that are tried side by side, each once, the best liked first. */
class Threads {
  count = 0;
  /** The steps, and where in the text each began. */
  readonly places: Int32Array;
  readonly starts: Int32Array;
  /** When each step was last added: a number of its own for each time the threads are cleared. */
  private readonly seen: Int32Array;
  private readonly stack: number[] = [];
  private round = 1;

  constructor(private readonly steps: readonly Step[]) {
    this.places = new Int32Array(steps.length);
    this.starts = new Int32Array(steps.length);
    this.seen = new Int32Array(steps.length);
  }

  clear(): void {
    this.count = 0;
    this.round++;
  }

  /** Adds a step, or those that it leads to without a character. */
  add(pc: number, start: number, codes: readonly number[], position: number): void {
    const { stack, steps, seen, round } = this;
    stack.push(pc);
    while (stack.length > 0) {
      const place = stack.pop()!;
      if (seen[place] === round) continue;
      seen[place] = round;
      const step = steps[place]!;
      if (step.op === 'jump') stack.push(step.to);
      else if (step.op === 'split') stack.push(step.second, step.first);
      else if (step.op === 'assert') {
        if (holds(step.at, codes, position)) stack.push(place + 1);
      } else {
        this.places[this.count] = place;
        this.starts[this.count++] = start;
      }
    }
  }
}

function holds(place: Place, codes: readonly number[], at: number): boolean {
  const isWord = (index: number) => index >= 0 && index < codes.length && isWordCode(codes[index]!);
  switch (place) {
    case 'start':
      return at === 0;
    case 'end':
      return at === codes.length;
    case 'lineStart':
      return at === 0 || codes[at - 1] === 10;
    case 'lineEnd':
      return at === codes.length || codes[at] === 10;
    case 'word':
      return isWord(at - 1) !== isWord(at);
    case 'noWord':
      return isWord(at - 1) === isWord(at);
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
