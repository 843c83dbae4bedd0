import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../clock';
import type { Logger } from '../log';
import type { TaskList } from '../tasks';
import type { ImageFile } from './image-files';

/** What is needed of a container engine to have an image. */
export interface ImageEngine {
  image(reference: string): Promise<object | undefined>;
  buildImage?(
    reference: string,
    files: ImageFile[],
    options?: { onProgress?: (line: string) => void; signal?: AbortSignal },
  ): Promise<void>;
  pullImage(reference: string, options?: { signal?: AbortSignal }): Promise<void>;
}

export interface NodeImageOptions {
  engine: ImageEngine;
  /** Built from these; asked when the engine is known. */
  files(): ImageFile[];
  /** A prebuilt image to use instead. */
  reference?: string;
  tasks: TaskList;
  clock: Clock;
  log: Logger;
  /** Called when the image is there for the first time, and when it is there again. */
  onReady(): void;
  /** Called with the engine's words when it could not be made. */
  onFailed(message: string): void;
}

/** The image of the cluster's own pods: looked for, built where it is missing, and kept. */
export interface NodeImage {
  /** Its name once it is there. */
  ready(): string | undefined;
  /** Asks the engine once. Never throws. */
  look(): Promise<void>;
  /** Builds when it is missing, again and again until it is there; looks after it from then on. */
  start(): void;
  /** Gives up a build that is under way. */
  stop(): Promise<void>;
}

const firstRetryMs = 60_000;
const longestRetryMs = 600_000;
/** How often it is looked whether somebody removed the image. */
const lookMs = 60_000;

/** `gantry/node:<hash>`: other files, another name. */
export function imageReference(files: readonly ImageFile[]): string {
  const hash = createHash('sha256');
  for (const { name, data, executable } of files.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
    hash.update(`${name}\0${executable ? 'x' : '-'}\0${Buffer.from(data).length}\0`).update(data);
  return `gantry/node:${hash.digest('hex').slice(0, 12)}`;
}

/** See NodeImage. Asks nothing of the engine before the first call. */
export function createNodeImage(options: NodeImageOptions): NodeImage {
  const { engine, tasks, clock, log } = options;
  const given = options.reference;
  const abort = new AbortController();
  let found: string | undefined;
  let announced: string | undefined;
  let retryMs = firstRetryMs;
  let timer: Timer | undefined;
  let work: Promise<void> | undefined;

  const name = (): string => given ?? imageReference(options.files());

  async function look(): Promise<void> {
    try {
      const reference = name();
      found = (await engine.image(reference)) ? reference : undefined;
    } catch (error) {
      log.debug('the node image could not be looked for', { error: error as Error });
    }
  }

  async function make(): Promise<void> {
    const reference = name();
    await tasks.run(given ? `Pulling the node image ${given}` : 'Building the node image', async (task) => {
      const signal = AbortSignal.any([task.signal, abort.signal]);
      if (given) return engine.pullImage(given, { signal });
      if (!engine.buildImage) throw new Error('this engine cannot build images');
      return engine.buildImage(reference, options.files(), {
        signal,
        onProgress(line) {
          const step = /^Step (\d+)\/(\d+)/.exec(line);
          task.update({ detail: line, ...(step ? { progress: (Number(step[1]) - 1) / Number(step[2]) } : {}) });
        },
      });
    });
    found = reference;
    log.info('the node image is there', { image: reference });
  }

  async function ensure(): Promise<number> {
    await look();
    try {
      if (!found) {
        announced = undefined;
        await make();
      }
    } catch (error) {
      const wait = retryMs;
      retryMs = Math.min(retryMs * 2, longestRetryMs);
      if (abort.signal.aborted) return wait;
      const { message } = error as Error;
      log.warn('the node image could not be made: services and cluster DNS wait for it', {
        error: message,
        retrySeconds: wait / 1000,
      });
      options.onFailed(message);
      return wait;
    }
    retryMs = firstRetryMs;
    if (announced !== found) {
      announced = found;
      options.onReady();
    }
    return lookMs;
  }

  const run = (): void => {
    work = ensure().then((ms) => {
      if (!abort.signal.aborted) timer = clock.setTimeout(run, ms);
    });
  };

  return {
    ready: () => found,
    look,
    start() {
      if (!work && !abort.signal.aborted) run();
    },
    async stop() {
      abort.abort();
      timer?.cancel();
      await work;
    },
  };
}
