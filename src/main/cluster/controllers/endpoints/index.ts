import { isDeepStrictEqual } from 'node:util';
import type { Node, Pod, Service } from '@shared/k8s';
import { matchesLabels } from '@shared/selectors';
import { isAlreadyExists, isNotFound } from '../../client/controller';
import { keyOf, resources, splitKey } from '../../client/resources';
import type { Informer } from '../../client/types';
import { WorkQueue } from '../../client/workqueue';
import { Expectations } from '../expectations';
import { recorderFor, type ControllerContext, type ControlLoop } from '../framework';
import { isNamespaceTerminating } from '../terminating';
import { endpointChanged, hasSelector, podEndpoint, sameLabels, type PodEndpoint } from './pods';
import { managedBy, planSlices } from './slices';
import { applySlices, followSlices, slicesOf } from './slice-writer';
import { createMirroringController } from './mirroring';
import { endpointsLabels, overCapacityAnnotation, subsetsOf } from './subsets';

const zoneLabel = 'topology.kubernetes.io/zone';
const labelIndex = 'label';
const lookAgainMs = 60_000;

interface Sources {
  services: Informer<Service>;
  pods: Informer<Pod>;
  nodes: Informer<Node>;
}

/** Endpoints objects and EndpointSlices of services with selectors, and the slices of Endpoints made by hand. */
export function createEndpointsControllers(context: ControllerContext): ControlLoop[] {
  const queues = { slices: new WorkQueue(context.clock), endpoints: new WorkQueue(context.clock) };
  const sources = watchSources(context, (service) => {
    queues.slices.add(keyOf(service));
    queues.endpoints.add(keyOf(service));
  });
  return [
    sliceLoop(context, queues.slices, sources),
    endpointsLoop(context, queues.endpoints, sources),
    createMirroringController(context),
  ];
}

/** The informers both controllers feed on, with `enqueue` called for each service a change concerns. */
function watchSources(context: ControllerContext, enqueue: (service: Service) => void): Sources {
  const { informers } = context;
  const services = informers.informer(resources.services);
  const pods = informers.informer(resources.pods);
  const nodes = informers.informer(resources.nodes);
  pods.addIndex(labelIndex, (pod) =>
    Object.entries(pod.metadata.labels ?? {}).map(([key, value]) => `${pod.metadata.namespace}/${key}=${value}`),
  );
  const selecting = (pod: Pod): Service[] =>
    services
      .list(pod.metadata.namespace)
      .filter((service) => hasSelector(service) && matchesLabels(service.spec!.selector, pod.metadata.labels));
  const onPod = (pod: Pod) => selecting(pod).forEach(enqueue);
  services.on({ add: enqueue, update: enqueue, delete: enqueue });
  pods.on({
    add: onPod,
    update(pod, old) {
      if (!endpointChanged(pod, old)) return;
      if (!sameLabels(pod.metadata.labels, old.metadata.labels)) onPod(old);
      onPod(pod);
    },
    delete: onPod,
  });
  return { services, pods, nodes };
}

/** The endpoints of a service, by pod name. */
function endpointsOf({ pods, nodes }: Sources, service: Service): PodEndpoint[] {
  const { namespace } = service.metadata;
  const selector = service.spec!.selector!;
  const candidates = Object.entries(selector)
    .map(([key, value]) => pods.byIndex(labelIndex, `${namespace}/${key}=${value}`))
    .reduce((fewest, next) => (next.length < fewest.length ? next : fewest));
  return candidates
    .filter((pod) => matchesLabels(selector, pod.metadata.labels))
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .flatMap((pod) => {
      const node = pod.spec?.nodeName ? nodes.get(undefined, pod.spec.nodeName) : undefined;
      return podEndpoint(service, pod, node?.metadata.labels?.[zoneLabel]) ?? [];
    });
}

function sliceLoop(context: ControllerContext, queue: WorkQueue, sources: Sources): ControlLoop {
  const { client, clock, informers } = context;
  const expectations = new Expectations(clock);
  const slices = informers.informer(resources.endpointSlices);
  const events = recorderFor(context, 'endpoint-slice-controller');
  followSlices({ slices, managedBy, expectations, enqueue: (key) => queue.add(key) });

  return {
    name: 'endpointslice',
    queue,
    workers: 5,
    reconciler: {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const service = sources.services.get(namespace, name);
        // Slices have generated names: until the cache shows what was created, a second one would not be refused.
        if (!expectations.satisfied(key)) return { requeueAfterMs: lookAgainMs };
        const existing = slicesOf(slices, managedBy, key);
        if (!service) {
          return applySlices(key, { create: [], update: [], remove: existing }, { client, expectations });
        }
        // Without a selector the endpoints are somebody else's to write.
        if (!hasSelector(service) || service.metadata.deletionTimestamp) return;
        const plan = planSlices(service, endpointsOf(sources, service), existing);
        try {
          await applySlices(key, plan, { client, expectations });
        } catch (error) {
          if (isNamespaceTerminating(error)) return;
          events.event(service, 'Warning', 'FailedToUpdateEndpointSlices', message(service, error, 'Endpoint Slices'));
          throw error;
        }
      },
    },
  };
}

function endpointsLoop(context: ControllerContext, queue: WorkQueue, sources: Sources): ControlLoop {
  const { client, informers } = context;
  const endpoints = informers.informer(resources.endpoints);
  const again = (object: { metadata: { namespace?: string; name: string } }) => {
    const service = sources.services.get(object.metadata.namespace, object.metadata.name);
    if (service && hasSelector(service)) queue.add(keyOf(service));
  };
  endpoints.on({ update: again, delete: again });
  const events = recorderFor(context, 'endpoint-controller');

  return {
    name: 'endpoints',
    queue,
    workers: 5,
    reconciler: {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const service = sources.services.get(namespace, name);
        const current = endpoints.get(namespace, name);
        if (!service) {
          if (!current) return;
          try {
            await client.delete(resources.endpoints, namespace, name, { preconditions: { uid: current.metadata.uid } });
          } catch (error) {
            if (!isNotFound(error)) throw error;
          }
          return;
        }
        if (!hasSelector(service) || service.metadata.deletionTimestamp) return;
        const { subsets, truncated } = subsetsOf(service, endpointsOf(sources, service));
        const labels = endpointsLabels(service);
        const annotations = { ...current?.metadata.annotations };
        if (truncated) annotations[overCapacityAnnotation] = 'truncated';
        else delete annotations[overCapacityAnnotation];
        if (
          current &&
          isDeepStrictEqual(current.subsets ?? [], subsets) &&
          sameLabels(current.metadata.labels, labels) &&
          sameLabels(current.metadata.annotations, annotations)
        ) {
          return;
        }
        try {
          if (current) {
            await client.update(resources.endpoints, {
              ...current,
              metadata: { ...current.metadata, labels, annotations },
              subsets,
            });
          } else
            await client.create(resources.endpoints, { metadata: { name, namespace, labels, annotations }, subsets });
        } catch (error) {
          // The cache is behind: the event of what exists brings us back.
          if (isNamespaceTerminating(error) || isAlreadyExists(error)) return;
          events.event(service, 'Warning', 'FailedToUpdateEndpoint', message(service, error, 'Endpoints'));
          throw error;
        }
      },
    },
  };
}

function message(service: Service, error: unknown, what: string): string {
  return `Error updating ${what} for Service ${keyOf(service)}: ${(error as Error).message}`;
}
