import { watchFile, unwatchFile } from 'node:fs';
import { basename } from 'node:path';
import type { ClusterSummary } from '@shared/bridge/contract';
import { notFound } from '../cluster/api/errors';
import type { KubeTransport } from '../cluster/client/transport';
import type { Clock } from '../cluster/clock';
import type { Logger } from '../cluster/log';
import { type Health, HealthMonitor } from './health';
import {
  type Kubeconfig,
  loadKubeconfig,
  type ResolvedContext,
  resolveContext,
  transportForContext,
} from './kubeconfig';
import { lazyTransport } from './lazy';

/** What the catalogue shows of the cluster inside the app. */
export interface EmbeddedEntry {
  readonly id: 'gantry';
  readonly name: string;
  readonly transport: KubeTransport;
  readonly server: string;
  readonly kubeconfigFile: string;
  readonly version: string;
  simulated(): boolean;
  status(): { state: ClusterSummary['status']; message?: string };
  onStatus(listener: () => void): () => void;
}

/** The clusters the app knows: the embedded one and the contexts of the user's kubeconfig files. */
export interface Catalog {
  list(): ClusterSummary[];
  /** Called after each change of `list()`. Returns the removal. */
  onChange(listener: () => void): () => void;
  /** Connects with its first use. @throws ApiError NotFound for an id that is not listed or cannot be used */
  transport(id: string): KubeTransport;
  /** Called when a cluster's connection was replaced or removed, with its id. Returns the removal. */
  onReplaced(listener: (id: string) => void): () => void;
  /** The kubeconfig of the embedded cluster as a file, of another as text with its one context (holds secrets). */
  kubeconfigOf(id: string): { file: string } | { text: string };
  close(): void;
}

export interface CatalogOptions {
  embedded: EmbeddedEntry;
  /** Kubeconfig files, as `kubeconfigFiles()` finds them. They are read, never written. */
  files: string[];
  clock: Clock;
  log: Logger;
  /** A failure in the user's words. */
  explain: (error: unknown) => string;
  env?: NodeJS.ProcessEnv;
  /** Tells of changes of a file until the returned function is called. */
  watchFile?: (file: string, changed: () => void) => () => void;
  load?: (files: string[]) => Promise<Kubeconfig>;
  connect?: (config: Kubeconfig, context: ResolvedContext) => Promise<KubeTransport>;
}

/** By looking at the file every other second: it also works for files that do not exist yet or are replaced. */
function pollFile(file: string, changed: () => void): () => void {
  const listener = () => changed();
  watchFile(file, { interval: 2000, persistent: false }, listener);
  return () => unwatchFile(file, listener);
}

interface Entry {
  id: string;
  name: string;
  server: string;
  /** All that a connection depends on; a change of it means a new connection. */
  identity: string;
  context?: ResolvedContext;
  /** Why it cannot be used at all. */
  fault?: string;
  connection?: { transport: KubeTransport; health: HealthMonitor };
}

function entriesOf(config: Kubeconfig, embedded: EmbeddedEntry): Entry[] {
  const faults = config.errors
    .filter((error) => !error.missing)
    .map((error) => ({
      id: `${error.file}#`,
      name: basename(error.file),
      server: '',
      identity: '',
      fault: error.message,
    }));
  const contexts = config.contexts.map(({ name, file, value }): Entry => {
    const entry = { id: `${file}#${name}`, name, server: '', identity: '' };
    const has = (list: { name: string }[], wanted: string | undefined) => list.some((item) => item.name === wanted);
    if (!value.cluster) return { ...entry, fault: 'The context names no cluster.' };
    if (!has(config.clusters, value.cluster)) return { ...entry, fault: `There is no cluster "${value.cluster}".` };
    if (value.user && !has(config.users, value.user)) return { ...entry, fault: `There is no user "${value.user}".` };
    const context = resolveContext(config, name);
    if (!context.cluster.server) return { ...entry, fault: `The cluster "${value.cluster}" names no server.` };
    return { ...entry, server: context.cluster.server, identity: JSON.stringify(context), context };
  });
  return [...faults, ...contexts].filter((entry) => entry.server !== embedded.server || !entry.server);
}

