import type { MetricSpec, MetricStatus, Pod } from '@shared/k8s';
import { formatCpuMillis, parseCpuMillis } from '@shared/quantity';
import { formatSelector } from '@shared/selectors';
import type { MetricsReader } from './metrics-reader';
import {
  averageOf,
  groupPods,
  perPodReplicas,
  requestsOf,
  sharedReplicas,
  utilizationOf,
  wholeReplicas,
  type Tolerances,
} from './replica-count';

/** What metrics are read and weighed against. */
export interface Situation {
  namespace: string;
  /** Of the target's pods, in the string form of the API. */
  selector: string;
  pods: readonly Pod[];
  /** Pods that are wanted now, and that there are. */
  specReplicas: number;
  statusReplicas: number;
  tolerances: Tolerances;
  /** ms */
  now: number;
}

/** The replicas one metric asks for, and what it showed. */
export interface Proposal {
  replicas: number;
  /** What it is called in events. */
  name: string;
  status: MetricStatus;
}

/** A metric that could not be had. */
export class MetricError extends Error {
  /**
   * @param reason of the condition and the event
   * @param said what these say
   * @param message what the autoscaler as a whole says
   */
  constructor(
    readonly reason: string,
    readonly said: string,
    message: string,
  ) {
    super(message);
  }
}

/** Where the plural of a kind is known: the custom metrics API names objects by it. */
export type ResourceOf = (apiVersion: string, kind: string) => Promise<string>;

/** Reads one metric and says how many replicas it asks for. @throws MetricError */
export async function propose(
  reader: MetricsReader,
  resourceOf: ResourceOf,
  spec: MetricSpec,
  at: Situation,
): Promise<Proposal> {
  const attempt = async (reason: string, message: string, work: () => Promise<Proposal>) => {
    try {
      return await work();
    } catch (error) {
      const said = (error as Error).message;
      throw new MetricError(reason, said, `${message}: ${said}`);
    }
  };
  switch (spec.type) {
    case 'Resource':
      return attempt('FailedGetResourceMetric', `failed to get ${spec.resource!.name} resource metric value`, () =>
        resourceProposal(reader, spec, at),
      );
    case 'ContainerResource':
      return attempt(
        'FailedGetContainerResourceMetric',
        `failed to get ${spec.containerResource!.name} container metric value`,
        () => resourceProposal(reader, spec, at),
      );
    case 'Pods':
      return attempt('FailedGetPodsMetric', 'failed to get pods metric value', () => podsProposal(reader, spec, at));
    case 'Object':
      return attempt('FailedGetObjectMetric', 'failed to get object metric value', () =>
        objectProposal(reader, resourceOf, spec, at),
      );
    case 'External':
      return attempt(
        'FailedGetExternalMetric',
        `failed to get ${spec.external!.metric.name} external metric value`,
        () => externalProposal(reader, spec, at),
      );
    default: {
      const message = `unknown metric source type "${spec.type}"`;
      throw new MetricError('InvalidMetricSourceType', message, message);
    }
  }
}

const noPods = 'no pods returned by selector while calculating replica count';
const amount = (millis: number): string => formatCpuMillis(millis);

async function resourceProposal(reader: MetricsReader, spec: MetricSpec, at: Situation): Promise<Proposal> {
  const source = spec.containerResource ?? spec.resource!;
  const container = spec.containerResource?.container;
  const { name: resource, target } = source;
  const { pods, specReplicas: current, tolerances, now } = at;
  const share = target.averageValue === undefined ? target.averageUtilization : undefined;
  const what = share === undefined ? 'usage' : 'utilization';
  try {
    if (share === undefined && target.averageValue === undefined) {
      throw new Error('neither an average utilization target nor an average value (usage) target was set');
    }
    const metrics = await reader.resource(resource, at.namespace, at.selector, container).catch((error: Error) => {
      throw new Error(`unable to get metrics for resource ${resource}: ${error.message}`, { cause: error });
    });
    if (pods.length === 0) throw new Error(noPods);
    const groups = groupPods(pods, metrics, resource, now);
    const goal = parseCpuMillis(target.averageValue);
    const asked = share === undefined ? undefined : requestsOf(pods, resource, container);
    const { replicas, usage } = perPodReplicas({
      current,
      metrics,
      groups,
      tolerances,
      measure: (values) => (asked ? utilizationOf(values, asked, share!) : averageOf(values, goal)),
      // All of its request, or more where more is meant to be used.
      assumed: (pod) => (asked ? Math.trunc(((asked.get(pod) ?? 0) * Math.max(100, share!)) / 100) : goal),
    });
    const averageUtilization = usage.utilization === undefined ? {} : { averageUtilization: usage.utilization };
    const value = { name: resource, current: { ...averageUtilization, averageValue: amount(usage.average) } };
    const kind = container === undefined ? 'resource' : 'container resource';
    return {
      replicas,
      name: share === undefined ? `${resource} ${kind}` : `${resource} ${kind} utilization (percentage of request)`,
      status:
        container === undefined
          ? { type: 'Resource', resource: value }
          : { type: 'ContainerResource', containerResource: { ...value, container } },
    };
  } catch (error) {
    throw new Error(`failed to get ${resource} ${what}: ${(error as Error).message}`, { cause: error });
  }
}

