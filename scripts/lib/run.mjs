// Small helpers the scripts share: running commands and saying what happens.
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root folder. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Says on stderr what is being done; stdout belongs to what the command prints. */
export function say(text) {
  process.stderr.write(`gantry: ${text}\n`);
}

/** Ends the script with a reason the user can act on. */
export function fail(text) {
  process.stderr.write(`gantry: ${text}\n`);
  process.exit(1);
}

export function has(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;
}

/** Whether packages can be installed here without asking anyone. */
export const canInstall = () => process.platform === 'linux' && process.getuid?.() === 0 && has('apt-get');

/** Runs a command; resolves with its exit code. Output goes to this terminal. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? (signal ? 128 : 1)));
  });
}

/** Runs a command quietly; throws with its output when it fails. */
export function quiet(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20, ...options });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    throw new Error(
      `${command} ${args.join(' ')} failed (${result.status}):\n${(result.stdout + result.stderr).slice(-4000)}`,
    );
  }
  return result.stdout;
}

let updated = false;
/** Installs Debian packages, telling which and why; throws where it may not. */
export function aptInstall(packages, why) {
  if (!canInstall()) throw new Error(`${why}: please install ${packages.join(', ')}`);
  say(`installing ${packages.join(', ')} (${why})`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  if (!updated) quiet('apt-get', ['update', '-qq'], { env });
  updated = true;
  quiet('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env });
}
