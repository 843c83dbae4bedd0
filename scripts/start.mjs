// `npm start`: the desktop window where Electron's binary is, the same app in the browser where it is not.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
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
  // Loading the package would start a download; what it would find is written in path.txt.
  const folder = join(root, 'node_modules', 'electron');
  const pathFile = join(folder, 'path.txt');
  const binary = existsSync(pathFile) ? join(folder, 'dist', readFileSync(pathFile, 'utf8').trim()) : '';
  if (binary && existsSync(binary)) return { binary };
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
