import { mkdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

/** Starts the machine's Chromium without a network of its own. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = process.env.GANTRY_CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(executablePath))
    throw new Error(`${executablePath} is missing: run the tests with npm test, which installs Chromium`);
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A page that fails the test on script errors; what it logged is in `problems`. */
export async function openPage(
  browser: Browser,
  url: string,
  size = { width: 1280, height: 800 },
): Promise<{ page: Page; problems: string[] }> {
  const context = await browser.newContext({ viewport: size, colorScheme: 'light' });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(`${error.name}: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.setDefaultTimeout(30_000);
  await page.goto(url);
  return { page, problems };
}

/** Keeps a picture of a failing step under test-results/. */
export async function picture(page: Page, name: string): Promise<void> {
  const directory = resolve('test-results');
  await mkdir(directory, { recursive: true });
  await page.screenshot({ path: join(directory, `${name.replace(/\W+/g, '-')}.png`) });
}
