import { spawn } from 'node:child_process';
import { spawn as spawnTerminal } from 'node-pty';
import { eventually, type Ran } from '../../support/kubectl';

/** Somebody at a shell: where they are and what their environment is. */
export interface User {
  directory: string;
  env: Record<string, string>;
}

const shell = ['/bin/bash', '-c'] as const;

function start({ directory, env }: User, line: string) {
  const child = spawn(shell[0], [shell[1], line], { cwd: directory, env, stdio: 'pipe', detached: true });
  const ran: Ran = { code: -1, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (ran.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (ran.stderr += chunk.toString()));
  child.stdin.on('error', () => {});
  const ended = new Promise<Ran>((done, reject) => {
    child.on('error', reject);
    child.on('close', (code) => done({ ...ran, code: code ?? -1 }));
  });
  // Of its own process group, so that an end reaches what the shell started.
  const end = () => {
    try {
      process.kill(-child.pid!, 'SIGTERM');
    } catch {
      // It is gone already.
    }
  };
  return { child, ran, ended, end };
}

/** Types a line and waits for its end, at most five minutes. */
export async function type(user: User, line: string, input = ''): Promise<Ran> {
  const { child, ended, end } = start(user, line);
  const late = setTimeout(end, 300_000);
  child.stdin.end(input);
  try {
    return await ended;
  } finally {
    clearTimeout(late);
  }
}

/** Types a line that goes on by itself, waits for what it prints, does something meanwhile and ends it. */
export async function typeUntil(
  user: User,
  line: string,
  until: RegExp,
  meanwhile: () => Promise<void>,
  input = '',
): Promise<Ran> {
  const { child, ran, ended, end } = start(user, line);
  // Standard input stays open: its end is an answer to some commands.
  if (input) child.stdin.write(input);
  let over = false;
  void ended.then(() => (over = true));
  try {
    await eventually(`${String(until)} from ${line}, which said ${JSON.stringify(ran)},`, async () => {
      if (until.test(ran.stdout + ran.stderr)) return true;
      if (over) throw new Error(`it ended and said ${JSON.stringify(ran)}`);
      return false;
    });
    await meanwhile();
  } finally {
    end();
    await ended;
  }
  return { ...ran, code: 0 };
}

/** Types a line in a terminal and then the keys, once the screen shows what is waited for. */
export async function typeInTerminal(
  { directory, env }: User,
  line: string,
  keys: { after: RegExp; keys: string },
): Promise<Ran> {
  const terminal = spawnTerminal(shell[0], [shell[1], line], { cwd: directory, env, cols: 120, rows: 40 });
  let screen = '';
  let over = false;
  terminal.onData((data) => (screen += data));
  const exit = new Promise<number>((done) => terminal.onExit(({ exitCode }) => done(exitCode)));
  void exit.then(() => (over = true));
  try {
    await eventually(`${String(keys.after)} on the screen of ${line}`, async () => {
      if (over) return true;
      if (keys.after.test(screen)) return true;
      throw new Error(`it shows ${JSON.stringify(screen)}`);
    });
    if (!over) terminal.write(keys.keys);
    const code = await Promise.race([
      exit,
      new Promise<never>((_, reject) =>
        setTimeout(() => reject(new Error(`${line} does not end: ${JSON.stringify(screen)}`)), 60_000).unref(),
      ),
    ]);
    return { code, stdout: screen.replaceAll('\r\n', '\n'), stderr: '' };
  } finally {
    if (!over) terminal.kill();
  }
}
