import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterSummary, EngineStatus, MetricSeries, ParamsOf } from '@shared/bridge/contract';
import { decisionsPath } from '@shared/scheduling';
import { kinds } from './api';
import { loadSchema } from './api/schema';
import { descriptionsIn } from './api/schema/openapi';
import {
  createApiServer,
  createDebugPages,
  createNodeConnections,
  createRbac,
  createServiceAccountTokens,
  ensureDefaultRoles,
  listenHttps,
  loadOrCreatePki,
  loadOrCreateTokenKey,
  openAuditLog,
  subjectFault,
  writeKubeconfig,
} from './apiserver';
import { createClient } from './client/client';
import { createInProcessTransport } from './client/in-process';
import { createInformerFactory } from './client/informer';
import type { KubeTransport } from './client/transport';
import { systemClock, type Clock } from './clock';
import { createControllers } from './controllers';
import { loadOrCreateIdentity, writeIdentity, type ClusterIdentity } from './identity';
import type { Logger } from './log';
import {
  createMetrics,
  createMonitoring,
  gauge,
  one,
  openHistoryFile,
  queueFamilies,
  schedulerFamilies,
  storeFamilies,
} from './metrics';
import { createNodes, type Nodes } from './nodes';
import type { HostAddress } from './proxy';
import type { ReachMode } from './proxy/reach';
import { createScheduler, defaultSettings, type Placing } from './scheduler';
import { installShippedKinds } from './shipped-kinds';
import { loadOrCreateKey, openStore } from './store';
import { createTaskList, type TaskList } from './tasks';

export const kubernetesVersion = 'v1.36.0+gantry';

export interface ClusterOptions {
  dataDirectory: string;
  name: string;
  /** 0: any free one; undefined: the one used last, 6443 at first, another when it is taken. */
  apiPort?: number;
  kubeconfigFile: string;
  nodes: number;
  simulatedNodes: number;
  runtime: 'docker' | 'simulated' | 'auto';
  dockerHost?: string;
  /** A prebuilt image of the cluster's own pods (services, DNS); built on the engine when absent. */
  nodeImage?: string;
  /** Ports of this machine for Ingresses and Gateways; 0 is any free one, absent 80 and 443 first and others where those are taken. */
  ingressPorts?: { http?: number; https?: number };
  /** How pods are reached from this machine: over its routes, through the engine, or as is found out (`auto`, the default). */
  reach?: ReachMode;
  /** How often autoscalers look at their metrics, in ms; 15 s unless told. */
  autoscalerSyncMs?: number;
  /** How pods that ask for no other profile are placed: spread out (LeastAllocated, the default) or packed. */
  placing?: Placing;
  /** Where every request that comes over HTTPS is written down. */
  auditLog?: string;
  /** What the fields of the API mean, for `explain`; nothing is explained when there is no such file. */
  apiDescriptionsFile?: string;
  clock?: Clock;
  log: Logger;
}

/** A running cluster, as the app around it sees it. */
export interface Cluster {
  readonly id: 'gantry';
  readonly name: string;
  /** Straight into the API server, as cluster admin. */
  readonly transport: KubeTransport;
  readonly server: string;
  readonly kubeconfigFile: string;
  readonly version: string;
  simulated(): boolean;
  status(): { state: ClusterSummary['status']; message?: string };
  onStatus(listener: () => void): () => void;
  metricsSeries(target: ParamsOf<'metrics.series'>['target'], seconds: number): MetricSeries;
  readonly engine: {
    status(): EngineStatus;
    onStatus(listener: () => void): () => void;
    retry(): Promise<EngineStatus>;
    simulate(nodes: number): Promise<EngineStatus>;
  };
  readonly nodes: Pick<Nodes, 'add' | 'checkRemoval' | 'remove' | 'power'>;
  readonly tasks: TaskList;
  /** Stops serving; containers keep running. */
  stop(): Promise<void>;
}

const admin = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };
const masters = (name: string) => ({ name, groups: ['system:masters', 'system:authenticated'] });

/**
 * Starts a cluster on its data directory: store, API server, controllers,
 * scheduler and node agents. Resolves when the API answers; nodes come after.
 * @throws DirectoryLockedError when another process runs it
 */
