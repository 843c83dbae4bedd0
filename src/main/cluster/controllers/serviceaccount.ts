import type { ConfigMap, KubeObject, Namespace } from '@shared/k8s';
import { isAlreadyExists } from '../client/controller';
import { resources } from '../client/resources';
import type { ResourceRef } from '../client/types';
import { WorkQueue } from '../client/workqueue';
import type { ControllerContext, ControlLoop } from './framework';
import { isNamespaceTerminating } from './terminating';

const accountName = 'default';
const rootCAName = 'kube-root-ca.crt';

/** What every active namespace has: the `default` ServiceAccount and the CA pods trust the API by. */
export function createServiceAccountController(context: ControllerContext): ControlLoop {
  const { client, clock, informers, options } = context;
  const queue = new WorkQueue(clock);
  const namespaces = informers.informer(resources.namespaces);
  const accounts = informers.informer(resources.serviceAccounts);
  const configMaps = informers.informer(resources.configMaps);

  const enqueue = (namespace: Namespace) => queue.add(namespace.metadata.name);
  namespaces.on({ add: enqueue, update: enqueue });
  accounts.on({ delete: ({ metadata: { name, namespace } }) => name === accountName && queue.add(namespace!) });
  const onConfigMap = ({ metadata: { name, namespace } }: ConfigMap) => name === rootCAName && queue.add(namespace!);
  configMaps.on({ update: onConfigMap, delete: onConfigMap });

  const create = async (ref: ResourceRef, object: KubeObject) => {
    try {
      await client.create(ref, object);
    } catch (error) {
      if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
    }
  };

  return {
    name: 'serviceaccount',
    queue,
    workers: 2,
    reconciler: {
      async reconcile(namespace) {
        const found = namespaces.get(undefined, namespace);
        if (!found || found.metadata.deletionTimestamp || found.status?.phase === 'Terminating') return;
        // First the CA: a pod may come as soon as its account is there, and mounts both.
        if (options.rootCA) {
          const data = { 'ca.crt': options.rootCA };
          const published = configMaps.get(namespace, rootCAName);
          if (!published) await create(resources.configMaps, { metadata: { name: rootCAName, namespace }, data });
          else if (published.data?.['ca.crt'] !== options.rootCA || Object.keys(published.data).length !== 1) {
            await client.update(resources.configMaps, { ...published, data });
          }
        }
        if (!accounts.get(namespace, accountName)) {
          await create(resources.serviceAccounts, { metadata: { name: accountName, namespace } });
        }
      },
    },
  };
}
