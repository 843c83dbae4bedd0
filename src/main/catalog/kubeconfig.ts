import { readFile } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import type { KubeTransport } from '../cluster/client/transport';
import { resolveCredentials } from './credentials';

/** A cluster of a kubeconfig; field names are the file's own, paths are absolute. */
export interface KubeconfigCluster {
  server?: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
  'proxy-url'?: string;
  [field: string]: unknown;
}

export interface KubeconfigExec {
  apiVersion?: string;
  command: string;
  args?: string[] | null;
  env?: { name: string; value: string }[] | null;
  installHint?: string;
  interactiveMode?: string;
  provideClusterInfo?: boolean;
}

export interface KubeconfigUser {
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  token?: string;
  tokenFile?: string;
  username?: string;
  password?: string;
  as?: string;
  'as-uid'?: string;
  'as-groups'?: string[];
  'as-user-extra'?: Record<string, string[]>;
  exec?: KubeconfigExec;
  'auth-provider'?: { name: string; config?: Record<string, string> };
  [field: string]: unknown;
}

export interface KubeconfigContext {
  cluster?: string;
  user?: string;
  namespace?: string;
  [field: string]: unknown;
}

/** A named entry and the file that defines it. */
export interface Entry<T> {
  name: string;
  value: T;
  file: string;
}

/** Several kubeconfig files merged by kubectl's rules: of equal names the first file wins. */
export interface Kubeconfig {
  clusters: Entry<KubeconfigCluster>[];
  users: Entry<KubeconfigUser>[];
  contexts: Entry<KubeconfigContext>[];
  currentContext: string;
  preferences: Record<string, unknown>;
  /** Files that could not be read or parsed; the others still count. A file that does not exist is no error. */
  errors: { file: string; message: string; missing?: boolean }[];
}

/**
 * The files kubectl would read: the explicit one, those of $KUBECONFIG, or ~/.kube/config.
 * @param home the user's home directory
 */
export function kubeconfigFiles(env: Record<string, string | undefined>, home: string, explicit?: string): string[] {
  if (explicit) return [explicit];
  if (env.KUBECONFIG) return [...new Set(env.KUBECONFIG.split(delimiter).filter((file) => file !== ''))];
  return [join(home, '.kube', 'config')];
}

const pathFields = {
  clusters: ['certificate-authority'],
  users: ['client-certificate', 'client-key', 'tokenFile'],
} as const;

function absolute<T extends Record<string, unknown>>(value: T, fields: readonly string[], file: string): T {
  const copy: Record<string, unknown> = { ...value };
  for (const field of fields) {
    const path = copy[field];
    if (typeof path === 'string' && path !== '' && !isAbsolute(path)) copy[field] = join(dirname(file), path);
  }
  const exec = copy.exec as KubeconfigExec | undefined;
  // A command with a slash is relative to the file; a bare word is looked up on the PATH.
  if (exec?.command?.includes('/') && !isAbsolute(exec.command)) {
    copy.exec = { ...exec, command: join(dirname(file), exec.command) };
  }
  return copy as T;
}

function entries<T>(section: unknown, field: string, file: string, fields: readonly string[]): Entry<T>[] {
  if (section === undefined || section === null) return [];
  if (!Array.isArray(section)) throw new Error(`${field}s must be a list`);
  return section
    .filter((item) => typeof item?.name === 'string')
    .map((item) => ({ name: item.name, value: absolute(item[field] ?? {}, fields, file) as T, file }));
}

/** Adds what a file defines and no earlier file did. */
function merge<T>(into: Entry<T>[], more: Entry<T>[]): void {
  for (const entry of more) if (!into.some((other) => other.name === entry.name)) into.push(entry);
}

/**
 * Reads and merges kubeconfig files. Never throws: what a file is at fault for is in `errors`.
 * @param read reads a text file (injected by tests)
 */
