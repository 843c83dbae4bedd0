import type { Clock, Timer } from '../clock';
import type { Logger } from '../log';
import type { HistoryFile, HistoryRecord } from './history-file';
import { fiveMinutes, minutes, type TieredSeries } from './tiers';

/** Series by name. */
export type NamedSeries = Iterable<readonly [name: string, series: TieredSeries]>;

/** Appends between two times that the file is written anew. */
const appendsMost = 60;

/** Brings the points of before a restart back into their series. @param seriesOf the series of a name, made if need be */
export function restore(
  records: readonly HistoryRecord[],
  now: number,
  seriesOf: (name: string) => TieredSeries | undefined,
): void {
  for (const { t, every, values } of [...records].sort((a, b) => a.t - b.t)) {
    // One that lies in the future is of a clock that was wrong.
    if (t < now - fiveMinutes.keepMs || t > now) continue;
    for (const [name, [cpu, memory]] of Object.entries(values)) seriesOf(name)?.restore({ t, cpu, memory }, every);
  }
}

/** Writes the minutes that are over to the file, once a minute, and the whole file anew now and then. */
export class HistoryWriter {
  private timer: Timer | undefined;
  private writtenUntil: number;
  private appends = 0;
  private failed = false;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly file: HistoryFile,
    private readonly series: () => NamedSeries,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {
    this.writtenUntil = overUntil(clock.now());
    this.later();
  }

  /** Resolves when what is over is written. */
  async stop(): Promise<void> {
    this.timer?.cancel();
    await this.write();
  }

  private later(): void {
    this.timer = this.clock.setTimeout(() => {
      void this.write();
      this.later();
    }, minutes.everyMs);
  }

  private write(): Promise<void> {
    this.writing = this.writing.then(() => this.writeOver());
    return this.writing;
  }

  private async writeOver(): Promise<void> {
    const now = this.clock.now();
    const until = overUntil(now);
    const named = [...this.series()];
    try {
      if (this.appends >= appendsMost) {
        // Where five minutes end, or some would be told twice.
        const { everyMs } = fiveMinutes;
        const oldestMinute = Math.ceil((now - minutes.keepMs) / everyMs) * everyMs;
        await this.file.replace([
          ...recordsOf(named, everyMs, now - fiveMinutes.keepMs, oldestMinute),
          ...recordsOf(named, minutes.everyMs, oldestMinute, until),
        ]);
        this.appends = 0;
      } else {
        const records = recordsOf(named, minutes.everyMs, this.writtenUntil, until);
        if (records.length > 0) await this.file.append(records);
        this.appends++;
      }
      this.writtenUntil = until;
      this.failed = false;
    } catch (error) {
      if (!this.failed) this.log.warn('the usage history cannot be written', { error: error as Error });
      this.failed = true;
    }
  }
}

/** Until when (ms, exclusive) every series has finished its minutes: the last one may still wait for its next sample. */
const overUntil = (now: number): number => Math.floor(now / minutes.everyMs) * minutes.everyMs - minutes.everyMs;

const digits = (value: number): number => Math.round(value * 1e5) / 1e5;

function recordsOf(
  named: readonly (readonly [string, TieredSeries])[],
  every: number,
  from: number,
  until: number,
): HistoryRecord[] {
  const records = new Map<number, HistoryRecord>();
  for (const [name, series] of named) {
    for (const { t, cpu, memory } of series.kept(every, from)) {
      if (t >= until) continue;
      let record = records.get(t);
      if (!record) records.set(t, (record = { t, every, values: {} }));
      record.values[name] = [digits(cpu), Math.round(memory)];
    }
  }
  return [...records.values()].sort((a, b) => a.t - b.t);
}
