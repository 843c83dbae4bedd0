// Builds the bundles in `out`.
import { buildBundles } from './lib/build.mjs';
import { fail } from './lib/run.mjs';

try {
  buildBundles();
} catch (error) {
  fail(`the build failed. ${error.message}`);
}
