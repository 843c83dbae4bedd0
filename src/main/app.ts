import { homedir, hostname } from 'node:os';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { AppInfo } from '@shared/bridge/contract';
import { createCluster, type Cluster } from './cluster';
import { systemClock } from './cluster/clock';
import type { Logger } from './cluster/log';
import type { AppOptions } from './options';
import { apiDescriptionsFile, appRoot, cliFile } from './paths';
import { errorText } from './services/errors';
import type { Services } from './services/types';

export interface App {
  cluster: Cluster;
  /** What the window can ask for; made at the first call, so that a headless cluster starts without it. */
  services(): Promise<Services>;
  /** Ends the app; workloads go on. */
  stop(): Promise<void>;
}

export interface StartOptions extends AppOptions {
  host: AppInfo['host'];
  log: Logger;
  /** Opens a page in the user's browser, where the host can. */
  openExternal?: (url: string) => Promise<void>;
}

/**
 * By how much the heap may outgrow what was alive at the last full collection. V8 by itself waits until it is several
 * times as large, and a cluster that rests after a rush never gets there: the garbage of the rush would stay for good.
 */
const heapGrowthPercent = 40;

/** Composes the cluster and what the window needs of it; the same for both hosts. */
export async function startApp(options: StartOptions): Promise<App> {
  const { log, dataDirectory } = options;
  setFlagsFromString(`--heap-growing-percent=${heapGrowthPercent}`);
  const cluster = await createCluster({
    dataDirectory,
    name: options.clusterName,
    apiPort: options.apiPort,
    kubeconfigFile: options.kubeconfigFile,
    nodes: options.nodes,
    simulatedNodes: options.simulatedNodes,
    runtime: options.runtime,
    dockerHost: options.dockerHost,
    placing: options.scheduling === 'pack' ? 'MostAllocated' : 'LeastAllocated',
    autoscalerSyncMs: options.autoscalerSyncMs,
    auditLog: options.auditLog,
    ingressPorts: { http: options.httpPort, https: options.httpsPort },
    apiDescriptionsFile,
    reach: options.reach,
    ...(process.env.GANTRY_NODE_IMAGE ? { nodeImage: process.env.GANTRY_NODE_IMAGE } : {}),
    clock: systemClock,
    log,
  });
  let services: Promise<{ services: Services; close(): Promise<void> }> | undefined;
  return {
    cluster,
    async services() {
      services ??= composeServices(options, cluster);
      return (await services).services;
    },
    async stop() {
      await (await services)?.close();
      await cluster.stop();
    },
  };
}

async function composeServices(options: StartOptions, cluster: Cluster) {
  const { log, dataDirectory } = options;
  const [{ createCatalog }, { kubeconfigFiles }, { createServices }, { openSettings }] = await Promise.all([
    import('./catalog'),
    import('./catalog/kubeconfig'),
    import('./services'),
    import('./services/settings'),
  ]);
  const manifest = createRequire(import.meta.url)(join(appRoot, 'package.json')) as { version: string };
  const appInfo: AppInfo = {
    name: 'Gantry',
    version: manifest.version,
    host: options.host,
    platform: process.platform,
    dataDirectory,
    kubeconfig: cluster.kubeconfigFile,
    kubernetesVersion: cluster.version,
    node: hostname(),
    ...(process.versions.electron ? { electron: process.versions.electron } : {}),
  };
  const settings = await openSettings({ directory: dataDirectory, clock: systemClock, log });
  const catalog = await createCatalog({
    embedded: cluster,
    files: kubeconfigFiles(process.env, homedir()),
    clock: systemClock,
    log: log.child('catalog'),
    explain: errorText,
  });
  const services = await createServices({
    catalog,
    embedded: cluster,
    settings,
    dataDirectory,
    appInfo,
    log: log.child('services'),
    clock: systemClock,
    openExternal: options.openExternal,
    kubectlCommand: [process.execPath, cliFile, 'kubectl'],
  });
  return {
    services,
    async close() {
      await services.close();
      catalog.close();
    },
  };
}
