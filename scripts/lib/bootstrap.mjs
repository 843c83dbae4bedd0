// What `npm start` and `npm test` do first: dependencies and bundles that match the sources.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { buildBundles } from './build.mjs';
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
  const release = holdInstallation();
  try {
    // Another start may have installed them meanwhile.
    if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return;
    say('installing dependencies (once)');
    quiet('npm', ['ci', '--no-audit', '--no-fund']);
    writeFileSync(stampFile, wanted);
  } catch (error) {
    release();
    fail(`npm ci failed. ${error.message}`);
  } finally {
    release();
  }
}

/** Waits until no other start installs here; two at once would leave half of each. */
function holdInstallation() {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const file = join(root, '.cache', 'installing.pid');
  for (let waits = 0; ; waits++) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
    if (holder && !isRunning(holder)) rmSync(file, { force: true });
    else if (waits === 0) say(`waiting for process ${holder}, which installs the dependencies here`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
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
    buildBundles();
  } catch (error) {
    fail(`the build failed. ${error.message}`);
  }
}
