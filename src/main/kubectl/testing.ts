import { Readable, Writable } from 'node:stream';
import { createTestServer } from '../cluster/apiserver/testing';
import { createInProcessTransport } from '../cluster/client/in-process';
import { runKubectl, type KubectlIo } from '.';

function sink(): { stream: Writable; text: () => string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') };
}

/** Streams and settings of a run, and what it printed. No kubeconfig of the machine is seen. */
export function testIo(options: Partial<KubectlIo> & { input?: string } = {}) {
  const stdout = sink();
  const stderr = sink();
  const io: KubectlIo = {
    stdin: Readable.from(options.input === undefined ? [] : [Buffer.from(options.input)]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    env: { HOME: '/nonexistent' },
    cwd: '/',
    isTTY: false,
    ...options,
  };
  return { io, out: stdout.text, err: stderr.text };
}

/** The command line on an API server in memory with a standing clock. For tests. */
export async function createTestKubectl() {
  const server = await createTestServer();
  const transport = createInProcessTransport(server.server);
  /** Starts a command; `out` and `err` tell what it printed so far. */
  const start = (argv: string[], options: Partial<KubectlIo> & { input?: string } = {}) => {
    const { io, out, err } = testIo(options);
    return { out, err, done: runKubectl(argv, io, { transport, now: () => server.clock.now() }) };
  };
  const run = async (...[argv, options]: Parameters<typeof start>) => {
    const { out, err, done } = start(argv, options);
    const code = await done;
    return { code, out: out(), err: err() };
  };
  /** `kubectl` with words split at spaces. */
  const kubectl = (line: string, options?: Parameters<typeof run>[1]) => run(line.split(' '), options);
  return { ...server, transport, start, run, kubectl };
}
