import { resolve } from 'node:path';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'electron-vite';
import { apiDescriptionsPlugin } from './scripts/lib/api-descriptions.mjs';

const shared = { '@shared': resolve('src/shared') };

// Three bundles: the main process (desktop entry and the headless host), the
// preload bridge (CommonJS, because sandboxed preloads cannot be modules) and
// the page. Dependencies of the main bundle stay outside and load from node_modules,
// but for those of a hundred small files, whose search would be a fifth of a cold start.
export default defineConfig({
  main: {
    resolve: { alias: shared },
    plugins: [apiDescriptionsPlugin()],
    build: {
      externalizeDeps: { exclude: ['@peculiar/x509', 'reflect-metadata'] },
      target: 'node20',
      sourcemap: true,
      rollupOptions: {
        input: { index: resolve('src/main/index.ts'), cli: resolve('src/main/cli.ts') },
        output: { format: 'es' },
      },
    },
  },
  preload: {
    resolve: { alias: shared },
    build: {
      rollupOptions: {
        input: { index: resolve('src/preload/index.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: resolve('src/renderer'),
    resolve: { alias: { ...shared, '@': resolve('src/renderer') } },
    plugins: [vue()],
    build: {
      target: 'chrome120',
      // Nothing is inlined: the page's Content-Security-Policy allows no data: fonts.
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 1500,
      minify: true,
      rollupOptions: { input: { index: resolve('src/renderer/index.html') } },
    },
  },
});
