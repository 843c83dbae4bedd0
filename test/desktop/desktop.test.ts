import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { picture } from '../support/browser';
import { DesktopApp, startChromium } from './launch';

declare global {
  interface Window {
    /** What the preload script gives the page. */
    gantry?: {
      post(message: unknown): void;
      onMessage(listener: (message: any) => void): void;
      onClose(listener: () => void): void;
    };
  }
}

/** The desktop shell on the double of Electron: the built bundles, unmodified, in a real Chromium. */
let chromium: Awaited<ReturnType<typeof startChromium>>;
let directory: string;
let app: DesktopApp;
let page: Page;

const start = async () => {
  const args = [
    '--data-dir',
    directory,
    '--runtime',
    'simulated',
    '--simulated-nodes',
    '1',
    '--api-port',
    '0',
    '--no-sandbox',
  ];
  const started = await DesktopApp.start(chromium.endpoint, args);
  return started;
};

beforeAll(async () => {
  chromium = await startChromium();
  directory = await mkdtemp(join(tmpdir(), 'gantry-desktop-'));
  app = await start();
  page = await app.page();
});
afterAll(async () => {
  await app?.stop();
  await chromium?.stop();
  await rm(directory, { recursive: true, force: true });
});
afterEach(() => {
  expect(app.of('problem'), app.log).toEqual([]);
});

/** A call over the bridge as the page makes it. */
const call = (method: string, params: unknown = {}) =>
  page.evaluate(
    ([name, args]) =>
      new Promise<any>((resolve) => {
        // The page has one listener: from here on it is the test's.
        window.gantry!.onMessage((message: any) => {
          if (message.id === 999_999) resolve(message);
        });
        window.gantry!.post({ type: 'call', id: 999_999, method: name as string, params: args });
      }),
    [method, params] as const,
  );

describe('the window', () => {
  it('shows the running cluster', async () => {
    await page
      .getByText('gantry-sim-1')
      .first()
      .waitFor({ timeout: 30_000 })
      .catch(async (error: unknown) => {
        await picture(page, 'desktop');
        throw error;
      });
    expect(await app.ask('windows')).toEqual([{ visible: true, bounds: { x: 0, y: 0, width: 1360, height: 880 } }]);
    expect(await app.ask('sandboxed')).toBe(true);
    expect(app.of('menu')).toHaveLength(1);
    await picture(page, 'desktop');
  });

  it('gives the page one small pipe and nothing of Electron or Node', async () => {
    const found = await page.evaluate(() => ({
      functions: Object.keys(window.gantry!),
      frozen: Object.isFrozen(window.gantry),
      globals: ['require', 'process', 'module', 'Buffer', 'ipcRenderer', 'electron', 'electronIpc'].filter(
        (name) => name in window,
      ),
    }));
    expect(found).toEqual({ functions: ['post', 'onMessage', 'onClose'], frozen: true, globals: [] });
  });

  it('has the content security policy of the app', async () => {
    const policy = await page.evaluate(async () => (await fetch('/index.html')).headers.get('content-security-policy'));
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe-eval');
    const ran = await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.injected = true';
      document.body.append(script);
      return 'injected' in window;
    });
    expect(ran).toBe(false);
  });
});

