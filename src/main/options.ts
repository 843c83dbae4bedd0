import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseGoDuration } from './kubectl/flags';

/** What a host of the app is started with; the flags of `gantry serve`. */
export interface AppOptions {
  dataDirectory: string;
  /** Port of the browser UI; 0: any free one; undefined: the one used last. */
  uiPort?: number;
  /** Port of the API; 0 is any free one, undefined the one used last (6443 at first, or another if it is taken). */
  apiPort?: number;
  /** Ports of Ingresses and Gateways on this machine; 0 is any free one, undefined 80 and 443 first. */
  httpPort?: number;
  httpsPort?: number;
  /** Where the admin kubeconfig is written. */
  kubeconfigFile: string;
  /** Node agents on the Docker engine. */
  nodes: number;
  simulatedNodes: number;
  runtime: 'docker' | 'simulated' | 'auto';
  /** `unix:///…`, `tcp://…`; undefined finds it as the docker command does. */
  dockerHost?: string;
  clusterName: string;
  /** Whether pods are spread over the nodes or packed onto few. */
  scheduling: 'spread' | 'pack';
  /** How pods are reached from this machine: over its routes, through the engine, or as is found out. */
  reach: 'auto' | 'direct' | 'tunnel';
  /** How often autoscalers look at their metrics, in ms; 15 s unless told. */
  autoscalerSyncMs?: number;
  /** Where every API request is written down; nowhere unless told. */
  auditLog?: string;
  ui: boolean;
  /** Open the UI in the user's browser once it is there. */
  open: boolean;
  verbose: boolean;
}

/** A mistake in the command line; its message is for the user. */
export class UsageError extends Error {}

/** Where Gantry keeps its data unless told otherwise, by the platform's custom. */
export function defaultDataDirectory(env: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  if (env.GANTRY_DATA_DIR) return env.GANTRY_DATA_DIR;
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Gantry');
  if (platform === 'win32') return join(env.APPDATA ?? join(homedir(), 'AppData', 'Roaming'), 'Gantry');
  return join(env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'gantry');
}

function wholeNumber(flag: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > most)
    throw new UsageError(`--${flag} takes a whole number from 0 to ${most}, not "${text}"`);
  return value;
}

/** A duration as Kubernetes' own flags take it: `15s`, `1m30s`, `500ms`. @returns ms */
function duration(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseGoDuration(text) ?? 0;
  if (ms < 100 || ms > 86_400_000) {
    throw new UsageError(`--${flag} takes a duration from 100ms to 24h like 15s or 1m30s, not "${text}"`);
  }
  return ms;
}

/**
 * Reads the flags that `gantry serve` and the desktop app share.
 * @throws UsageError for unknown flags and bad values
 */
export function parseAppOptions(argv: string[], env: NodeJS.ProcessEnv = process.env): AppOptions {
  let values;
  try {
    ({ values } = parseArgs({
      args: argv,
      options: {
        'data-dir': { type: 'string' },
        port: { type: 'string' },
        'api-port': { type: 'string' },
        'http-port': { type: 'string' },
        'https-port': { type: 'string' },
        kubeconfig: { type: 'string' },
        nodes: { type: 'string' },
        'simulated-nodes': { type: 'string' },
        runtime: { type: 'string' },
        'docker-host': { type: 'string' },
        'cluster-name': { type: 'string' },
        scheduling: { type: 'string' },
        reach: { type: 'string' },
        'hpa-sync-period': { type: 'string' },
        'audit-log': { type: 'string' },
        'no-ui': { type: 'boolean' },
        open: { type: 'boolean' },
        verbose: { type: 'boolean', short: 'v' },
      },
    }));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const runtime = values.runtime ?? 'auto';
  if (runtime !== 'docker' && runtime !== 'simulated' && runtime !== 'auto') {
    throw new UsageError(`--runtime is docker, simulated or auto, not "${runtime}"`);
  }
  const scheduling = values.scheduling ?? 'spread';
  if (scheduling !== 'spread' && scheduling !== 'pack') {
    throw new UsageError(`--scheduling is spread or pack, not "${scheduling}"`);
  }
  const reach = values.reach ?? 'auto';
  if (reach !== 'auto' && reach !== 'direct' && reach !== 'tunnel') {
    throw new UsageError(`--reach is auto, direct or tunnel, not "${reach}"`);
  }
  const clusterName = values['cluster-name'] ?? 'gantry';
  if (!/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/.test(clusterName)) {
    throw new UsageError(
      '--cluster-name takes lower-case letters, digits and "-", 40 characters at most, starting and ending with a letter or digit',
    );
  }
  // Docker mounts absolute paths only.
  const dataDirectory = resolve(values['data-dir'] ?? defaultDataDirectory(env));
  const simulatedNodes = wholeNumber('simulated-nodes', values['simulated-nodes'], 5000) ?? 0;
  return {
    dataDirectory,
    uiPort: wholeNumber('port', values.port, 65_535),
    apiPort: wholeNumber('api-port', values['api-port'], 65_535),
    httpPort: wholeNumber('http-port', values['http-port'], 65_535),
    httpsPort: wholeNumber('https-port', values['https-port'], 65_535),
    kubeconfigFile: values.kubeconfig ?? join(dataDirectory, 'kubeconfig'),
    nodes: wholeNumber('nodes', values.nodes, 50) ?? 1,
    simulatedNodes,
    runtime,
    dockerHost: values['docker-host'],
    clusterName,
    scheduling,
    reach,
    autoscalerSyncMs: duration('hpa-sync-period', values['hpa-sync-period']),
    auditLog: values['audit-log'],
    ui: !values['no-ui'],
    open: values.open ?? false,
    verbose: values.verbose ?? false,
  };
}
