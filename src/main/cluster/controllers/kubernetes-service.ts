import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '@shared/k8s';
import { isAlreadyExists } from '../client/controller';
import { resources } from '../client/resources';
import type { Informer, ResourceRef } from '../client/types';
import { WorkQueue } from '../client/workqueue';
import { serviceNameLabel } from './endpoints/slices';
import type { ControllerContext, ControlLoop } from './framework';

const namespace = 'default';
const name = 'kubernetes';

/** Keeps the `kubernetes` Service in `default` and its endpoints: the API as pods reach it. */
export function createKubernetesServiceController(context: ControllerContext): ControlLoop {
  const { client, clock, informers, options } = context;
  const queue = new WorkQueue(clock);
  let endpoint = options.apiEndpoint;
  options.onApiEndpoint?.((found) => {
    endpoint = { ...endpoint, ...found };
    queue.add(name);
  });
  const again = ({ metadata }: KubeObject) => {
    if (endpoint && metadata?.namespace === namespace && metadata.name === name) queue.add(name);
  };
  const watched = <T extends KubeObject>(ref: ResourceRef<T>): Informer<T> => {
    const informer = informers.informer(ref);
    informer.on({ add: again, update: again, delete: again });
    return informer;
  };
  const services = watched(resources.services);
  const endpoints = watched(resources.endpoints);
  const slices = watched(resources.endpointSlices);
  const namespaces = informers.informer(resources.namespaces);
  if (endpoint) namespaces.on({ add: (object) => object.metadata.name === namespace && queue.add(name) });

  /** Creates the object, or puts the wanted fields where others are. */
  const ensure = async (
    ref: ResourceRef,
    current: KubeObject | undefined,
    wanted: KubeObject,
    fields: string[] = [],
  ) => {
    if (!current) {
      try {
        await client.create(ref, wanted);
      } catch (error) {
        // The cache is behind; its event brings us back.
        if (!isAlreadyExists(error)) throw error;
      }
    } else if (fields.some((field) => !isDeepStrictEqual(current[field], wanted[field]))) {
      await client.update(ref, { ...current, ...Object.fromEntries(fields.map((field) => [field, wanted[field]])) });
    }
  };

  return {
    name: 'kubernetes-service',
    queue,
    reconciler: {
      async reconcile() {
        if (!endpoint || !namespaces.get(undefined, namespace)) return;
        const { ip, port, clusterIP } = endpoint;
        // The Service is only created: its ports and address are the user's (and the API server's) to keep.
        if (!services.get(namespace, name)) {
          const labels = { component: 'apiserver', provider: 'kubernetes' };
          const ports = [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }];
          const spec = { type: 'ClusterIP', ...(clusterIP ? { clusterIP } : {}), sessionAffinity: 'None', ports };
          await ensure(resources.services, undefined, { metadata: { name, namespace, labels }, spec });
        }
        const ports = [{ name: 'https', port, protocol: 'TCP' }];
        const skipMirror = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
        const subsets = [{ addresses: [{ ip }], ports }];
        const legacy = { metadata: { name, namespace, labels: skipMirror }, subsets };
        await ensure(resources.endpoints, endpoints.get(namespace, name), legacy, ['subsets']);
        const slice = {
          metadata: { name, namespace, labels: { [serviceNameLabel]: name } },
          addressType: ip.includes(':') ? 'IPv6' : 'IPv4',
          endpoints: [{ addresses: [ip], conditions: { ready: true } }],
          ports,
        };
        await ensure(resources.endpointSlices, slices.get(namespace, name), slice, ['endpoints', 'ports']);
      },
    },
  };
}
