import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

const alias = { '@shared': resolve('src/shared'), '@': resolve('src/renderer') };

/** A suite that talks to real parts: one file at a time, with room for slow machines. */
const real = (name: string, timeout: number) => ({
  resolve: { alias },
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    fileParallelism: false,
    testTimeout: timeout,
    hookTimeout: timeout,
  },
});

export default defineConfig({
  test: {
    projects: [
      // One process for many files: to import the same modules for each took as long as the tests.
      {
        resolve: { alias },
        test: { name: 'unit', include: ['src/**/*.test.ts'], testTimeout: 10_000, isolate: false },
      },
      real('integration', 120_000),
      real('compat', 120_000),
      real('e2e', 300_000),
      real('desktop', 120_000),
      real('chaos', 300_000),
    ],
  },
});
