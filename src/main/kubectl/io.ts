import type { Readable, Writable } from 'node:stream';

/** The world a command runs in. */
export interface KubectlIo {
  stdin: Readable;
  stdout: Writable;
  stderr: Writable;
  env: Record<string, string | undefined>;
  cwd: string;
  /** stdin and stdout are a terminal. */
  isTTY: boolean;
  /** Width and height of that terminal in characters. */
  columns?: number;
  rows?: number;
  /** Aborted when the user interrupts; running commands end. */
  signal?: AbortSignal;
}
