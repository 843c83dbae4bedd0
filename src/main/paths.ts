import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of the app's package.json: bundles are split into chunks, so it is looked for upwards. */
function findRoot(from: string): string {
  for (let directory = from; ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'package.json'))) return directory;
    if (directory === dirname(directory)) throw new Error(`no package.json above ${from}`);
  }
}

export const appRoot = findRoot(import.meta.dirname);
/** The built page. */
export const rendererDirectory = join(appRoot, 'out', 'renderer');
/** The built command line. */
export const cliFile = join(appRoot, 'out', 'main', 'cli.js');
/** What the fields of the API mean, made with the bundles. */
export const apiDescriptionsFile = join(appRoot, 'out', 'main', 'api-descriptions.json');
