// `npm run screenshots`: the README's pictures, taken from the running app on real Docker.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuild, ensureDependencies } from './lib/bootstrap.mjs';
import { root, run, say } from './lib/run.mjs';
import { ensureChromium, ensureDocker, ensureImages } from './lib/test-environment.mjs';

ensureDependencies();
ensureBuild();
await ensureDocker();
ensureImages();
ensureChromium();
const target = join(root, 'docs', 'screenshots');
mkdirSync(target, { recursive: true });
say(`taking pictures into ${target}`);
process.exit(await run(process.execPath, ['--import', 'tsx', 'test/support/screenshots.ts', target]));
