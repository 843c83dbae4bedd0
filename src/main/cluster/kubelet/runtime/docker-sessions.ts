import type Docker from 'dockerode';
import type { Duplex, Readable } from 'node:stream';
import type { RunSession } from '../../apiserver/node-connection';
import { hijackedSession, mergeFrames } from './docker-streams';
import type { RuntimeLogOptions, RuntimeRunOptions } from './types';

/** Runs a command in a container. The caller maps failures. */
export async function execIn(
  container: Docker.Container,
  options: RuntimeRunOptions,
  command: string[],
): Promise<RunSession> {
  const { stdin, tty } = options;
  const exec = await container.exec({
    Cmd: command,
    AttachStdin: stdin,
    AttachStdout: true,
    AttachStderr: !tty,
    Tty: tty,
    // The Docker CLI sets it for terminals too; without it curses programs refuse to start.
    ...(tty ? { Env: ['TERM=xterm-256color'] } : {}),
  });
  const socket = (await exec.start({ hijack: true, stdin, Tty: tty, Detach: false } as never)) as Duplex;
  return hijackedSession(
    socket,
    options,
    (w, h) => void exec.resize({ w, h }).catch(() => {}),
    async () => ({ exitCode: (await exec.inspect()).ExitCode ?? 0 }),
  );
}

/** Joins the container's own process. The caller maps failures. */
export async function attachTo(container: Docker.Container, options: RuntimeRunOptions): Promise<RunSession> {
  const { Config: config } = await container.inspect();
  const stdin = options.stdin && !!config.OpenStdin;
  const socket = (await container.attach({
    stream: true,
    hijack: true,
    stdin,
    stdout: true,
    stderr: true,
  })) as unknown as Duplex;
  return hijackedSession(
    socket,
    { ...options, stdin, tty: config.Tty },
    (w, h) => void container.resize({ w, h }).catch(() => {}),
    async () => ({
      exitCode: await container.inspect().then(
        (info) => info.State.ExitCode,
        () => 0,
      ),
    }),
  );
}

/** A container's log with both outputs in one. Destroying it ends the request. The caller maps failures. */
export async function logsOf(docker: Docker, id: string, wanted: RuntimeLogOptions): Promise<Readable> {
  const { Config: config } = await docker.getContainer(id).inspect();
  const cancel = new AbortController();
  const options = {
    stdout: true,
    stderr: true,
    follow: wanted.follow,
    timestamps: wanted.timestamps,
    tail: wanted.tail ?? 'all',
    ...(wanted.since ? { since: wanted.since } : {}),
  };
  // dockerode reads a log that is not followed into memory as a whole; asking the modem keeps it a stream.
  const request = {
    path: `/containers/${id}/logs?`,
    method: 'GET',
    isStream: true,
    abortSignal: cancel.signal,
    statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
    options,
  };
  const source = await new Promise<Readable>((resolve, reject) => {
    docker.modem.dial(request as never, (error: unknown, stream: unknown) =>
      error ? reject(error as Error) : resolve(stream as Readable),
    );
  });
  if (config.Tty) return source;
  const merged = mergeFrames();
  source.on('error', () => merged.end()).pipe(merged);
  merged.once('close', () => cancel.abort());
  return merged;
}
