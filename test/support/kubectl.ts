import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** The real kubectl binaries the compatibility suite runs with: an older and a current one. */
export const kubectls = ['trixie', 'sid'].map((suite) => ({
  suite,
  binary: resolve('.cache', 'kubectl', suite, 'kubectl'),
}));

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** A kubectl bound to a kubeconfig; HOME is empty so that no cache or configuration of the user is touched. */
export function kubectl(binary: string, kubeconfig: string, home: string, more: Record<string, string> = {}) {
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run the tests with npm test, which fetches it`);
  const start = (args: string[]) =>
    spawn(binary, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: home, KUBECONFIG: kubeconfig, ...more },
    });
  return {
    start,
    /** Runs a command line to its end. `input` goes to its standard input. */
    run(args: string[], input = ''): Promise<Ran> {
      return new Promise((done, reject) => {
        const child = start(args);
        let stdout = '';
        let stderr = '';
        child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
        child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
        child.on('error', reject);
        child.on('close', (code) => done({ code: code ?? -1, stdout, stderr }));
        // A kubectl that reads nothing may be gone before the end of its input.
        child.stdin.on('error', () => {});
        child.stdin.end(input);
      });
    },
    /** Runs a command line that must succeed; answers its standard output. */
    async ok(args: string[], input = ''): Promise<string> {
      const ran = await this.run(args, input);
      if (ran.code !== 0)
        throw new Error(`kubectl ${args.join(' ')} ended with ${ran.code}\n${ran.stdout}${ran.stderr}`);
      return ran.stdout;
    },
  };
}

export type Kubectl = ReturnType<typeof kubectl>;

/** Tries until `probe` answers something truthy; its last failure is the reason when time runs out. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | false | undefined | null | ''>,
  timeoutMs = 60_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  let last: unknown;
  do {
    try {
      const value = await probe();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await new Promise((tick) => setTimeout(tick, 200));
  } while (Date.now() < end);
  throw new Error(`${what} did not happen within ${timeoutMs / 1000} s${last ? `: ${String(last)}` : ''}`);
}
