import type { ExecSession } from '../cluster/client/transport';
import type { CommandCall } from './command';

interface Raw {
  isTTY?: boolean;
  setRawMode?(on: boolean): unknown;
}

/**
 * Connects a session in a container with the caller's streams until it ends.
 * With `tty` the keyboard goes through untouched and the window's size follows.
 * @returns the exit code
 */
export async function connectTerminal(
  call: CommandCall,
  session: ExecSession,
  options: { stdin: boolean; tty: boolean },
): Promise<{ exitCode: number; error?: string }> {
  const { io } = call;
  const keyboard = io.stdin as typeof io.stdin & Raw;
  const screen = io.stdout as typeof io.stdout & { columns?: number; rows?: number };
  const raw = options.tty && keyboard.isTTY === true && keyboard.setRawMode !== undefined;
  const resize = (): void => {
    const [columns, rows] = [screen.columns ?? io.columns, screen.rows ?? io.rows];
    if (columns && rows) session.resize(columns, rows);
  };
  const stop = (): void => session.close();
  const forward = (chunk: Buffer): void => void session.stdin?.write(chunk);
  const endInput = (): void => void session.stdin?.end();
  if (options.tty) {
    resize();
    screen.on('resize', resize);
  }
  if (raw) keyboard.setRawMode!(true);
  if (options.stdin && session.stdin) {
    // The shell may end before the input does; what is typed then goes nowhere.
    session.stdin.on('error', () => {});
    keyboard.on('data', forward);
    keyboard.once('end', endInput);
    keyboard.resume();
  }
  session.stdout?.on('data', (chunk: Buffer) => void io.stdout.write(chunk));
  session.stderr?.on('data', (chunk: Buffer) => void io.stderr.write(chunk));
  io.signal?.addEventListener('abort', stop, { once: true });
  try {
    const result = await session.done;
    await Promise.all([session.stdout, session.stderr].map((stream) => drained(stream)));
    return result;
  } finally {
    io.signal?.removeEventListener('abort', stop);
    screen.removeListener('resize', resize);
    if (options.stdin) {
      keyboard.removeListener('data', forward);
      keyboard.removeListener('end', endInput);
      keyboard.pause();
    }
    if (raw) keyboard.setRawMode!(false);
  }
}

/** Resolves when a stream has delivered all it will. */
function drained(stream: NodeJS.ReadableStream | null): Promise<void> {
  const readable = stream as (NodeJS.ReadableStream & { readableEnded?: boolean; destroyed?: boolean }) | null;
  if (!readable || readable.readableEnded || readable.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    readable.once('end', resolve);
    readable.once('close', resolve);
    readable.once('error', () => resolve());
  });
}
