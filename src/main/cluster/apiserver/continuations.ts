import type { Clock } from '../clock';
import type { StoredObject } from '../store/types';

/** What remains of a list that is being read in pages. */
interface Remainder {
  id: string;
  revision: number;
  items: readonly StoredObject[];
  next: number;
  expires: number;
}

const keepMs = 5 * 60_000;
const keepCount = 128;

/**
 * Lists in progress. Objects never change, so keeping references is enough to
 * show every page as of the revision the list began at. Old ones are dropped;
 * their tokens are then answered with 410.
 */
export class Continuations {
  private readonly kept = new Map<string, Remainder>();
  private counter = 0;

  constructor(private readonly clock: Clock) {}

  /** Keeps what is left from `next` on and names it. */
  keep(revision: number, items: readonly StoredObject[], next: number): string {
    const now = this.clock.now();
    for (const [id, remainder] of this.kept) {
      if (remainder.expires > now && this.kept.size < keepCount) break;
      this.kept.delete(id);
    }
    const id = String(++this.counter);
    this.kept.set(id, { id, revision, items, next, expires: now + keepMs });
    return encode({ id, rv: revision, start: items[next - 1]?.key ?? '' });
  }

  /** Undefined when the list is no longer kept. @throws Error for a token that is none of ours */
  resume(token: string): { remainder?: Remainder; start: string } {
    const { id, rv, start } = decode(token);
    const remainder = this.kept.get(id);
    const usable = remainder && remainder.revision === rv && remainder.items[remainder.next - 1]?.key === start;
    return { remainder: usable && remainder.expires > this.clock.now() ? remainder : undefined, start };
  }
}

interface Token {
  id: string;
  rv: number;
  /** The key of the last object that was shown. */
  start: string;
}

function encode(token: Token): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', ...token })).toString('base64url');
}

function decode(token: string): Token {
  const parsed = JSON.parse(Buffer.from(token, 'base64url').toString()) as Partial<Token>;
  if (typeof parsed.id !== 'string' || typeof parsed.rv !== 'number' || typeof parsed.start !== 'string') {
    throw new Error('not a continue token');
  }
  return parsed as Token;
}

/** A token that goes on after a key in whatever is stored now. */
export function inconsistentToken(start: string): string {
  return encode({ id: 'now', rv: -1, start });
}

export function isInconsistent(token: string): boolean {
  return decode(token).id === 'now';
}
