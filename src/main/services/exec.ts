import { StringDecoder } from 'node:string_decoder';
import type { ExecOutput, StreamParamsOf, TerminalInput } from '@shared/bridge/contract';
import type { KubeTransport } from '../cluster/client/transport';
import { Doorbell } from '../informers/flow';
import { errorText } from './errors';

/** Output that may wait for the page before the command is held back, in characters. */
const HIGH_WATER = 256 * 1024;
/** The best shell that the image has; busybox and distroless-with-sh alike. */
const SHELL = [
  '/bin/sh',
  '-c',
  'TERM=xterm-256color; export TERM; if command -v bash >/dev/null 2>&1; then exec bash; fi; exec sh',
];

/** A command in a container on a terminal. Leaving the stream ends the command's session. */
export async function* streamExec(
  transport: KubeTransport,
  params: StreamParamsOf<'exec'>,
  context: { signal: AbortSignal; onInput: (listener: (input: TerminalInput) => void) => void },
): AsyncGenerator<ExecOutput> {
  const { signal, onInput } = context;
  const { namespace, pod, container, command = SHELL, columns, rows } = params;
  const session = await transport.exec({
    namespace,
    pod,
    ...(container ? { container } : {}),
    command,
    stdin: true,
    stdout: true,
    tty: true,
  });
  const bell = new Doorbell();
  const decoder = new StringDecoder('utf8');
  let waiting = '';
  let end: Extract<ExecOutput, { type: 'exit' }> | undefined;
  session.stdin?.on('error', () => {});
  session.stdout?.on('error', () => {});
  session.stdout?.on('data', (chunk: Buffer | string) => {
    waiting += typeof chunk === 'string' ? chunk : decoder.write(chunk);
    if (waiting.length > HIGH_WATER) session.stdout?.pause();
    bell.ring();
  });
  session.done.then(
    ({ exitCode, error }) => {
      end = { type: 'exit', code: exitCode, ...(error ? { message: error } : {}) };
      bell.ring();
    },
    (error: unknown) => {
      end = { type: 'exit', code: -1, message: errorText(error) };
      bell.ring();
    },
  );
  onInput((input) => {
    if (end) return;
    if (input.type === 'resize') session.resize(input.columns, input.rows);
    else session.stdin?.write(input.data);
  });
  try {
    session.resize(columns, rows);
    while (!signal.aborted) {
      if (waiting) {
        const data = waiting;
        waiting = '';
        session.stdout?.resume();
        yield { type: 'output', data };
        continue;
      }
      if (end && (session.stdout?.readableLength ?? 0) === 0) {
        yield end;
        return;
      }
      await bell.wait(signal);
    }
  } finally {
    session.close();
  }
}
