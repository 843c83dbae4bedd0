/** A scheduler on a real API server in memory, for tests. */
import type { KubeObject, Pod } from '@shared/k8s';
import { decisionsPath } from '@shared/scheduling';
import { kinds } from '../../src/main/cluster/api';
import { loadSchema } from '../../src/main/cluster/api/schema';
import { createDebugPages } from '../../src/main/cluster/apiserver/debug-pages';
import { createNodeConnections } from '../../src/main/cluster/apiserver/nodes';
import { createApiServer } from '../../src/main/cluster/apiserver/server';
import { createClient } from '../../src/main/cluster/client/client';
import { createInProcessTransport } from '../../src/main/cluster/client/in-process';
import { createInformerFactory } from '../../src/main/cluster/client/informer';
import { resources } from '../../src/main/cluster/client/resources';
import type { KubeClient } from '../../src/main/cluster/client/types';
import { FakeClock } from '../../src/main/cluster/clock';
import { silentLogger as log } from '../../src/main/cluster/log';
import { openMemoryStore } from '../../src/main/cluster/store';
import { createScheduler, type SchedulerSettings } from '../../src/main/cluster/scheduler';

export interface BedOptions {
  /** What the scheduler's client does otherwise. */
  change?: (client: KubeClient) => Partial<KubeClient>;
  started?: boolean;
  settings?: SchedulerSettings;
}

export type SchedulerBed = Awaited<ReturnType<typeof schedulerBed>>;

export async function schedulerBed({ change = () => ({}), started = true, settings }: BedOptions = {}) {
  const clock = new FakeClock();
  const store = openMemoryStore({ clock });
  const debugPages = createDebugPages();
  const nodes = createNodeConnections();
  const server = createApiServer({ store, kinds, schema: loadSchema(), clock, log, nodes, debugPages });
  const api = createClient(createInProcessTransport(server));
  await api.create(resources.namespaces, { metadata: { name: 'default' } });
  const informers = createInformerFactory({ client: api, clock, log });
  const client = { ...api, ...change(api) };
  const scheduler = createScheduler({ client, informers, clock, log, random: () => 0, settings });
  debugPages.register(decisionsPath, (query) =>
    scheduler.decisions(query.get('namespace') ?? undefined, query.get('pod') ?? undefined),
  );
  const start = () => scheduler.start();
  if (started) start();
  const settle = async () => {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const node = async (name: string, cpu = '4', spec: object = {}, labels: Record<string, string> = {}) => {
    const status = { allocatable: { cpu, memory: '8Gi', pods: '110' }, capacity: { cpu, memory: '8Gi', pods: '110' } };
    const all = { 'kubernetes.io/hostname': name, ...labels };
    const created = await api.create(resources.nodes, { metadata: { name, labels: all }, spec });
    await api.updateStatus(resources.nodes, { ...created, status });
  };
  const pod = (name: string, cpu?: string, spec: object = {}, labels: Record<string, string> = {}) => {
    const requests = cpu ? { cpu } : {};
    const containers = [{ name: 'c', image: 'i', resources: { requests } }];
    const metadata = { name, namespace: 'default', labels };
    return api.create(resources.pods, { metadata, spec: { containers, ...spec } });
  };
  const get = (name: string): Promise<Pod> => api.get(resources.pods, 'default', name);
  const nodeOf = async (name: string) => (await get(name)).spec?.nodeName;
  const condition = async (name: string) =>
    (await get(name)).status?.conditions?.find(({ type }) => type === 'PodScheduled');
  const events = async () =>
    (await api.list(resources.events)).items.map(({ type, reason, message, count, source }: KubeObject) => ({
      type,
      reason,
      message,
      count,
      component: source.component,
    }));
  const advance = async (ms: number) => {
    await settle();
    await clock.advance(ms);
    await settle();
  };
  const stop = () => {
    scheduler.stop();
    informers.stop();
    server.close();
  };
  await settle();
  return { api, clock, scheduler, start, settle, advance, node, pod, get, nodeOf, condition, events, stop };
}
