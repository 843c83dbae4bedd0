import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from './clock';
import { labels, RuntimeError, type Runtime } from './kubelet/runtime/types';
import type { PodSandboxes } from './proxy';
import type { PodNetworks, RuleMemory } from './proxy/policy';

/** An engine that hangs must not hold up the next try. */
const execTimeoutMs = 15_000;

/** The network namespaces of pods, which their sandboxes hold. */
export function createPodNetworks(runtime: Runtime, clock: Clock): PodNetworks & PodSandboxes {
  return {
    async list() {
      const found = await runtime.list({ [labels.kind]: 'sandbox' });
      const running = found.filter(({ state }) => state === 'running');
      return new Map(running.map(({ id, labels: own }) => [own[labels.podUid] ?? '', id]));
    },
    async load(id, rules) {
      try {
        return await inSandbox(runtime, clock, id, ['nft', '-f', '-'], rules);
      } catch (error) {
        if (!/executable file not found/.test((error as Error).message)) throw error;
        throw new RuntimeError(
          'the pod was started before the node image was there and cannot be held to network policies: delete it to have it made anew',
          'failed',
        );
      }
    },
    script: (id, text) => inSandbox(runtime, clock, id, ['sh'], text),
  };
}

/** Answers whether the sandbox is still there. @throws Error when the command failed in one that is */
async function inSandbox(
  runtime: Runtime,
  clock: Clock,
  id: string,
  command: string[],
  input: string,
): Promise<boolean> {
  try {
    await run(runtime, clock, id, command, input);
    return true;
  } catch (error) {
    if ((await runtime.inspect(id))?.state !== 'running') return false;
    throw error;
  }
}

/** Runs a command to its end. @throws RuntimeError with what it wrote when it failed */
async function run(runtime: Runtime, clock: Clock, id: string, command: string[], input: string): Promise<void> {
  const session = await runtime.run(id, { command, stdin: true, stdout: true, stderr: true, tty: false });
  const timer = clock.setTimeout(() => session.close(), execTimeoutMs);
  try {
    let output = '';
    // Its end says more than a stream that breaks with it.
    for (const stream of [session.stdin, session.stdout, session.stderr]) stream?.on('error', () => {});
    for (const stream of [session.stdout, session.stderr])
      stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    session.stdin?.end(input);
    const { exitCode, error } = await session.done;
    if (exitCode === 0 && !error) return;
    throw new RuntimeError(`${command[0]} ended with ${exitCode}: ${(error ?? output).trim().slice(0, 500)}`, 'failed');
  } finally {
    timer.cancel();
  }
}

/** Keeps what was loaded in a file. One that is missing or torn is taken for empty. */
export function createRuleMemory(file: string): RuleMemory {
  return {
    async read() {
      try {
        return JSON.parse(await readFile(file, 'utf8')) as Record<string, string>;
      } catch {
        return {};
      }
    },
    async write(known) {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(`${file}.new`, JSON.stringify(known), { mode: 0o600 });
      await rename(`${file}.new`, file);
    },
  };
}
