import { type BigIntStats, statSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Larger ones are written by the thread pool. */
const mostAtOnceBytes = 256 * 1024;
/** So many in one turn of the event loop; a writer that waits for nothing else would not let others have theirs. */
const mostAtOnce = 16;
/** A write that took longer had to wait for the disk: for a while the thread pool waits in its place. */
const slowMs = 5;
const slowForMs = 60_000;

/**
 * A file that is only ever written at its end. It stays open between writes, since
 * opening and closing it for each costs more than the write; that the name still
 * leads to it is looked up before each write, so that nothing is acknowledged that
 * went into a file somebody removed or replaced.
 */
export class AppendFile {
  private opened: { handle: FileHandle; stats: BigIntStats } | undefined;
  private slowUntil = 0;
  /** How many were written at once in this turn. */
  private atOnce = 0;

  constructor(readonly path: string) {}

  /**
   * Appends all of the bytes; they survive the death of the process.
   * @throws Error when they cannot all be written, or nothing is at the path any more; some may have been
   */
  async append(bytes: Buffer): Promise<void> {
    const handle = await this.current();
    for (let at = 0; at < bytes.length;) {
      const now = performance.now();
      const waits = bytes.length > mostAtOnceBytes || this.atOnce >= mostAtOnce || now < this.slowUntil;
      if (waits) {
        at += (await handle.write(bytes, at)).bytesWritten;
        continue;
      }
      if (this.atOnce++ === 0) setImmediate(() => (this.atOnce = 0));
      // Into the system's cache: microseconds, where to ask the thread pool and to hear from it takes a tenth of a ms.
      at += writeSync(handle.fd, bytes, at);
      if (performance.now() - now > slowMs) this.slowUntil = now + slowForMs;
    }
  }

  /** Closes it; the next append opens what is at the path then. */
  async close(): Promise<void> {
    const { opened } = this;
    this.opened = undefined;
    await opened?.handle.close();
  }

  private async current(): Promise<FileHandle> {
    // Synchronous: a look at a name that is in the cache takes microseconds, a turn of the thread pool ten times as long.
    const there = statSync(this.path, { bigint: true });
    if (this.opened && !sameFile(there, this.opened.stats)) await this.close();
    if (!this.opened) {
      const handle = await open(this.path, 'a');
      this.opened = { handle, stats: await handle.stat({ bigint: true }) };
    }
    return this.opened.handle;
  }
}

const sameFile = (a: BigIntStats, b: BigIntStats): boolean => a.ino === b.ino && a.dev === b.dev;
