// `npm run bench [-- NAME…]`: JSON lines, one per figure.
import { ensureBuild, ensureDependencies } from './lib/bootstrap.mjs';
import { run } from './lib/run.mjs';

ensureDependencies();
ensureBuild();
process.exit(await run(process.execPath, ['--import', 'tsx', 'bench/index.ts', ...process.argv.slice(2)]));
