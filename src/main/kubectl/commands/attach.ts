import type { Pod } from '@shared/k8s';
import { ApiError } from '../../cluster/api/errors';
import type { Command, CommandCall } from '../command';
import { ExitError, KubectlError } from '../errors';
import { chooseContainer, onePod } from '../pods';
import { connectTerminal } from '../terminal';
import { streamFlags, wantsTty } from './exec';

async function connect(call: CommandCall, pod: Pod, wanted: string) {
  const name = chooseContainer(call, pod, wanted, call.flags.bool('quiet'));
  const container = [...pod.spec!.containers, ...(pod.spec!.ephemeralContainers ?? [])].find(
    (other) => other.name === name,
  );
  const stdin = call.flags.bool('stdin');
  let tty = wantsTty(call);
  if (tty && !container?.tty) {
    call.err(`error: Unable to use a TTY - container ${name} did not allocate one\n`);
    tty = false;
  }
  if (stdin && !container?.stdin) throw new KubectlError(`container ${name} did not open its standard input`);
  if (stdin && tty && !call.flags.bool('quiet')) call.err("If you don't see a command prompt, try pressing enter.\n");
  const transport = await call.session.transport();
  const session = await transport.exec({
    namespace: pod.metadata.namespace!,
    pod: pod.metadata.name,
    container: name,
    stdin,
    stdout: true,
    stderr: !(tty || container?.tty),
    tty: tty || container?.tty === true,
  });
  return { session, stdin, tty };
}

async function follow(call: CommandCall, { session, ...options }: Awaited<ReturnType<typeof connect>>): Promise<void> {
  const { exitCode, error } = await connectTerminal(call, session, options);
  if (error !== undefined) throw new KubectlError(error);
  if (exitCode !== 0) throw new ExitError(exitCode);
}

/** Prints what a container that has ended said. @param container the only one when it is empty */
export async function printLog(call: CommandCall, { metadata }: Pod, container: string): Promise<void> {
  const log = await call.session.stream({
    method: 'GET',
    path: `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}/log`,
    ...(container ? { query: { container } } : {}),
  });
  for await (const chunk of log) call.io.stdout.write(chunk);
}

/**
 * Connects to the main process of a container that has just started, or prints its log when it has ended meanwhile.
 * @throws ExitError with the code it ended with
 */
export async function attachTo(call: CommandCall, pod: Pod, container: string): Promise<void> {
  try {
    await follow(call, await connect(call, pod, container));
  } catch (error) {
    // A server may refuse at once or on the connection.
    if (!(error instanceof ApiError || error instanceof KubectlError)) throw error;
    const name = pod.metadata.name;
    call.err(`warning: couldn't attach to pod/${name}, falling back to streaming logs: ${error.message}\n`);
    await printLog(call, pod, container);
  }
}

async function run(call: CommandCall): Promise<void> {
  if (call.args.length === 0) throw new KubectlError('at least 1 argument is required for attach');
  const pod = await onePod(call, call.args[0]!);
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed') {
    throw new KubectlError(`cannot attach a container in a completed pod; current phase is ${phase}`);
  }
  await follow(call, await connect(call, pod, call.flags.string('container')));
}

export const attach: Command = {
  name: 'attach',
  summary: 'Attach to a running container',
  usage: '(POD | TYPE/NAME) -c CONTAINER',
  examples: [['See what the container prints', 'kubectl attach web-5d9f']],
  flags: streamFlags,
  run,
};
