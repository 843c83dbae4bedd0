import type { EventRecorder, EventType } from '../../client/events';
import type { Finding } from './model';

/** Records findings as events, each once for as long as it is found. */
export class Findings {
  private told = new Map<string, Set<string>>();

  constructor(private readonly recorder: EventRecorder) {}

  /** @param findings all there are now: what was told and is among them no more is told anew when it comes back */
  tell(findings: readonly (Finding & { type?: EventType })[]): void {
    const now = new Map<string, Set<string>>();
    for (const { object, reason, message, type = 'Warning' } of findings) {
      const uid = object.metadata?.uid ?? '';
      const text = `${reason} ${message}`;
      const found = now.get(uid) ?? new Set();
      now.set(uid, found);
      if (found.has(text)) continue;
      found.add(text);
      if (!this.told.get(uid)?.has(text)) this.recorder.event(object, type, reason, message);
    }
    this.told = now;
  }
}
