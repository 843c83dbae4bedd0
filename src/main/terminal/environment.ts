import { accessSync, constants } from 'node:fs';
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';

/** The user's shell: the setting, else $SHELL, else what the system has. */
export function chooseShell(setting: string, env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  if (setting) return setting;
  if (platform === 'win32') return env.COMSPEC ?? 'powershell.exe';
  const known = [env.SHELL, '/bin/bash', '/bin/zsh', '/bin/sh'];
  return known.find((shell) => shell && executable(shell)) ?? '/bin/sh';
}

function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts as a login shell where the platform's own terminals do so. */
export function shellArguments(shell: string, platform: NodeJS.Platform): string[] {
  const name = basename(shell);
  return platform === 'darwin' && ['bash', 'zsh', 'fish'].includes(name) ? ['-l'] : [];
}

/**
 * The environment of a local shell: the user's own with KUBECONFIG for the
 * cluster and our kubectl behind everything else on the PATH.
 */
export function shellEnvironment(options: {
  env: NodeJS.ProcessEnv;
  kubeconfig: string;
  shimDirectory: string;
}): Record<string, string> {
  const { env, kubeconfig, shimDirectory } = options;
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !/^(ELECTRON_|NODE_OPTIONS$)/.test(entry[0]),
  );
  const path = env.PATH ?? env.Path ?? '';
  return {
    ...Object.fromEntries(kept),
    TERM: 'xterm-256color',
    COLORTERM: 'truecolor',
    TERM_PROGRAM: 'gantry',
    KUBECONFIG: kubeconfig,
    PATH: path ? `${path}${delimiter}${shimDirectory}` : shimDirectory,
  };
}

const quote = (word: string) => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/**
 * Writes a `kubectl` that runs `command` with the arguments it was given, and a `Kubectl`, as word processors spell
 * it, for the first `kubectl` on the PATH.
 * @returns the directory to put on the PATH
 */
export async function writeKubectlShim(directory: string, command: string[]): Promise<string> {
  const bin = join(directory, 'bin');
  await mkdir(bin, { recursive: true });
  const place = async (name: string, text: string) => {
    const draft = join(bin, `.${name}.${process.pid}`);
    await writeFile(draft, text);
    await chmod(draft, 0o755);
    await rename(draft, join(bin, name));
  };
  // First of the two: where names differ by more than their case only, the one below takes its place.
  await place('Kubectl', '#!/bin/sh\nexec kubectl "$@"\n');
  // In the desktop the program is Electron's binary; the variable makes it a plain Node.
  await place('kubectl', `#!/bin/sh\nELECTRON_RUN_AS_NODE=1 exec ${command.map(quote).join(' ')} "$@"\n`);
  if (process.platform === 'win32') {
    const words = command.map((word) => `"${word}"`).join(' ');
    await place('kubectl.cmd', `@echo off\r\nset ELECTRON_RUN_AS_NODE=1\r\n${words} %*\r\n`);
  }
  return bin;
}
