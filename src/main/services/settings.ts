import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { methods, type ParamsOf, type Settings } from '@shared/bridge/contract';
import type { z } from 'zod';
import type { Clock } from '../cluster/clock';
import type { Logger } from '../cluster/log';

export interface SettingsStore {
  get(): Settings;
  /** Keeps the given keys; resolves with all when they are on disk. */
  set(change: ParamsOf<'settings.set'>): Promise<Settings>;
  /** What was wrong with the file when it was read, for the user. */
  readonly problem?: string;
}

const defaults: Settings = {
  theme: 'system',
  locale: 'en',
  namespaces: {},
  lastCluster: 'gantry',
  terminalShell: '',
  terminalFontSize: 13,
  tableDensity: 'compact',
  hiddenColumns: {},
};

/** The keys of a stored object that the contract still allows; others fall back to their default. */
function sift(stored: unknown): { settings: Settings; dropped: string[] } {
  const settings: Settings = structuredClone(defaults);
  const dropped: string[] = [];
  const shape = methods['settings.set'].params.shape as Record<string, z.ZodType>;
  for (const [key, value] of Object.entries(stored as Record<string, unknown>)) {
    const parsed = Object.hasOwn(shape, key) ? shape[key]!.safeParse(value) : undefined;
    if (parsed?.success && parsed.data !== undefined) Object.assign(settings, { [key]: parsed.data });
    else dropped.push(key);
  }
  return { settings, dropped };
}

/**
 * The user's settings in `settings.json` of a directory. A file that cannot be
 * read as JSON is kept beside and reported; values of a wrong shape fall back
 * to their default.
 */
export async function openSettings(options: { directory: string; clock: Clock; log: Logger }): Promise<SettingsStore> {
  const { directory, clock, log } = options;
  const file = join(directory, 'settings.json');
  await mkdir(directory, { recursive: true });
  let settings = structuredClone(defaults);
  let problem: string | undefined;
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') problem = `The settings could not be read: ${error.message}`;
    return undefined;
  });
  if (text !== undefined) {
    try {
      const stored: unknown = JSON.parse(text);
      if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) throw new Error('not an object');
      const sifted = sift(stored);
      settings = sifted.settings;
      if (sifted.dropped.length) log.warn('settings fell back to their defaults', { keys: sifted.dropped });
    } catch (error) {
      const aside = `${file}.corrupt-${clock.now()}`;
      await rename(file, aside);
      problem = `The settings could not be read (${(error as Error).message}) and start anew. The old file is kept as ${aside}.`;
    }
  }
  if (problem) log.warn(problem);

  let writing: Promise<void> = Promise.resolve();
  const write = async () => {
    const draft = `${file}.${process.pid}.new`;
    await writeFile(draft, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600, flush: true });
    await rename(draft, file);
  };
  return {
    ...(problem ? { problem } : {}),
    get: () => structuredClone(settings),
    async set(change) {
      settings = { ...settings, ...structuredClone(change) };
      // One write after the other: the last one holds the newest state.
      writing = writing.then(write, write);
      await writing;
      return structuredClone(settings);
    },
  };
}
