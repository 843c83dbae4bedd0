// Builds the bundles: into a folder of their own, which takes the place of `out` once all of them are there.
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { quiet, root } from './run.mjs';

/** Builds `out`. When that fails, what was there stays as it was. @throws Error with what the build says */
export function buildBundles() {
  // Beside `out`: source maps count on how deep they are.
  const [out, built, before] = ['out', `out.${process.pid}`, `out.${process.pid}.before`].map((name) =>
    join(root, name),
  );
  const builder = join(root, 'node_modules/electron-vite/bin/electron-vite.js');
  try {
    quiet(process.execPath, [builder, 'build', '--logLevel', 'warn', '--outDir', built]);
    if (existsSync(out)) renameSync(out, before);
    renameSync(built, out);
  } finally {
    if (!existsSync(out) && existsSync(before)) renameSync(before, out);
    for (const path of [built, before]) rmSync(path, { recursive: true, force: true });
  }
}