/** Reads the kubeconfig files and follows their changes. */
export async function createCatalog(options: CatalogOptions): Promise<Catalog> {
  const { embedded, files, clock, log, explain, env = process.env } = options;
  const load = options.load ?? ((list) => loadKubeconfig(list));
  const connect = options.connect ?? ((config, context) => transportForContext(config, context, env));
  const watch = options.watchFile ?? pollFile;
  const listeners = new Set<() => void>();
  const replaced = new Set<(id: string) => void>();
  const changed = () => listeners.forEach((listener) => listener());
  let config: Kubeconfig;
  let entries = new Map<string, Entry>();

  const disconnect = (entry: Entry) => {
    if (!entry.connection) return;
    entry.connection.health.close();
    entry.connection.transport.close();
    for (const listener of replaced) listener(entry.id);
  };

  const read = async () => {
    config = await load(files);
    for (const error of config.errors) if (!error.missing) log.warn('a kubeconfig cannot be read', { ...error });
    const next = new Map(entriesOf(config, embedded).map((entry) => [entry.id, entry]));
    const before = entries;
    entries = next;
    for (const [id, old] of before) {
      const entry = next.get(id);
      if (entry && entry.identity === old.identity) entry.connection = old.connection;
      else disconnect(old);
    }
  };
  await read();

  let reading = Promise.resolve();
  const unwatch = files.map((file) =>
    watch(file, () => {
      reading = reading
        .then(read)
        .then(changed)
        .catch((error: unknown) => log.error('reading the kubeconfig failed', { error: error as Error }));
    }),
  );
  const unsubscribe = embedded.onStatus(changed);

  const connection = (entry: Entry): NonNullable<Entry['connection']> => {
    if (entry.connection) return entry.connection;
    const transport = lazyTransport(
      () => connect(config, entry.context!),
      (failure) => health.observe(failure),
    );
    const health = new HealthMonitor({ clock, transport: () => transport, explain, changed });
    return (entry.connection = { transport, health });
  };

  const usable = (id: string): Entry => {
    const entry = entries.get(id);
    if (!entry || entry.fault) throw notFound({ plural: 'clusters' }, entry?.name ?? id);
    return entry;
  };

  const summary = (entry: Entry): ClusterSummary => {
    const health: Health = entry.fault
      ? { status: 'unreachable', message: entry.fault }
      : (entry.connection?.health.current ?? { status: 'unknown' });
    const namespace = entry.context?.namespace;
    return {
      id: entry.id,
      name: entry.name,
      kind: 'kubeconfig',
      server: entry.server,
      ...health,
      ...(namespace ? { defaultNamespace: namespace } : {}),
    };
  };

  return {
    list() {
      const { state, message } = embedded.status();
      const own: ClusterSummary = {
        id: embedded.id,
        name: embedded.name,
        kind: 'embedded',
        server: embedded.server,
        status: state,
        ...(message ? { message } : {}),
        version: embedded.version,
        simulated: embedded.simulated(),
      };
      return [own, ...[...entries.values()].map(summary)];
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    transport(id) {
      if (id === embedded.id) return embedded.transport;
      const { transport, health } = connection(usable(id));
      health.used();
      return transport;
    },
    onReplaced(listener) {
      replaced.add(listener);
      return () => void replaced.delete(listener);
    },
    kubeconfigOf(id) {
      if (id === embedded.id) return { file: embedded.kubeconfigFile };
      const { name, cluster, user, namespace } = usable(id).context!;
      return {
        text: JSON.stringify({
          apiVersion: 'v1',
          kind: 'Config',
          clusters: [{ name, cluster }],
          users: [{ name, user }],
          contexts: [{ name, context: { cluster: name, user: name, ...(namespace ? { namespace } : {}) } }],
          'current-context': name,
        }),
      };
    },
    close() {
      for (const stop of unwatch) stop();
      unsubscribe();
      replaced.clear();
      for (const entry of entries.values()) disconnect(entry);
    },
  };
}
