import type { Clock } from '../../clock';

const firstMs = 1000;
const longestMs = 15 * 60_000;

/** How long a failed pod is left before it is replaced: 1 s, doubled with each failure on the same node, at most 15 min. */
export class FailedPodsBackoff {
  private readonly entries = new Map<string, { delay: number; at: number }>();

  constructor(private readonly clock: Clock) {}

  /** In ms; 0 when the pod may be replaced now. */
  remaining(set: string, node: string): number {
    const entry = this.entries.get(keyOf(set, node));
    return entry ? Math.max(0, entry.at + entry.delay - this.clock.now()) : 0;
  }

  /** Counts a replacement. A node without any for twice the longest delay starts anew. */
  replaced(set: string, node: string): void {
    const now = this.clock.now();
    for (const [key, { at }] of this.entries) if (now - at > 2 * longestMs) this.entries.delete(key);
    const delay = this.entries.get(keyOf(set, node))?.delay;
    this.entries.set(keyOf(set, node), { delay: delay ? Math.min(2 * delay, longestMs) : firstMs, at: now });
  }
}

const keyOf = (set: string, node: string) => `${set}/${node}`;
