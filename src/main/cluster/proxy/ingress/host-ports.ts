import { connect, createServer } from 'node:net';

export interface HostPorts {
  http: number;
  https: number;
}

/** Asks the machine whether a port of its loopback address can be had. Never throws. */
export type PortCheck = (port: number) => Promise<boolean>;

const usual = { http: [80, 8080, 8081, 8082, 8088], https: [443, 8443, 8444, 8445, 8448] } as const;
const ephemeral = { first: 20_000, count: 10_000 };

/**
 * The port to try next: what was asked for, then what people expect, then any.
 * `refused` are those the engine could not have. Undefined when none is free.
 */
export async function choosePort(
  scheme: keyof HostPorts,
  wanted: number | undefined,
  refused: ReadonlySet<number>,
  isFree: PortCheck,
  random: () => number = Math.random,
): Promise<number | undefined> {
  const any = Array.from({ length: 20 }, () => ephemeral.first + Math.floor(random() * ephemeral.count));
  const candidates = wanted === 0 ? any : [...(wanted ? [wanted] : []), ...usual[scheme], ...any];
  for (const port of candidates) if (!refused.has(port) && (await isFree(port))) return port;
  return undefined;
}

/**
 * Tries to listen. Where this user may not (ports below 1024), the engine perhaps
 * may: then the port counts as free when nobody answers there.
 */
export const portIsFree: PortCheck = (port) =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EACCES') return resolve(false);
      const socket = connect({ port, host: '127.0.0.1', timeout: 1000 });
      const answered = (free: boolean) => () => {
        socket.destroy();
        resolve(free);
      };
      socket.once('connect', answered(false)).once('timeout', answered(false)).once('error', answered(true));
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** The ports of the host that an engine's complaint is about; empty when it is about something else. */
export function refusedPorts(message: string, { http, https }: HostPorts): number[] {
  if (
    !/port is already allocated|address already in use|ports are not available|cannot expose privileged port|permission denied|forbidden by its access permissions/i.test(
      message,
    )
  )
    return [];
  const named = [http, https].filter((port) => new RegExp(`(?<!\\d)${port}(?!\\d)`).test(message));
  return named.length ? named : [http, https];
}