async function podsProposal(reader: MetricsReader, spec: MetricSpec, at: Situation): Promise<Proposal> {
  const { metric, target } = spec.pods!;
  const { namespace, selector, pods, specReplicas: current, tolerances, now } = at;
  const metrics = await reader.pods(metric.name, namespace, selector, metric.selector).catch((error: Error) => {
    throw new Error(`unable to get metric ${metric.name}: ${error.message}`, { cause: error });
  });
  if (pods.length === 0) throw new Error(noPods);
  const goal = parseCpuMillis(target.averageValue);
  const { replicas, usage } = perPodReplicas({
    current,
    metrics,
    groups: groupPods(pods, metrics, '', now),
    tolerances,
    measure: (values) => averageOf(values, goal),
    assumed: () => goal,
  });
  return {
    replicas,
    name: `pods metric ${metric.name}`,
    status: { type: 'Pods', pods: { metric, current: { averageValue: amount(usage.average) } } },
  };
}

async function objectProposal(
  reader: MetricsReader,
  resourceOf: ResourceOf,
  spec: MetricSpec,
  at: Situation,
): Promise<Proposal> {
  const { metric, target, describedObject } = spec.object!;
  const { kind, name } = describedObject;
  let usage: number;
  try {
    const resource = await resourceOf(describedObject.apiVersion ?? '', kind);
    usage = await reader.object(metric.name, { namespace: at.namespace, kind, name, resource }, metric.selector);
  } catch (error) {
    const where = `${kind} on ${at.namespace} ${name}`;
    throw new Error(`unable to get metric ${metric.name}: ${where}/${(error as Error).message}`, { cause: error });
  }
  const { replicas, current } = ofTheWhole(target, usage, at);
  return {
    replicas,
    name: `${kind} metric ${metric.name}`,
    status: { type: 'Object', object: { metric, describedObject, current } },
  };
}

async function externalProposal(reader: MetricsReader, spec: MetricSpec, at: Situation): Promise<Proposal> {
  const { metric, target } = spec.external!;
  const selector = metric.selector ? `{${formatSelector(metric.selector)}}` : 'nil';
  const values = await reader.external(metric.name, at.namespace, metric.selector).catch((error: Error) => {
    const which = `${at.namespace}/${metric.name}/${selector}`;
    throw new Error(`unable to get external metric ${which}: ${error.message}`, { cause: error });
  });
  const { replicas, current } = ofTheWhole(
    target,
    values.reduce((sum, value) => sum + value, 0),
    at,
  );
  return {
    replicas,
    name: `external metric ${metric.name}(${selector})`,
    status: { type: 'External', external: { metric, current } },
  };
}

/** A metric of the whole, with a goal for the whole or for each pod's part of it. */
function ofTheWhole(target: { value?: string; averageValue?: string }, usage: number, at: Situation) {
  const { specReplicas, statusReplicas, tolerances, pods } = at;
  if (target.averageValue !== undefined) {
    const replicas = sharedReplicas(statusReplicas, usage, parseCpuMillis(target.averageValue), tolerances);
    const average = statusReplicas === 0 ? usage : Math.ceil(usage / statusReplicas);
    return { replicas, current: { averageValue: amount(average) } };
  }
  const replicas = wholeReplicas(specReplicas, usage / parseCpuMillis(target.value), tolerances, pods);
  return { replicas, current: { value: amount(usage) } };
}
