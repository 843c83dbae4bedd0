import { StoreError, type StoreEvent } from './types';

/** The least number of events kept however large their objects are. */
const alwaysKept = 1000;

/**
 * The last changes in revision order, from which a watch catches up. Bounded by
 * count and by the bytes of the objects it keeps alive.
 */
export class EventLog {
  private events: (StoreEvent | undefined)[] = [];
  private start = 0;
  private bytes = 0;

  /** @param floor the revision before the first event: older watches cannot be served */
  constructor(
    private readonly size: number,
    private readonly maxBytes: number,
    private floor: number,
  ) {}

  push(event: StoreEvent): void {
    this.events.push(event);
    this.bytes += event.object.json.length;
    const length = () => this.events.length - this.start;
    while (length() > this.size || (this.bytes > this.maxBytes && length() > alwaysKept)) {
      const dropped = this.events[this.start]!;
      this.events[this.start++] = undefined;
      this.bytes -= dropped.object.json.length;
      this.floor = dropped.revision;
    }
    if (this.start > 1024 && this.start > this.events.length / 2) {
      this.events = this.events.slice(this.start);
      this.start = 0;
    }
  }

  /** Events after the revision, oldest first. @throws StoreError expired */
  after(revision: number): StoreEvent[] {
    if (revision < this.floor) {
      throw new StoreError('expired', `too old resource version: ${revision} (${this.floor})`);
    }
    let low = this.start;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.events[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.events.slice(low) as StoreEvent[];
  }
}
