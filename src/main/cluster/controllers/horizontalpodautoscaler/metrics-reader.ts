import type { KubeList, KubeObject, LabelSelector } from '@shared/k8s';
import { parseCpuMillis } from '@shared/quantity';
import { formatSelector } from '@shared/selectors';
import { isNotFound } from '../../client/controller';
import type { KubeClient } from '../../client/types';

/** One pod's value of a metric, in thousandths of its unit. */
export interface PodMetric {
  value: number;
  /** When it was measured, in ms. */
  time: number;
  /** Over how long, in ms. */
  windowMs: number;
}

export type PodMetrics = Map<string, PodMetric>;

/** The object a metric describes, as a path of the custom metrics API. */
export interface DescribedObject {
  namespace: string;
  kind: string;
  name: string;
  /** `ingresses.networking.k8s.io`. */
  resource: string;
}

interface MetricValue {
  describedObject: { name: string };
  timestamp: string;
  windowSeconds?: number;
  value: string;
}

interface CustomGroup {
  preferredVersion: { version: string };
  versions: { version: string }[];
}

const resourceApi = '/apis/metrics.k8s.io/v1beta1';
const customApi = 'custom.metrics.k8s.io';
/** What the values of both are read from is the same. */
const customVersions = ['v1beta2', 'v1beta1'];
const externalApi = 'external.metrics.k8s.io';
/** What the API says that tells nothing of what was asked for. */
const generic = [
  'the server could not find the requested resource',
  'the server is currently unable to handle the request',
];
/** What is assumed of metrics that do not say over how long they were measured (as in Kubernetes). */
const defaultWindowMs = 60_000;

/** Reads the three metrics APIs. Values are in thousandths; errors have Kubernetes' words. */
export class MetricsReader {
  constructor(private readonly client: KubeClient) {}

  /** Usage per pod from metrics.k8s.io; of one container when it is named. Pods without the resource are left out. */
  async resource(resource: string, namespace: string, selector: string, container?: string): Promise<PodMetrics> {
    const path = `${resourceApi}/namespaces/${namespace}/pods`;
    const { items } = await this.get<KubeList>(
      path,
      { labelSelector: selector },
      'resource metrics',
      'pods.metrics.k8s.io',
    );
    if (items.length === 0) throw new Error('no metrics returned from resource metrics API');
    const metrics: PodMetrics = new Map();
    for (const item of items) {
      const value = usageOf(item, resource, container);
      if (value === undefined) continue;
      const windowMs = /^[\d.]+s$/.test(item.window) ? parseFloat(item.window) * 1000 : defaultWindowMs;
      metrics.set(item.metadata!.name!, { value, time: Date.parse(item.timestamp), windowMs });
    }
    return metrics;
  }

  /** A metric of each pod from custom.metrics.k8s.io. */
  async pods(metric: string, namespace: string, selector: string, metricSelector?: LabelSelector): Promise<PodMetrics> {
    const values = await this.custom(`namespaces/${namespace}/pods/*/${metric}`, selector, metricSelector);
    return new Map(
      values.map((one) => [
        one.describedObject.name,
        {
          value: parseCpuMillis(one.value),
          time: Date.parse(one.timestamp),
          windowMs: one.windowSeconds === undefined ? defaultWindowMs : one.windowSeconds * 1000,
        },
      ]),
    );
  }

  /** A metric of one object from custom.metrics.k8s.io. */
  async object(metric: string, object: DescribedObject, metricSelector?: LabelSelector): Promise<number> {
    const { namespace, kind, name, resource } = object;
    const path =
      kind === 'Namespace'
        ? `namespaces/${name}/metrics/${metric}`
        : `namespaces/${namespace}/${resource}/${name}/${metric}`;
    const [value] = await this.custom(path, undefined, metricSelector);
    return parseCpuMillis(value!.value);
  }

  /** The values of all series of a metric from external.metrics.k8s.io. */
  async external(metric: string, namespace: string, metricSelector?: LabelSelector): Promise<number[]> {
    const path = `/apis/${externalApi}/v1beta1/namespaces/${namespace}/${metric}`;
    const query = metricSelector ? { labelSelector: formatSelector(metricSelector) } : {};
    const { items } = await this.get<{ items: MetricValue[] }>(
      path,
      query,
      'external metrics',
      `${metric}.${externalApi}`,
    );
    if (items.length === 0) throw new Error('no metrics returned from external metrics API');
    return items.map((item) => parseCpuMillis(item.value));
  }

  private async custom(path: string, labelSelector?: string, metricSelector?: LabelSelector): Promise<MetricValue[]> {
    const query = {
      labelSelector,
      ...(metricSelector ? { metricLabelSelector: formatSelector(metricSelector) } : {}),
    };
    const version = await this.customVersion();
    const { items } = await this.get<{ items: MetricValue[] }>(
      `/apis/${customApi}/${version}/${path}`,
      query,
      'custom metrics',
      calledUpon(path),
    );
    if (items.length === 0) throw new Error('no metrics returned from custom metrics API');
    return items;
  }

  /** The preferred version of those that are known here, the newest of them otherwise. */
  private async customVersion(): Promise<string> {
    try {
      const path = `/apis/${customApi}`;
      const { body } = await this.client.transport.request<CustomGroup>({ method: 'GET', path });
      const { preferredVersion, versions } = body;
      const served = [preferredVersion, ...versions].map(({ version }) => version);
      const [preferred = ''] = served;
      const version = customVersions.includes(preferred)
        ? preferred
        : customVersions.find((one) => served.includes(one));
      if (version) return version;
      throw new Error('unable to fetch metrics from custom metrics API: no known available metric versions found');
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new Error(
        `unable to fetch metrics from custom metrics API: no custom metrics API (${customApi}) registered`,
        { cause: error },
      );
    }
  }

  private async get<T extends { items: unknown[] }>(
    path: string,
    query: Record<string, string | undefined>,
    api: string,
    resource: string,
  ): Promise<T> {
    try {
      const { body } = await this.client.transport.request<T>({ method: 'GET', path, query });
      // Whoever serves metrics may answer with anything.
      if (!Array.isArray(body?.items)) throw new Error('the server answered with no list of metrics');
      return body;
    } catch (error) {
      const { message } = error as Error;
      const where = generic.includes(message) ? ` (get ${resource})` : '';
      throw new Error(`unable to fetch metrics from ${api} API: ${message}${where}`, { cause: error });
    }
  }
}

/** @throws Error when the pod has no container of the name */
function usageOf(pod: KubeObject, resource: string, container?: string): number | undefined {
  const containers = pod.containers as { name: string; usage: Record<string, string> }[];
  if (container !== undefined) {
    const one = containers.find(({ name }) => name === container);
    const { namespace, name } = pod.metadata!;
    if (!one) throw new Error(`container ${container} not present in metrics for pod ${namespace}/${name}`);
    const used = one.usage[resource];
    return used === undefined ? undefined : parseCpuMillis(used);
  }
  if (containers.length === 0 || containers.some(({ usage }) => usage[resource] === undefined)) return undefined;
  return containers.reduce((sum, { usage }) => sum + parseCpuMillis(usage[resource]), 0);
}

/** How clients of Kubernetes name what they asked for by a path: `pods.custom.metrics.k8s.io *`. */
function calledUpon(path: string): string {
  const [, , resource, name] = path.split('/');
  return `${resource}.${customApi} ${name}`;
}
