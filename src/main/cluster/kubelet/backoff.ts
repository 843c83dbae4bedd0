/** Doubling delays per key: 10 s, 20 s … 5 min, forgotten when a key was quiet for twice the longest delay. */
export class Backoff {
  private readonly entries = new Map<string, { delayMs: number; at: number }>();

  constructor(
    private readonly firstMs = 10_000,
    private readonly longestMs = 300_000,
  ) {}

  /**
   * How long a key must still wait when it last failed at `failedAt`.
   * 0 when it may go ahead; then call `next`.
   */
  remaining(key: string, failedAt: number, now: number): number {
    const entry = this.current(key, failedAt);
    return entry ? Math.max(0, failedAt + entry.delayMs - now) : 0;
  }

  /** The delay a key is held back by at present, in ms; 0 when it is not. */
  delay(key: string): number {
    return this.entries.get(key)?.delayMs ?? 0;
  }

  /** Notes that a key goes ahead once more: the next failure waits longer. */
  next(key: string, failedAt: number): void {
    const entry = this.current(key, failedAt);
    const delayMs = entry ? Math.min(entry.delayMs * 2, this.longestMs) : this.firstMs;
    this.entries.set(key, { delayMs, at: failedAt });
  }

  forget(prefix: string): void {
    for (const key of this.entries.keys()) if (key.startsWith(prefix)) this.entries.delete(key);
  }

  private current(key: string, failedAt: number): { delayMs: number } | undefined {
    const entry = this.entries.get(key);
    if (entry && failedAt - entry.at > 2 * this.longestMs) {
      this.entries.delete(key);
      return undefined;
    }
    return entry;
  }
}
