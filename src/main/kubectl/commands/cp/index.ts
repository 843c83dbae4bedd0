import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import type { Pod } from '@shared/k8s';
import type { ExecSession } from '../../../cluster/client/transport';
import type { Command, CommandCall } from '../../command';
import { ExitError, KubectlError } from '../../errors';
import { chooseContainer } from '../../pods';

interface Place {
  /** Unset for this machine. */
  pod?: string;
  namespace?: string;
  file: string;
}

/** Reads `[[NAMESPACE/]POD:]PATH`. @throws KubectlError */
function placeOf(text: string): Place {
  const colon = text.indexOf(':');
  const words = text.slice(0, Math.max(0, colon)).split('/');
  if (colon === 0 || words.length > 2)
    throw new KubectlError('filespec must match the canonical format: [[namespace/]pod:]file/path');
  if (colon < 0) return { file: text };
  const file = text.slice(colon + 1);
  return words.length === 2 ? { namespace: words[0], pod: words[1], file } : { pod: words[0], file };
}

/** A pod's container in which programs are run for the copy. */
class Remote {
  private constructor(
    private readonly call: CommandCall,
    private readonly pod: Pod,
    private readonly container: string,
  ) {}

  static async at(call: CommandCall, place: Place): Promise<Remote> {
    const namespace = place.namespace ?? (await call.session.namespace());
    const path = `/api/v1/namespaces/${namespace}/pods/${place.pod}`;
    const { body: pod } = await call.session.request<Pod>({ method: 'GET', path });
    const phase = pod.status?.phase;
    if (phase === 'Succeeded' || phase === 'Failed')
      throw new KubectlError(`cannot exec into a container in a completed pod; current phase is ${phase}`);
    return new Remote(call, pod, chooseContainer(call, pod, call.flags.string('container')));
  }

  async start(command: string[], stdin = false): Promise<ExecSession> {
    const transport = await this.call.session.transport();
    const { name, namespace } = this.pod.metadata;
    return transport.exec({
      namespace: namespace!,
      pod: name,
      container: this.container,
      command,
      stdin,
      stdout: true,
      stderr: true,
      tty: false,
    });
  }

  async isDirectory(path: string): Promise<boolean> {
    const session = await this.start(['test', '-d', path]);
    session.stdout?.resume();
    session.stderr?.resume();
    return (await session.done).exitCode === 0;
  }

  /** Waits for the end of a program. @throws when it failed */
  async ended(session: ExecSession): Promise<void> {
    const { exitCode, error } = await session.done;
    if (error && !/exit code/.test(error)) throw new KubectlError(error);
    if (exitCode === 0) return;
    this.call.err(`command terminated with exit code ${exitCode}\n`);
    throw new ExitError(exitCode);
  }
}

function showErrors(call: CommandCall, stream: Readable | null): void {
  stream?.on('data', (chunk: Buffer) => void call.io.stderr.write(chunk));
}

async function toPod(call: CommandCall, source: string, to: Place): Promise<void> {
  const path = resolve(call.io.cwd, source);
  await stat(path).catch(() => {
    throw new KubectlError(`${source} doesn't exist in local filesystem`);
  });
  const { archiveOf } = await import('./tar');
  const remote = await Remote.at(call, to);
  const plain = posix.normalize(to.file).replace(/(?<=.)\/$/, '');
  const target = (await remote.isDirectory(plain)) ? posix.join(plain, basename(path)) : plain;
  const how = call.flags.bool('no-preserve') ? ['--no-same-permissions', '--no-same-owner'] : [];
  const command = ['tar', ...how, '-xmf', '-', '-C', posix.dirname(target)];
  const session = await remote.start(command, true);
  showErrors(call, session.stdout);
  showErrors(call, session.stderr);
  const archive = archiveOf(path, posix.basename(target));
  let broken: Error | undefined;
  archive.on('error', (error) => {
    broken = error;
    session.close();
  });
  // A program that ends early takes no more of it; its exit code tells why.
  session.stdin!.on('error', () => archive.destroy());
  archive.pipe(session.stdin!);
  await remote.ended(session).catch((error: unknown) => {
    throw broken ?? error;
  });
  if (broken) throw broken;
}

async function fromPod(call: CommandCall, from: Place, target: string): Promise<void> {
  const { unpack } = await import('./tar');
  const remote = await Remote.at(call, from);
  const source = posix.normalize(from.file).replace(/(?<=.)\/$/, '');
  let path = resolve(call.io.cwd, target);
  const directory = await stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
  if (directory && posix.basename(source) !== '.') path = resolve(path, posix.basename(source));
  const session = await remote.start(['tar', 'cf', '-', source]);
  showErrors(call, session.stderr);
  // The names in the archive are without what leads to the root or above.
  const prefix = source.replace(/^(\.{0,2}\/)+/, '');
  await Promise.all([unpack(session.stdout!, prefix, path, call.err), remote.ended(session)]);
}

async function run(call: CommandCall): Promise<void> {
  if (call.args.length !== 2) throw new KubectlError('source and destination are required');
  const [from, to] = call.args.map(placeOf) as [Place, Place];
  if (from.pod && to.pod) throw new KubectlError('one of src or dest must be a local file specification');
  if (!from.file || !to.file) throw new KubectlError('filepath can not be empty');
  if (from.pod) return fromPod(call, from, to.file);
  if (to.pod) return toPod(call, from.file, to);
  throw new KubectlError('one of src or dest must be a remote file specification');
}

export const cp: Command = {
  name: 'cp',
  summary: 'Copy files and directories to and from containers',
  usage: '<file-spec-src> <file-spec-dest>',
  examples: [
    ['To a container, which needs tar', 'kubectl cp notes.txt web-5d9f:/tmp/notes.txt'],
    ['From a container of a pod in another namespace', 'kubectl cp shop/web-5d9f:/var/log logs -c web'],
  ],
  flags: [
    { name: 'container', short: 'c', type: 'string', help: 'The container.' },
    { name: 'no-preserve', type: 'bool', default: 'false', help: 'Leave owner and permissions to the container.' },
    { name: 'retries', type: 'int', default: '0', help: 'Accepted; nothing is asked for again.' },
  ],
  run,
};
