import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Node } from '@shared/k8s';
import type { EventRecorder } from '../client/events';
import type { Clock, Timer } from '../clock';
import type { Logger } from '../log';
import type { Reading } from './eviction/signals';
import type { ImageInfo, Runtime } from './runtime/types';

const periodMs = 300_000;
const minAgeMs = 120_000;

export interface ImageGarbageOptions {
  runtime: Runtime;
  clock: Clock;
  log: Logger;
  recorder: EventRecorder;
  node(): Node;
  /** Remembers what was pulled from one run to the next; nothing is kept without. */
  file?: string;
  /** Of the file system that images are on; undefined where it cannot be seen. */
  disk(): Promise<Reading | undefined>;
  /** Per cent of that file system in use: from where on images go, and down to what. */
  high?: number;
  low?: number;
}

/** An image that was not on the engine before a pod of this node needed it. Times in ms since the epoch. */
interface Pulled {
  reference: string;
  id: string;
  sizeBytes: number;
  pulledAt: number;
  usedAt: number;
}

/**
 * Removes images that nobody uses when the disk fills up, the longest unused first. Only those that
 * this node pulled: whatever else is on the engine is the user's.
 */
export class ImageGarbage {
  private readonly pulled = new Map<string, Pulled>();
  private loaded: Promise<void> | undefined;
  private saving: Promise<void> = Promise.resolve();
  private timer: Timer | undefined;
  private stopped = false;
  private short = false;

  constructor(private readonly options: ImageGarbageOptions) {}

  start(): void {
    if (this.stopped) return;
    this.timer = this.options.clock.setTimeout(() => {
      this.collect()
        .catch((error: Error) => this.options.log.warn('unused images could not be looked for', { error }))
        .finally(() => this.start());
    }, periodMs);
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  /** An image was pulled that had not been there. One that cannot be remembered is never removed. */
  async note(reference: string, { id, sizeBytes }: ImageInfo): Promise<void> {
    const now = this.options.clock.now();
    try {
      await this.load();
      this.pulled.set(reference, { reference, id, sizeBytes, pulledAt: now, usedAt: now });
      await this.save();
    } catch (error) {
      this.options.log.warn('a pulled image could not be noted', { image: reference, error: error as Error });
    }
  }

  /** Frees space down to the low mark when the disk is fuller than the high one. */
  async collect(): Promise<void> {
    const { high = 85, low = 80, disk, recorder, node } = this.options;
    const unused = await this.unused();
    const before = await disk();
    if (!before || before.capacity === 0) return;
    const used = 100 - (before.available * 100) / before.capacity;
    if (used < high) {
      this.short = false;
      return;
    }
    const wanted = Math.ceil((before.capacity * (100 - low)) / 100 - before.available);
    const freed = await this.free(unused, wanted);
    if (freed >= wanted || this.short) return;
    // Said once: the rest of the disk is the user's, and will mostly stay as full as it is.
    this.short = true;
    const message = `Failed to garbage collect required amount of images. Attempted to free ${wanted} bytes, but only found ${freed} bytes eligible to free.`;
    recorder.event(node(), 'Warning', 'FreeDiskSpaceFailed', message);
  }

  /** Frees all that can be. */
  async reclaim(): Promise<void> {
    await this.free(await this.unused(), Infinity);
  }

  private async unused(): Promise<Pulled[]> {
    await this.load();
    const { runtime, clock } = this.options;
    if (this.pulled.size === 0 || !runtime.imagesInUse) return [];
    const used = await runtime.imagesInUse();
    const now = clock.now();
    for (const one of this.pulled.values()) if (used.has(one.id)) one.usedAt = now;
    await this.save();
    return [...this.pulled.values()]
      .filter((one) => !used.has(one.id) && now - one.usedAt >= minAgeMs && now - one.pulledAt >= minAgeMs)
      .toSorted((a, b) => a.usedAt - b.usedAt || a.pulledAt - b.pulledAt);
  }

  /** @returns the bytes that were freed */
  private async free(candidates: Pulled[], wanted: number): Promise<number> {
    const { runtime, log } = this.options;
    let freed = 0;
    for (const one of candidates) {
      if (freed >= wanted) break;
      try {
        const present = await runtime.image(one.reference);
        // The name may mean another image by now, which somebody else brought.
        if (present?.id === one.id) {
          await runtime.removeImage?.(one.reference);
          freed += one.sizeBytes;
          log.info('removed an unused image', { image: one.reference, bytes: one.sizeBytes });
        }
        this.pulled.delete(one.reference);
      } catch (error) {
        log.warn('an unused image could not be removed', { image: one.reference, error: error as Error });
      }
    }
    await this.save();
    return freed;
  }

  private load(): Promise<void> {
    this.loaded ??= (async () => {
      const text = this.options.file ? await readFile(this.options.file, 'utf8').catch(() => '') : '';
      if (!text) return;
      try {
        for (const one of JSON.parse(text) as Pulled[]) this.pulled.set(one.reference, one);
      } catch (error) {
        // Without the list nothing is removed, which harms nobody.
        this.options.log.warn('the list of pulled images cannot be read', { error: error as Error });
      }
    })();
    return this.loaded;
  }

  private save(): Promise<void> {
    const { file } = this.options;
    if (!file) return Promise.resolve();
    this.saving = this.saving
      .catch(() => {})
      .then(async () => {
        await mkdir(dirname(file), { recursive: true });
        await writeFile(`${file}.new`, JSON.stringify([...this.pulled.values()]), { mode: 0o600 });
        await rename(`${file}.new`, file);
      });
    return this.saving;
  }
}
