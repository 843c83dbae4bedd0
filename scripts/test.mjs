// `npm test [-- SUITE…]`: everything, or the named suites. `npm test -- quick` is the part without Docker and browser.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuild, ensureDependencies } from './lib/bootstrap.mjs';
import { fail, root, run, say } from './lib/run.mjs';
import * as environment from './lib/test-environment.mjs';

const quick = ['format', 'lint', 'types', 'unit'];
const real = ['integration', 'compat', 'e2e', 'desktop', 'chaos'];
const asked = process.argv.slice(2).flatMap((name) => (name === 'quick' ? quick : [name]));
const suites = asked.length ? asked : [...quick, ...real];
for (const suite of suites) {
  if (![...quick, ...real].includes(suite))
    fail(`unknown suite "${suite}": there are quick, ${[...quick, ...real].join(', ')}`);
}

ensureDependencies();

const npx = (name, ...args) => run(process.execPath, [join('node_modules', ...name), ...args]);
const vitest = (...projects) =>
  npx(
    ['vitest', 'vitest.mjs'],
    'run',
    '--passWithNoTests=false',
    ...projects.flatMap((project) => ['--project', project]),
  );
const steps = {
  format: () => npx(['prettier', 'bin', 'prettier.cjs'], '--check', '--log-level', 'warn', '.'),
  lint: async () =>
    (await npx(['oxlint', 'bin', 'oxlint'], '--deny-warnings')) ||
    npx(['dependency-cruiser', 'bin', 'dependency-cruise.mjs'], 'src', '--config', '.dependency-cruiser.cjs'),
  types: async () =>
    (await npx(['typescript', 'bin', 'tsc'], '--noEmit', '-p', 'tsconfig.json')) ||
    npx(['vue-tsc', 'bin', 'vue-tsc.js'], '--noEmit', '-p', 'tsconfig.renderer.json'),
  unit: () => vitest('unit'),
};

const started = Date.now();
const failed = [];
const timed = async (name, step) => {
  const from = Date.now();
  say(`${name} …`);
  const code = await step();
  say(`${name} ${code ? 'FAILED' : 'passed'} in ${((Date.now() - from) / 1000).toFixed(1)} s`);
  if (code) failed.push(name);
};

for (const suite of quick) if (suites.includes(suite)) await timed(suite, steps[suite]);

const wanted = real.filter((suite) => suites.includes(suite));
if (wanted.length) {
  try {
    ensureBuild();
    await environment.ensureDocker();
    environment.ensureImages();
    environment.ensureBaseImage();
    environment.ensureRegistry();
    if (wanted.includes('compat') || wanted.includes('e2e')) environment.ensureKubectl();
    if (wanted.includes('compat')) environment.ensureApiExamples();
    if (wanted.includes('compat')) environment.ensurePythonClient();
    if (wanted.includes('e2e') || wanted.includes('desktop')) environment.ensureChromium();
  } catch (error) {
    fail(`the tests cannot run here: ${error.message}`);
  }
  for (const suite of wanted) {
    if (!existsSync(join(root, 'test', suite))) fail(`test/${suite} is missing`);
    await timed(suite, () => vitest(suite));
  }
}

say(
  `${failed.length ? `FAILED: ${failed.join(', ')}` : 'all passed'} (${((Date.now() - started) / 1000).toFixed(0)} s)`,
);
process.exit(failed.length ? 1 : 0);
