#!/usr/bin/env node
// `npx gantry …`: the built command line, built first when it is missing.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './lib/run.mjs';

const cli = join(root, 'out', 'main', 'cli.js');
if (!existsSync(cli) || !existsSync(join(root, 'node_modules'))) {
  const { ensureBuild, ensureDependencies } = await import('./lib/bootstrap.mjs');
  ensureDependencies();
  ensureBuild();
}
await import(pathToFileURL(cli).href);