export async function createCluster(options: ClusterOptions): Promise<Cluster> {
  const { dataDirectory, name, log, clock = systemClock } = options;
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const store = await openStore({
    directory: join(dataDirectory, 'store'),
    clock,
    log: log.child('store'),
    encryption: { key: await loadOrCreateKey(join(dataDirectory, 'encryption.key')) },
  });
  let identity = await loadOrCreateIdentity(dataDirectory, name);
  const remember = async (change: Partial<ClusterIdentity>): Promise<void> => {
    identity = { ...identity, ...change };
    await writeIdentity(dataDirectory, identity);
  };
  const pki = await loadOrCreatePki(join(dataDirectory, 'pki'), { clock });
  const connections = createNodeConnections();
  const metricsLog = log.child('metrics');
  const metrics = createMetrics({
    clock,
    log: metricsLog,
    history: await openHistoryFile(join(dataDirectory, 'usage-history.jsonl'), metricsLog),
  });
  const monitoring = createMonitoring(
    (node) => metrics.usage(node),
    undefined,
    (node) => nodes.volumeUsage(node),
  );
  const debugPages = createDebugPages();
  const rbac = createRbac(store);
  const key = await loadOrCreateTokenKey(join(dataDirectory, 'pki'));
  const tokens = createServiceAccountTokens({ store, key, clock });
  const server = createApiServer({
    store,
    kinds,
    schema: loadSchema(descriptionsIn(options.apiDescriptionsFile)),
    clock,
    log: log.child('apiserver'),
    nodes: connections,
    metrics,
    monitoring,
    debugPages,
    version: { gitVersion: kubernetesVersion },
    rbac,
    tokens,
    publishing: { clientCa: pki.caPem, frontProxy: () => pki.frontProxy() },
  });
  await ensureDefaultRoles(server);
  const audit = options.auditLog ? await openAuditLog(options.auditLog, { clock, log: log.child('audit') }) : undefined;
  const listener = await listenHttps({
    server,
    pki,
    port: options.apiPort ?? identity.apiPort ?? 6443,
    anyPort: options.apiPort === undefined,
    audit,
    log: log.child('https'),
  });
  if (listener.port !== identity.apiPort) await remember({ apiPort: listener.port });
  const url = `https://127.0.0.1:${listener.port}`;
  await writeKubeconfig(options.kubeconfigFile, { name, server: url, pki });

  const client = createClient(createInProcessTransport(server, masters('system:kube-controller-manager')));
  const informers = createInformerFactory({ client, clock, log });
  const tasks = createTaskList(clock);
  let tellEndpoint: ((endpoint: { ip: string; port: number }) => void) | undefined;
  /** Serves pods too: at the address where their network reaches this machine. @throws Error when it is none of it */
  const serveContainers = async ({ ip, forwarded, port: door }: HostAddress): Promise<void> => {
    const { serving } = await loadOrCreatePki(join(dataDirectory, 'pki'), { clock, hosts: [ip] });
    const port = forwarded ? (door ?? listener.port) : await listener.listenOn(ip, serving);
    log.info('pods reach the API', { ip, port });
    tellEndpoint?.({ ip, port });
  };
  const controllers = createControllers({
    client,
    informers,
    clock,
    log,
    options: {
      rootCA: pki.caPem,
      autoscalerSyncMs: options.autoscalerSyncMs,
      apiEndpoint: { ip: '127.0.0.1', port: listener.port },
      onApiEndpoint: (tell) => (tellEndpoint = tell),
      signCertificate: (request) =>
        pki.signRequest({ ...request, check: (subject) => subjectFault(request.signerName, subject) }),
      issueLegacyToken: (account, secret) => tokens.issueLegacy(account, secret),
    },
  });
  const scheduler = createScheduler({
    client: createClient(createInProcessTransport(server, masters('system:kube-scheduler'))),
    informers,
    clock,
    log: log.child('scheduler'),
    settings: defaultSettings(options.placing),
  });
  debugPages.register(decisionsPath, (query) =>
    scheduler.decisions(query.get('namespace') ?? undefined, query.get('pod') ?? undefined),
  );
  monitoring.add(() => storeFamilies(store, server.context.registry.all()));
  monitoring.add(() => queueFamilies(controllers));
  monitoring.add(() => schedulerFamilies(scheduler));
  monitoring.add(() => [
    gauge('kubernetes_build_info', 'The version of Kubernetes whose API is served.', [
      one(1, { git_version: kubernetesVersion }),
    ]),
  ]);
  const nodes = createNodes({
    clusterId: identity.id,
    clusterName: name,
    directory: dataDirectory,
    runtime: options.runtime,
    dockerHost: options.dockerHost,
    nodeImage: options.nodeImage,
    ingressPorts: options.ingressPorts,
    reach: options.reach,
    nodes: options.nodes,
    simulatedNodes: options.simulatedNodes,
    client: createClient(createInProcessTransport(server, masters('system:node'), 'kubelet')),
    informers,
    connections,
    engineUsed: identity.usedDocker,
    onHostAddress: serveContainers,
    apiPort: listener.port,
    onEngineUsed: async () => {
      if (!identity.usedDocker) await remember({ usedDocker: true });
    },
    metrics,
    tasks,
    clock,
    log,
  });
  controllers.start();
  scheduler.start();
  nodes.start();
  const shipped = installShippedKinds({ client, clock, log: log.child('kinds') });
  log.info('the API is ready', { server: url, cluster: identity.id });

  return {
    id: 'gantry',
    name,
    transport: createInProcessTransport(server, admin, 'gantry'),
    server: url,
    kubeconfigFile: options.kubeconfigFile,
    version: kubernetesVersion,
    simulated: () => nodes.simulated(),
    status: () => ({ state: 'ready' }),
    onStatus: (changed) => nodes.onEngineStatus(changed),
    metricsSeries: (target, seconds) => metrics.series(target, clock.now() - seconds * 1000),
    engine: {
      status: () => nodes.engineStatus(),
      onStatus: (changed) => nodes.onEngineStatus(changed),
      retry: () => nodes.retry(),
      simulate: (count) => nodes.simulate(count),
    },
    nodes,
    tasks,
    async stop() {
      shipped.stop();
      scheduler.stop();
      // Controllers wait for the answers of servers that may never give them.
      server.context.aggregation?.close();
      await controllers.stop();
      await nodes.stop();
      await metrics.stop();
      informers.stop();
      await listener.close();
      await audit?.close();
      server.close();
      rbac.close();
      await store.close();
    },
  };
}