export async function loadKubeconfig(
  files: readonly string[],
  read: (file: string) => Promise<string> = (file) => readFile(file, 'utf8'),
): Promise<Kubeconfig> {
  const config: Kubeconfig = { clusters: [], users: [], contexts: [], currentContext: '', preferences: {}, errors: [] };
  for (const file of files) {
    try {
      const content = parse(await read(file), { logLevel: 'error' }) ?? {};
      if (typeof content !== 'object' || Array.isArray(content)) throw new Error('not a kubeconfig');
      merge(config.clusters, entries<KubeconfigCluster>(content.clusters, 'cluster', file, pathFields.clusters));
      merge(config.users, entries<KubeconfigUser>(content.users, 'user', file, pathFields.users));
      merge(config.contexts, entries<KubeconfigContext>(content.contexts, 'context', file, []));
      config.currentContext ||= typeof content['current-context'] === 'string' ? content['current-context'] : '';
      config.preferences = { ...content.preferences, ...config.preferences };
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      config.errors.push({ file, message: (error as Error).message, ...(missing ? { missing } : {}) });
    }
  }
  return config;
}

/** What a context stands for, with the pieces a caller replaced. */
export interface ResolvedContext {
  name: string;
  cluster: KubeconfigCluster;
  user: KubeconfigUser;
  userName: string;
  namespace?: string;
}

/** Replacements for parts of a context, as kubectl's flags give them. */
export interface ContextOverrides {
  /** Names of other entries. */
  cluster?: string;
  user?: string;
  /** Fields laid over the cluster and the user. */
  clusterFields?: KubeconfigCluster;
  userFields?: KubeconfigUser;
}

const find = <T>(list: Entry<T>[], name: string | undefined): T | undefined =>
  list.find((entry) => entry.name === name)?.value;

/**
 * Puts a context together from its cluster and user.
 * @param context a name; '' for the current context
 * @throws Error when a name has no entry or there is no server
 */
export function resolveContext(config: Kubeconfig, context: string, overrides: ContextOverrides = {}): ResolvedContext {
  const name = context || config.currentContext;
  const found = find(config.contexts, name);
  if (context && !found) throw new Error(`context was not found for specified context: ${context}`);
  const clusterName = overrides.cluster ?? found?.cluster;
  const userName = overrides.user ?? found?.user;
  if (overrides.cluster && !find(config.clusters, overrides.cluster)) {
    throw new Error(`cluster ${JSON.stringify(overrides.cluster)} does not exist`);
  }
  if (overrides.user && !find(config.users, overrides.user)) {
    throw new Error(`auth info ${JSON.stringify(overrides.user)} does not exist`);
  }
  const cluster = { ...find(config.clusters, clusterName), ...overrides.clusterFields };
  const user = { ...find(config.users, userName), ...overrides.userFields };
  // Trust comes from the flag or from the file, never from a mix of both.
  if (overrides.clusterFields?.['certificate-authority']) delete cluster['certificate-authority-data'];
  if (cluster['insecure-skip-tls-verify']) {
    delete cluster['certificate-authority'];
    delete cluster['certificate-authority-data'];
  }
  if (overrides.userFields?.['client-certificate']) delete user['client-certificate-data'];
  if (overrides.userFields?.['client-key']) delete user['client-key-data'];
  return { name, cluster, user, userName: userName ?? '', namespace: found?.namespace };
}

/**
 * A connection to the cluster a context names. Credentials (files, exec plugins, OIDC) are
 * resolved now and again when they run out.
 * @param context a context of the config by name ('' for the current one), or one already resolved
 * @throws Error when the context is incomplete or a credential cannot be had
 */
export async function transportForContext(
  config: Kubeconfig,
  context: string | ResolvedContext,
  env: Record<string, string | undefined> = process.env,
): Promise<KubeTransport> {
  const resolved = typeof context === 'string' ? resolveContext(config, context) : context;
  if (!resolved.cluster.server) throw new Error(`context ${JSON.stringify(resolved.name)} names no server`);
  const [{ createHttpsTransport }, credentials] = await Promise.all([
    import('../cluster/client/https'),
    resolveCredentials(resolved, env),
  ]);
  return createHttpsTransport({ server: resolved.cluster.server, ...credentials });
}
