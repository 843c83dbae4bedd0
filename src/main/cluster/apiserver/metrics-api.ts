import type { KubeObject, ObjectMeta } from '@shared/k8s';
import { notFound } from '../api/errors';
import { timestamp } from '../clock';
import { methodNotAllowed, noSuchResource, type ServerContext } from './context';
import type { UsageSample } from './node-connection';
import { selectionOf } from './selectors';
import type { Route } from './router';
import type { ApiRequest, ApiResponse } from './types';
import { encoded } from './watch';

export const metricsGroup = 'metrics.k8s.io';
const apiVersion = `${metricsGroup}/v1beta1`;

const quantities = { type: 'object', additionalProperties: { type: 'string' } };
const sampled = {
  timestamp: { type: 'string', format: 'date-time', description: 'When the sample was taken.' },
  window: { type: 'string', description: 'How long before it the sample began.' },
};

/** What the kinds of metrics.k8s.io are made of; no table knows them. */
export const nodeMetricsStructure = {
  type: 'object',
  required: ['timestamp', 'window', 'usage'],
  description: 'What a node uses.',
  properties: { ...sampled, usage: { ...quantities, description: 'Processor and memory.' } },
};

export const podMetricsStructure = {
  type: 'object',
  required: ['timestamp', 'window', 'containers'],
  description: 'What the containers of a pod use.',
  properties: {
    ...sampled,
    containers: {
      type: 'array',
      description: 'A sample of each container.',
      items: {
        type: 'object',
        required: ['name', 'usage'],
        properties: { name: { type: 'string' }, usage: { ...quantities, description: 'Processor and memory.' } },
      },
    },
  },
};

/** Serves metrics.k8s.io/v1beta1 from the samples; undefined for other groups. */
export function metricsResource(
  context: ServerContext,
  request: ApiRequest,
  route: Extract<Route, { type: 'resource' }>,
): ApiResponse | undefined {
  if (route.group !== metricsGroup) return undefined;
  const nodes = route.plural === 'nodes' && route.namespace === undefined;
  if (!context.metrics || route.version !== 'v1beta1' || (!nodes && route.plural !== 'pods') || route.subresource) {
    throw noSuchResource();
  }
  if (request.method !== 'GET') throw methodNotAllowed();
  const resource = context.registry.need('', 'v1', route.plural);
  const view = (object: KubeObject) => (nodes ? nodeMetrics(context, object) : podMetrics(context, object));
  if (route.name !== undefined) {
    const stored = context.store.get(resource.key(route.namespace, route.name));
    const value = stored && view(stored.value);
    if (!value) throw notFound({ group: metricsGroup, plural: route.plural }, route.name);
    return { status: 200, warnings: [], payload: { type: 'object', object: { value } } };
  }
  const { match } = selectionOf(resource.definition, request.query);
  const { items, revision } = context.store.list(resource.scope(route.namespace));
  const values = items.filter((item) => !match || match(item.value)).flatMap((item) => view(item.value) ?? []);
  return {
    status: 200,
    warnings: [],
    payload: {
      type: 'list',
      apiVersion,
      kind: nodes ? 'NodeMetricsList' : 'PodMetricsList',
      metadata: { resourceVersion: String(revision) },
      items: values.map(encoded),
    },
  };
}

function nodeMetrics(context: ServerContext, node: KubeObject): KubeObject | undefined {
  const sample = context.metrics!.node(node.metadata!.name!);
  return (
    sample && {
      kind: 'NodeMetrics',
      apiVersion,
      metadata: metadataOf(context, node),
      ...times(sample),
      usage: usage(sample),
    }
  );
}

function podMetrics(context: ServerContext, pod: KubeObject): KubeObject | undefined {
  const { namespace, name } = pod.metadata!;
  const samples = Object.entries(context.metrics!.pod(namespace!, name!) ?? {});
  if (samples.length === 0) return undefined;
  const oldest = samples.map(([, sample]) => sample).reduce((a, b) => (a.time <= b.time ? a : b));
  const containers = samples.map(([container, sample]) => ({ name: container, usage: usage(sample) }));
  return { kind: 'PodMetrics', apiVersion, metadata: metadataOf(context, pod), ...times(oldest), containers };
}

function metadataOf(context: ServerContext, object: KubeObject): ObjectMeta {
  const { name, namespace, labels } = object.metadata!;
  return { name, namespace, labels, creationTimestamp: timestamp(context.clock.now()) };
}

const times = (sample: UsageSample) => ({
  timestamp: timestamp(sample.time),
  window: `${(sample.windowMs / 1000).toFixed(3).replace(/\.?0+$/, '')}s`,
});

const usage = (sample: UsageSample) => ({
  cpu: `${Math.round(sample.cpuNanocores)}n`,
  memory: `${Math.round(sample.memoryBytes / 1024)}Ki`,
});
