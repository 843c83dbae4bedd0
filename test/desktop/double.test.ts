import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DesktopApp, startChromium } from './launch';

/** That the double of Electron refuses what Electron refuses: a test on it proves nothing otherwise. */
let chromium: Awaited<ReturnType<typeof startChromium>>;
let directory: string;
beforeAll(async () => {
  chromium = await startChromium();
  directory = await mkdtemp(join(tmpdir(), 'gantry-double-'));
});
afterAll(async () => {
  await chromium?.stop();
  await rm(directory, { recursive: true, force: true });
});

const run = async (preload: string, preferences = {}) => {
  const file = join(directory, 'preload.cjs');
  await writeFile(file, preload);
  return DesktopApp.start(chromium.endpoint, [file, JSON.stringify(preferences)], 'test/desktop/fixtures/main.mjs');
};
const problemOf = async (preload: string) => {
  const app = await run(preload);
  try {
    await expect.poll(() => app.of('problem').length + (app.log ? 1 : 0), { timeout: 10_000 }).toBeGreaterThan(0);
    return app.of('problem')[0]?.message ?? app.log;
  } finally {
    await app.stop();
  }
};

describe('a preload script on the double', () => {
  it.each([
    ["require('node:fs')", 'module not found: node:fs'],
    ["require('./other')", 'module not found: ./other'],
    ["require('electron').shell.openExternal('x')", 'undefined'],
    ['process.exit()', 'is not a function'],
    ["require('electron').contextBridge.exposeInMainWorld('a', { made: new Date() })", 'cannot expose a.made'],
    [
      "const { contextBridge } = require('electron'); contextBridge.exposeInMainWorld('a', {}); contextBridge.exposeInMainWorld('a', {})",
      'on top of an existing property',
    ],
    ["require('electron').ipcRenderer.postMessage('x', () => 1)", 'could not be cloned'],
    ["require('electron').ipcRenderer.postMessage('x', null, [{}])", 'Invalid value for transfer'],
  ])('may not: %s', async (source, message) => {
    expect(await problemOf(source)).toContain(message);
  });

  it('lives in a world of its own', async () => {
    const app = await run(
      "window.secret = 1; require('electron').contextBridge.exposeInMainWorld('api', { add: (a, b) => a + b, fail: () => { throw new Error('no'); }, later: (cb) => cb({ x: 1 }) })",
    );
    const page = await app.page();
    await page.waitForSelector('p');
    const found = await page.evaluate(() => {
      const { api, secret } = window as any;
      let heard: unknown;
      api.later((value: unknown) => (heard = value));
      let error = '';
      try {
        api.fail();
      } catch (caught) {
        error = (caught as Error).message;
      }
      return { sum: api.add(1, 2), secret, heard, error, frozen: Object.isFrozen(api) };
    });
    expect(found).toEqual({ sum: 3, secret: undefined, heard: { x: 1 }, error: 'no', frozen: true });
    await app.stop();
  });
});

describe('an app on the double', () => {
  it.each([{ sandbox: false }, { contextIsolation: false }, { nodeIntegration: true }, { webSecurity: false }])(
    'may not open a window with %j',
    async (preferences) => {
      const app = await run('', preferences);
      expect(await app.exited).not.toBe(0);
      expect(app.log).toContain('unsafe');
      await app.stop();
    },
  );

  it('may not declare a scheme when it is ready', async () => {
    const app = await DesktopApp.start(chromium.endpoint, ['late-scheme'], 'test/desktop/fixtures/main.mjs');
    expect(await app.exited).not.toBe(0);
    expect(app.log).toContain('before app is ready');
    await app.stop();
  });
});
