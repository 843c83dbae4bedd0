import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { _electron } from 'playwright-core';
import { expect, it } from 'vitest';

/** The same shell in the real Electron, wherever its binary is. */
function electronBinary(): string | undefined {
  // Not by asking the package: it would start a download.
  const directory = resolve('node_modules/electron');
  const pathFile = join(directory, 'path.txt');
  if (!existsSync(pathFile)) return undefined;
  const binary = join(directory, 'dist', readFileSync(pathFile, 'utf8'));
  return existsSync(binary) ? binary : undefined;
}

const executablePath = electronBinary();
const reason = !executablePath
  ? "Electron's binary is not installed"
  : process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY
    ? 'there is no display'
    : '';
if (reason) console.warn(`\nSKIPPED: the desktop shell was NOT run in the real Electron, because ${reason}.\n`);

it.skipIf(reason !== '')('the desktop shell runs in the real Electron', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gantry-electron-'));
  const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const flags = ['--data-dir', directory, '--runtime', 'simulated', '--simulated-nodes', '1', '--api-port', '0'];
  const app = await _electron.launch({ executablePath: executablePath!, args: [...root, resolve('.'), ...flags] });
  try {
    const page = await app.firstWindow();
    await page.getByText('gantry-sim-1').first().waitFor({ timeout: 60_000 });
    expect(page.url()).toMatch(/^app:\/\/gantry\//);
    const found = await page.evaluate(() => ({
      functions: Object.keys(window.gantry!),
      globals: ['require', 'process', 'module', 'Buffer'].filter((name) => name in window),
    }));
    expect(found).toEqual({ functions: ['post', 'onMessage', 'onClose'], globals: [] });
    await page.evaluate(() => void window.open('file:///etc/passwd'));
    await page.evaluate(() => void (location.href = 'file:///etc/passwd'));
    expect(app.windows()).toHaveLength(1);
    expect(page.url()).toMatch(/^app:\/\/gantry\//);
  } finally {
    await app.close();
    await rm(directory, { recursive: true, force: true });
  }
});
