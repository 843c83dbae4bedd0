import type Docker from 'dockerode';
import type { Duplex, Readable } from 'node:stream';
import type { RunSession } from '../../apiserver/node-connection';
import { hijackedSession, loggedSession, mergeFrames } from './docker-streams';
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

/**
 * How old a container is at most whose output so far comes with what follows. Who started it to see what it says
 * attaches a moment later; on an old one that would be history.
 */
const replayedMs = 10_000;
/** The engine notes a container's start a moment after its process has begun to talk. */
const headStartMs = 1000;
/** For how long a container must be silent after its client has no more input, before the client is detached. */
const quietMs = 1000;

/** Until when the output of containers was read, for as long as that matters to whoever attaches. Times in ms. */
export class ReadMarks {
  private readonly marks = new Map<string, number>();

  note(id: string): void {
    const now = Date.now();
    for (const [old, at] of this.marks) if (now - at > replayedMs) this.marks.delete(old);
    this.marks.set(id, now);
  }

  of(id: string): number {
    return this.marks.get(id) ?? 0;
  }
}

/**
 * Joins the container's own process. What a container that has just started said before goes first, unless it was read
 * from its log, and nothing of one that ends meanwhile is lost. The caller maps failures.
 */
export async function attachTo(
  docker: Docker,
  id: string,
  options: RuntimeRunOptions,
  marks: ReadMarks,
): Promise<RunSession> {
  const container = docker.getContainer(id);
  const { Config: config, State: state } = await container.inspect();
  const asked = Date.now();
  const started = Date.parse(state.StartedAt);
  const replay = asked - started < replayedMs;
  const since = seconds(replay ? Math.max(started - headStartMs, marks.of(id)) : asked);
  const wanted = { ...options, stdin: options.stdin && !!config.OpenStdin, tty: config.Tty };
  const result = async () => ({
    exitCode: await container.inspect().then(
      (info) => info.State.ExitCode,
      () => 0,
    ),
  });
  const attach = { stream: true, hijack: true, stdin: wanted.stdin, stdout: true, stderr: true };
  const socket = (await container.attach(attach)) as unknown as Duplex;
  const until = seconds(Date.now());
  const cancel = new AbortController();
  const log = (limits: object): Promise<Readable> =>
    openLog(docker, id, { stdout: true, stderr: true, ...limits }, cancel.signal);
  if (!(await container.inspect()).State.Running) {
    // Engines let clients wait for the next start of what has ended. All that it said is in its log by now.
    socket.destroy();
    return loggedSession(await log({ since }), wanted, result, () => cancel.abort());
  }
  const detaches = !(config.StdinOnce && !config.Tty);
  return hijackedSession(socket, wanted, (w, h) => void container.resize({ w, h }).catch(() => {}), result, {
    ...(replay ? { before: await log({ since, until }) } : {}),
    ...(detaches ? { quietMs } : {}),
  });
}

/** A moment as the engine's log takes it. */
const seconds = (ms: number): string => (ms / 1000).toFixed(3);

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
  const source = await openLog(docker, id, options, cancel.signal);
  if (config.Tty) return source;
  const merged = mergeFrames();
  source.on('error', () => merged.end()).pipe(merged);
  merged.once('close', () => cancel.abort());
  return merged;
}

/** The log as the engine sends it: in frames unless the container has a terminal. */
function openLog(docker: Docker, id: string, options: object, abortSignal: AbortSignal): Promise<Readable> {
  // dockerode reads a log that is not followed into memory as a whole; asking the modem keeps it a stream.
  const request = {
    path: `/containers/${id}/logs?`,
    method: 'GET',
    isStream: true,
    abortSignal,
    statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
    options,
  };
  return new Promise<Readable>((resolve, reject) => {
    docker.modem.dial(request as never, (error: unknown, stream: unknown) =>
      error ? reject(error as Error) : resolve(stream as Readable),
    );
  });
}