describe('the bridge', () => {
  it('carries calls, checked as on the other host', async () => {
    expect(await call('app.info')).toMatchObject({
      type: 'result',
      value: { host: 'desktop', dataDirectory: directory },
    });
    expect(await call('workload.scale', { replicas: -1 })).toMatchObject({
      type: 'error',
      error: { code: 'invalidParams' },
    });
    expect(await call('no.such')).toMatchObject({ type: 'error', error: { code: 'unknownMethod' } });
    expect(await call('app.openExternal', { url: 'https://kubernetes.io/docs' })).toMatchObject({ type: 'result' });
    expect(app.of('openExternal').at(-1)!.url).toBe('https://kubernetes.io/docs');
    expect(await call('app.openExternal', { url: 'file:///etc/passwd' })).toMatchObject({
      error: { code: 'invalidParams' },
    });
  });

  it('refuses values that cannot be cloned', async () => {
    const refused = await page.evaluate(() => {
      try {
        window.gantry!.post({ type: 'call', id: 1, method: 'x', params: { run: () => 1 } });
        return 'sent';
      } catch (error) {
        return (error as Error).name;
      }
    });
    expect(refused).toBe('DataCloneError');
  });

  it('is closed to frames and pages that are not ours', async () => {
    for (const from of [
      { url: 'https://evil.example/' },
      { url: 'app://gantry.evil/' },
      { url: 'about:blank' },
      { url: 'app://gantry/', child: true },
    ]) {
      expect(await app.ask('connectFrom', from), from.url).toEqual({ closed: true });
    }
    expect(await app.ask('connectFrom', { url: 'app://gantry/index.html' })).toEqual({ closed: false });
  });

  it('is made anew when the page is loaded again', async () => {
    await page.reload();
    await page.getByText('gantry-sim-1').first().waitFor({ timeout: 30_000 });
    expect(await call('app.info')).toMatchObject({ type: 'result' });
  });
});

describe('the guards', () => {
  const opened = () => app.of('openExternal').map((event) => event.url);

  it('keep the window on our page; links to the web open outside', async () => {
    const before = page.url();
    await page.evaluate(() => void (location.href = 'https://kubernetes.io/'));
    await expect.poll(opened).toContain('https://kubernetes.io/');
    await page.evaluate(() => void (location.href = 'http://gantry.app.localhost.evil.example/'));
    await expect.poll(opened).toContain('http://gantry.app.localhost.evil.example/');
    expect(page.url()).toBe(before);
  });

  it('open no second window', async () => {
    await page.evaluate(() => void window.open('https://example.com/docs'));
    await expect.poll(opened).toContain('https://example.com/docs');
    const count = opened().length;
    await page.evaluate(() => void window.open('file:///etc/passwd'));
    await page.evaluate(() => void window.open('javascript:alert(1)'));
    expect(await app.ask('windows')).toHaveLength(1);
    expect(opened()).toHaveLength(count);
  });

  it('grant the clipboard to our page and nothing else to anyone', async () => {
    const ask = (permission: string, url = 'app://gantry/') => app.ask('permission', { permission, url });
    const no = { request: false, check: false, device: false };
    expect(await ask('clipboard-sanitized-write')).toEqual({ request: true, check: true, device: false });
    expect(await ask('clipboard-sanitized-write', 'https://evil.example/')).toEqual(no);
    for (const permission of ['media', 'geolocation', 'notifications', 'openExternal', 'clipboard-read', 'usb']) {
      expect(await ask(permission), permission).toEqual(no);
    }
  });
});

describe('the program', () => {
  it('runs once per data directory: a second start shows the first window', async () => {
    const before = await app.ask<number>('focusCount');
    const second = await start();
    expect(await second.exited).toBe(0);
    await second.stop();
    await expect.poll(() => app.ask('focusCount'), { timeout: 5000 }).toBe(before + 1);
  });

  it('says what is wrong with its command line', async () => {
    const bad = await DesktopApp.start(chromium.endpoint, ['--nodes', 'many']);
    expect(await bad.exited).toBe(2);
    expect(bad.log).toContain('--nodes takes a whole number');
    await bad.stop();
  });

  it('ends cleanly and comes back as it was left', async () => {
    await app.ask('setBounds', { x: 50, y: 60, width: 1000, height: 700 });
    await app.ask('quit');
    expect(await app.exited).toBe(0);
    const state = JSON.parse(await readFile(join(directory, 'desktop', 'window.json'), 'utf8'));
    expect(state).toEqual({ bounds: { x: 50, y: 60, width: 1000, height: 700 }, maximized: false });
    await app.stop();
    app = await start();
    page = await app.page();
    await page.getByText('gantry-sim-1').first().waitFor({ timeout: 30_000 });
    expect((await app.ask('windows'))[0].bounds).toEqual(state.bounds);
    await page.close();
    expect(await app.exited).toBe(0);
  });
});
