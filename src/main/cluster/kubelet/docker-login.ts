import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { authsIn } from './registry-auth';
import { dockerHub, parseImage } from './runtime/image-reference';
import type { RegistryAuth } from './runtime/types';

/** What `docker login` left on this host for an image; nothing is ever written. */
export interface DockerLogin {
  /** Credentials to try, and why others that are configured could not be had. */
  authsFor(image: string): Promise<{ auths: RegistryAuth[]; problem?: string }>;
}

export interface DockerLoginOptions {
  env: Record<string, string | undefined>;
  home: string;
  /** Asks a credential helper (`docker-credential-NAME get`) for a server. Rejects with what the helper says. */
  ask?(helper: string, server: string): Promise<string>;
  read?(path: string): Promise<string>;
}

const helperTimeoutMs = 10_000;
/** How the docker command names Docker Hub. */
const hubServer = 'https://index.docker.io/v1/';

interface DockerConfig {
  auths?: Record<string, object>;
  credHelpers?: Record<string, string>;
  credsStore?: string;
}

/** The user's own docker login, as the docker command would use it: helpers first, then what the file itself holds. */
export function createDockerLogin({
  env,
  home,
  ask = askHelper,
  read = (path) => readFile(path, 'utf8'),
}: DockerLoginOptions): DockerLogin {
  const file = join(env.DOCKER_CONFIG || join(home, '.docker'), 'config.json');

  const config = async (): Promise<DockerConfig> => {
    let text: string;
    try {
      text = await read(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw error;
    }
    return (JSON.parse(text) ?? {}) as DockerConfig;
  };

  return {
    async authsFor(image) {
      try {
        const { auths = {}, credHelpers = {}, credsStore } = await config();
        const { registry } = parseImage(image);
        const server = registry === dockerHub ? hubServer : registry;
        const helper = credHelpers[server] ?? credHelpers[registry] ?? credsStore;
        // A store keeps every login and the file only names the servers; asking about others may bother the user.
        const known =
          credHelpers[server] ?? credHelpers[registry] ?? Object.keys(auths).some((key) => isServer(key, registry));
        const stored = authsIn(image, auths).filter((auth) => auth.password || auth.identitytoken);
        if (!helper || !known) return { auths: stored };
        try {
          return { auths: [parseAnswer(await ask(helper, server), server), ...stored] };
        } catch (error) {
          return { auths: stored, problem: `docker-credential-${helper}: ${(error as Error).message}` };
        }
      } catch (error) {
        return { auths: [], problem: `${file}: ${(error as Error).message}` };
      }
    },
  };
}

const isServer = (key: string, registry: string): boolean => {
  const host = key.replace(/^https?:\/\//, '').split('/')[0]!;
  return host === registry || (registry === dockerHub && host === 'index.docker.io');
};

function parseAnswer(text: string, serveraddress: string): RegistryAuth {
  const { Username, Secret } = JSON.parse(text) as { Username?: string; Secret?: string };
  // The name that stands for a token instead of a password.
  if (Username === '<token>') return { username: '', password: '', identitytoken: Secret ?? '', serveraddress };
  return { username: Username ?? '', password: Secret ?? '', serveraddress };
}

/** The protocol of credential helpers: the server on stdin, JSON on stdout, what is wrong also on stdout. */
function askHelper(helper: string, server: string): Promise<string> {
  return new Promise((resolve, reject) => {
    if (!/^[\w.-]+$/.test(helper)) return reject(new Error('not the name of a credential helper'));
    const child = spawn(`docker-credential-${helper}`, ['get'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: helperTimeoutMs,
      windowsHide: true,
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stdin.on('error', () => {});
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new Error('executable file not found in $PATH') : error),
    );
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else
        reject(
          new Error(output.trim() || (code === null ? 'it did not answer in time' : `it ended with code ${code}`)),
        );
    });
    child.stdin.end(server);
  });
}
