import type { Clock } from '../clock';

/** After this an expectation is given up: its event was missed, and the cache is believed again. */
const timeoutMs = 300_000;

/**
 * What an owner has asked for and its cache has not shown yet. Until it has, the
 * owner must not act on the cache, or it would create or delete twice.
 */
export class Expectations {
  private readonly expected = new Map<string, { creations: number; deletions: Set<string>; at: number }>();

  constructor(private readonly clock: Clock) {}

  /** Whether the cache shows all that was asked for. */
  satisfied(owner: string): boolean {
    const expected = this.expected.get(owner);
    if (!expected) return true;
    if (expected.creations <= 0 && expected.deletions.size === 0) return true;
    return this.clock.now() - expected.at > timeoutMs;
  }

  expectCreations(owner: string, count: number): void {
    this.expect(owner, count, []);
  }

  expectDeletions(owner: string, uids: Iterable<string>): void {
    this.expect(owner, 0, uids);
  }

  /** Of both at once, in place of what was expected before. */
  expect(owner: string, creations: number, deletions: Iterable<string>): void {
    this.expected.set(owner, { creations, deletions: new Set(deletions), at: this.clock.now() });
  }

  /** Creations that were seen, or will never be because they failed. */
  created(owner: string, count = 1): void {
    const expected = this.expected.get(owner);
    if (expected) expected.creations -= count;
  }

  deleted(owner: string, uid: string): void {
    this.expected.get(owner)?.deletions.delete(uid);
  }

  forget(owner: string): void {
    this.expected.delete(owner);
  }
}
