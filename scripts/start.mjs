// `npm start`: the desktop window where Electron's binary is, the same app in the browser where it is not.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuild, ensureDependencies } from './lib/bootstrap.mjs';
import { root, say } from './lib/run.mjs';

ensureDependencies();
ensureBuild();

/** Electron's binary, or why the desktop window cannot open. */
function findElectron() {
  if (process.env.GANTRY_HOST === 'browser') return { reason: 'GANTRY_HOST=browser is set' };
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY)
    return { reason: 'there is no display' };
  try {
    const binary = createRequire(import.meta.url)('electron');
    if (typeof binary === 'string' && existsSync(binary)) return { binary };
  } catch {
    // electron's own index throws when its download is missing
  }
  return { reason: 'the Electron binary is not installed (node node_modules/electron/install.js fetches it)' };
}

const { binary, reason } = findElectron();
const rest = process.argv.slice(2);
const [command, args] = binary
  ? [binary, [root, ...rest]]
  : [process.execPath, [join(root, 'out', 'main', 'cli.js'), 'serve', '--open', ...rest]];
if (reason) say(`opening in the browser instead of the desktop window: ${reason}`);

const child = spawn(command, args, { cwd: root, stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
