import type { Secret } from '@shared/k8s';
import { dockerHub, parseImage } from './runtime/image-reference';
import type { RegistryAuth } from './runtime/types';

/** Names under which credentials for Docker Hub are commonly stored. */
const hubNames = new Set([dockerHub, 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com']);

const hostAndPath = (key: string): { host: string; path: string } => {
  const plain = key.replace(/^https?:\/\//, '').replace(/\/+$/, '');
  const slash = plain.indexOf('/');
  const host = slash < 0 ? plain : plain.slice(0, slash);
  const path = slash < 0 ? '' : plain.slice(slash + 1);
  return { host, path: path === 'v1' || path === 'v2' ? '' : path };
};

function matches(host: string, registry: string): boolean {
  if (host === registry || (hubNames.has(host) && hubNames.has(registry))) return true;
  // `*.example.com` stands for one name per star.
  if (!host.includes('*')) return false;
  const [pattern, name] = [host.split('.'), registry.split('.')];
  const part = (text: string): RegExp =>
    new RegExp(
      `^${text
        .split('*')
        .map((piece) => piece.replace(/[^\w-]/g, '\\$&'))
        .join('[^.]*')}$`,
    );
  return pattern.length === name.length && pattern.every((piece, index) => part(piece).test(name[index]!));
}

/** The credentials of pull secrets that apply to an image, the most specific first. */
export const authsFor = (image: string, secrets: Secret[]): RegistryAuth[] => authsOf(image, secrets.map(entriesOf));

/** The same of the `auths` of a docker configuration. */
export const authsIn = (image: string, auths: Record<string, object>): RegistryAuth[] => authsOf(image, [auths]);

function authsOf(image: string, tables: Record<string, AuthEntry>[]): RegistryAuth[] {
  const { registry, name } = parseImage(image);
  const path = registry === dockerHub && !name.startsWith(`${dockerHub}/`) ? name : name.slice(registry.length + 1);
  const found: { auth: RegistryAuth; weight: number }[] = [];
  for (const table of tables) {
    for (const [key, entry] of Object.entries(table)) {
      const target = hostAndPath(key);
      const inPath = target.path === '' || path === target.path || path.startsWith(`${target.path}/`);
      if (matches(target.host, registry) && inPath) found.push({ auth: authOf(entry, key), weight: key.length });
    }
  }
  return found.sort((a, b) => b.weight - a.weight).map((one) => one.auth);
}

interface AuthEntry {
  username?: string;
  password?: string;
  auth?: string;
  identitytoken?: string;
}

/** The table of a .dockerconfigjson or legacy .dockercfg Secret; empty when it cannot be read. */
function entriesOf(secret: Secret): Record<string, AuthEntry> {
  const read = (key: string): any => {
    try {
      return JSON.parse(Buffer.from(secret.data?.[key] ?? '', 'base64').toString());
    } catch {
      return undefined;
    }
  };
  return read('.dockerconfigjson')?.auths ?? read('.dockercfg') ?? {};
}

function authOf(entry: AuthEntry, serveraddress: string): RegistryAuth {
  const [user, ...rest] = Buffer.from(entry.auth ?? '', 'base64')
    .toString()
    .split(':');
  return {
    username: entry.username || user || '',
    password: entry.password || rest.join(':'),
    ...(entry.identitytoken ? { identitytoken: entry.identitytoken } : {}),
    serveraddress,
  };
}
