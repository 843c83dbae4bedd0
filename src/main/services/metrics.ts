import type { MetricSeries, ParamsOf } from '@shared/bridge/contract';
import type { KubeList, Node, Pod } from '@shared/k8s';
import { parseQuantity } from '@shared/quantity';
import type { KubeTransport } from '../cluster/client/transport';
import type { Clock } from '../cluster/clock';
import type { UsageSource } from '../informers/usage';
import type { EmbeddedCluster } from './embedded';
import type { Methods } from './types';

type Bounds = Pick<MetricSeries, 'cpuLimit' | 'memoryLimit' | 'cpuRequest' | 'memoryRequest'>;
type Target = ParamsOf<'metrics.series'>['target'];

/** How long capacity and limits of a chart are believed, in ms. */
const BOUNDS_TTL = 30_000;

function nodeBounds(nodes: Node[]): Bounds {
  const sum = (resource: string) =>
    nodes.reduce((total, node) => total + parseQuantity(node.status?.allocatable?.[resource] ?? 0), 0);
  return { cpuLimit: sum('cpu'), memoryLimit: sum('memory') };
}

/** A sum is shown only where every container declares it. */
function podBounds(pod: Pod, container?: string): Bounds {
  const containers = (pod.spec?.containers ?? []).filter((one) => !container || one.name === container);
  const sum = (what: 'limits' | 'requests', resource: string): number | undefined => {
    const values = containers.map((one) => one.resources?.[what]?.[resource]);
    if (values.length === 0 || values.includes(undefined)) return undefined;
    return values.reduce((total: number, value) => total + parseQuantity(value!), 0);
  };
  const bounds: Bounds = {
    cpuLimit: sum('limits', 'cpu'),
    memoryLimit: sum('limits', 'memory'),
    cpuRequest: sum('requests', 'cpu'),
    memoryRequest: sum('requests', 'memory'),
  };
  return Object.fromEntries(Object.entries(bounds).filter(([, value]) => value !== undefined));
}

/** Charts: the embedded cluster's own samples; elsewhere what the metrics API said while someone looked. */
export function metricsMethods(options: {
  embedded: EmbeddedCluster;
  usage: UsageSource;
  transportFor: (cluster: string) => KubeTransport;
  clock: Clock;
}) {
  const { embedded, usage, transportFor, clock } = options;
  const known = new Map<string, { at: number; bounds: Promise<Bounds> }>();

  const fetchBounds = async (cluster: string, target: Target): Promise<Bounds> => {
    const get = async <T>(path: string) => (await transportFor(cluster).request<T>({ method: 'GET', path })).body;
    if (target.kind === 'cluster') return nodeBounds((await get<KubeList<Node>>('/api/v1/nodes')).items);
    if (target.kind === 'node') return nodeBounds([await get<Node>(`/api/v1/nodes/${target.name}`)]);
    return podBounds(await get<Pod>(`/api/v1/namespaces/${target.namespace}/pods/${target.name}`), target.container);
  };
  const boundsOf = (cluster: string, target: Target): Promise<Bounds> => {
    const key = JSON.stringify([cluster, target]);
    const found = known.get(key);
    if (found && clock.now() - found.at < BOUNDS_TTL) return found.bounds;
    if (known.size > 1000) known.clear();
    // A chart without its limits is still a chart.
    const bounds = fetchBounds(cluster, target).catch(() => ({}));
    known.set(key, { at: clock.now(), bounds });
    return bounds;
  };
  const sampled = (cluster: string, target: Target, seconds: number): MetricSeries => {
    if (target.kind === 'cluster') return usage.total(cluster, seconds);
    if (target.kind === 'node') return usage.series(cluster, 'nodes', target.name, seconds);
    const key = `${target.namespace}/${target.name}${target.container ? `/${target.container}` : ''}`;
    return usage.series(cluster, 'pods', key, seconds);
  };

  return {
    async 'metrics.series'({ cluster, target, seconds }) {
      if (cluster === embedded.id) return embedded.metricsSeries(target, seconds);
      const bounds = await boundsOf(cluster, target);
      return { ...bounds, ...sampled(cluster, target, seconds) };
    },
  } satisfies Partial<Methods>;
}
