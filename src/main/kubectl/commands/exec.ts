import type { Command, CommandCall } from '../command';
import type { Flag } from '../flags';
import { ExitError, KubectlError, usageError } from '../errors';
import { chooseContainer, onePod } from '../pods';
import { connectTerminal } from '../terminal';

/** Flags of commands that connect to a container. */
export const streamFlags: Flag[] = [
  { name: 'container', short: 'c', type: 'string', help: 'The container.' },
  { name: 'stdin', short: 'i', type: 'bool', default: 'false', help: 'Pass standard input to the container.' },
  { name: 'tty', short: 't', type: 'bool', default: 'false', help: 'Standard input is a terminal.' },
  { name: 'quiet', short: 'q', type: 'bool', default: 'false', help: 'Only what the container prints.' },
  { name: 'pod-running-timeout', type: 'duration', default: '1m0s', help: 'Accepted.' },
];

/** Whether a terminal can be had; says so when it cannot. */
export function wantsTty(call: CommandCall): boolean {
  if (!call.flags.bool('tty')) return false;
  if (call.io.isTTY) return true;
  if (!call.flags.bool('quiet')) call.err('Unable to use a TTY - input is not a terminal or the right kind of file\n');
  return false;
}

async function run(call: CommandCall): Promise<void> {
  const { args, dash, flags, session } = call;
  if (args.length === 0 || dash === 0) throw new KubectlError('pod, type/name or --filename must be specified');
  if (dash < 0 && args.length > 1) {
    throw usageError('exec', 'exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead');
  }
  const command = dash < 0 ? [] : args.slice(dash);
  if (command.length === 0) throw new KubectlError('you must specify at least one command for the container');
  const pod = await onePod(call, args[0]!);
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed') {
    throw new KubectlError(`cannot exec into a container in a completed pod; current phase is ${phase}`);
  }
  const container = chooseContainer(call, pod, flags.string('container'), flags.bool('quiet'));
  const stdin = flags.bool('stdin');
  const tty = wantsTty(call);
  const transport = await session.transport();
  const run = await transport.exec({
    namespace: pod.metadata.namespace!,
    pod: pod.metadata.name,
    container,
    command,
    stdin,
    stdout: true,
    stderr: !tty,
    tty,
  });
  const { exitCode, error } = await connectTerminal(call, run, { stdin, tty });
  if (error && exitCode === 0) throw new KubectlError(error);
  if (exitCode === 0) return;
  call.err(error && !/exit code/.test(error) ? `error: ${error}\n` : `command terminated with exit code ${exitCode}\n`);
  throw new ExitError(exitCode);
}

export const exec: Command = {
  name: 'exec',
  summary: 'Execute a command in a container',
  usage: '(POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]',
  examples: [
    ['Run a command', 'kubectl exec web-5d9f -- date'],
    ['A shell', 'kubectl exec -it deploy/web -- sh'],
  ],
  flags: streamFlags,
  run,
};
