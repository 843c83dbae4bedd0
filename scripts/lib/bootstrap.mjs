// What `npm start` and `npm test` do first: dependencies and bundles that match the sources.
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { aptInstall, canInstall, fail, has, quiet, root, say } from './run.mjs';

const stampFile = join(root, 'node_modules', '.gantry-stamp');
const hashOf = (...files) => {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
};

/** Installs node_modules when they are missing or do not match the lock file. */
export function ensureDependencies() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Node.js ${process.versions.node} is too old: version 20.19 or later is needed (https://nodejs.org)`);
  }
  const wanted = `${hashOf('package.json', 'package-lock.json')} node${process.versions.modules}`;
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return;
  // node-pty compiles its terminal for this machine.
  const tools = ['python3', 'make', 'g++'].filter((tool) => !has(tool));
  if (tools.length && process.platform === 'linux') {
    if (canInstall()) aptInstall(tools, 'to compile the terminal (node-pty)');
    else
      fail(
        `${tools.join(', ')} missing: needed to compile the terminal (node-pty). On Debian or Ubuntu: sudo apt-get install ${tools.join(' ')}`,
      );
  }
  say('installing dependencies (once)');
  try {
    quiet('npm', ['ci', '--no-audit', '--no-fund']);
  } catch (error) {
    fail(`npm ci failed. ${error.message}`);
  }
  writeFileSync(stampFile, wanted);
}

/** The newest modification time below a path, in ms. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** Builds the bundles when a source is newer than they are. */
export function ensureBuild() {
  const outputs = ['out/main/index.js', 'out/main/cli.js', 'out/preload/index.cjs', 'out/renderer/index.html'].map(
    (file) => join(root, file),
  );
  if (outputs.every((file) => existsSync(file))) {
    const built = Math.min(...outputs.map((file) => statSync(file).mtimeMs));
    const sources = ['src', 'resources', 'electron.vite.config.ts', 'package-lock.json'].map((path) =>
      join(root, path),
    );
    if (Math.max(...sources.map(newest)) <= built) return;
  }
  say('building');
  try {
    quiet(process.execPath, ['node_modules/electron-vite/bin/electron-vite.js', 'build', '--logLevel', 'warn']);
  } catch (error) {
    fail(`the build failed. ${error.message}`);
  }
}
