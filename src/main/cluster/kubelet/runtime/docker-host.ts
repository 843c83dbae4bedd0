import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DockerOptions } from 'dockerode';

/** Where the user's Docker Engine may be found; everything comes in, so that it can be tested. */
export interface HostEnvironment {
  env: Record<string, string | undefined>;
  home: string;
  platform: NodeJS.Platform;
  uid?: number;
  exists?(path: string): boolean;
  read?(path: string): string | undefined;
}

export interface DockerEndpoint {
  /** unix:///path, npipe:////./pipe/name, tcp://host:port. */
  url: string;
  /** The engine shares this host's file system. */
  local: boolean;
  options: DockerOptions;
}

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

const parse = (text: string | undefined): any => {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
};

/** The sockets engines listen on when nothing names one, the likeliest first. */
function usualSockets({ home, env, uid }: HostEnvironment): string[] {
  return [
    '/var/run/docker.sock',
    join(home, '.docker/run/docker.sock'),
    join(home, '.docker/desktop/docker.sock'),
    join(home, '.colima/default/docker.sock'),
    join(home, '.colima/docker.sock'),
    join(home, '.orbstack/run/docker.sock'),
    join(home, '.rd/docker.sock'),
    join(env.XDG_RUNTIME_DIR ?? `/run/user/${uid ?? 0}`, 'docker.sock'),
  ];
}

interface ContextEndpoint {
  host: string;
  tlsDirectory?: string;
}

/** The endpoint of the docker CLI's current context. */
function contextEndpoint(
  environment: HostEnvironment,
  read: (path: string) => string | undefined,
): ContextEndpoint | undefined {
  const config = environment.env.DOCKER_CONFIG ?? join(environment.home, '.docker');
  const name = environment.env.DOCKER_CONTEXT ?? parse(read(join(config, 'config.json')))?.currentContext;
  if (!name || name === 'default') return undefined;
  const id = createHash('sha256').update(name).digest('hex');
  const host = parse(read(join(config, 'contexts/meta', id, 'meta.json')))?.Endpoints?.docker?.Host;
  return host ? { host, tlsDirectory: join(config, 'contexts/tls', id, 'docker') } : undefined;
}

/**
 * Finds the engine: an explicit URL, then DOCKER_HOST, then the docker CLI's current
 * context, then the usual sockets. Does not connect.
 * @throws Error when a URL cannot be used
 */
export function findDockerEndpoint(explicit: string | undefined, environment: HostEnvironment): DockerEndpoint {
  const exists = environment.exists ?? existsSync;
  const read = environment.read ?? readText;
  const { env } = environment;
  if (explicit) return endpointOf(explicit, env.DOCKER_CERT_PATH, env, read);
  if (env.DOCKER_HOST) return endpointOf(env.DOCKER_HOST, env.DOCKER_CERT_PATH, env, read);
  const context = contextEndpoint(environment, read);
  if (context) return endpointOf(context.host, context.tlsDirectory, env, read);
  if (environment.platform === 'win32') return endpointOf('npipe:////./pipe/docker_engine', undefined, env, read);
  const sockets = usualSockets(environment);
  return endpointOf(`unix://${sockets.find(exists) ?? sockets[0]}`, undefined, env, read);
}

function endpointOf(
  url: string,
  certificates: string | undefined,
  env: Record<string, string | undefined>,
  read: (path: string) => string | undefined,
): DockerEndpoint {
  // Options of dockerode win over the DOCKER_HOST it would read by itself only when each is given.
  const none = {
    host: undefined,
    port: undefined,
    protocol: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
  };
  if (url.startsWith('unix://'))
    return { url, local: true, options: { ...none, socketPath: url.slice(7) || '/var/run/docker.sock' } };
  if (url.startsWith('npipe://')) return { url, local: true, options: { ...none, socketPath: url.slice(8) } };
  if (url.startsWith('/')) return { url: `unix://${url}`, local: true, options: { ...none, socketPath: url } };
  const parsed = new URL(url.includes('://') ? url : `tcp://${url}`);
  if (parsed.protocol === 'ssh:') {
    throw new Error(
      `Docker over ssh is not supported (${url}): forward the socket, e.g. ssh -L /tmp/docker.sock:/var/run/docker.sock, and name that`,
    );
  }
  if (!['tcp:', 'http:', 'https:'].includes(parsed.protocol)) throw new Error(`not a Docker host: ${url}`);
  const tls = parsed.protocol === 'https:' || parsed.port === '2376' || !!env.DOCKER_TLS_VERIFY;
  const pem = (name: string): string | undefined => (tls && certificates ? read(join(certificates, name)) : undefined);
  return {
    url,
    local: false,
    options: {
      socketPath: undefined,
      host: parsed.hostname,
      port: Number(parsed.port || (tls ? 2376 : 2375)),
      protocol: tls ? 'https' : 'http',
      ca: pem('ca.pem'),
      cert: pem('cert.pem'),
      key: pem('key.pem'),
    },
  };
}
