import type { KubeObject, ResourceQuota } from '@shared/k8s';
import {
  countedBy,
  formatAmount,
  inScope,
  namesByResource,
  usageOfStored,
  type Amounts,
  type Counted,
} from '../../api/quota';
import { isConflict, isNotFound } from '../../client/controller';
import { resources } from '../../client/resources';
import type { Informer, ResourceRef } from '../../client/types';
import { WorkQueue } from '../../client/workqueue';
import { discover } from '../discovery';
import type { ControllerContext, ControlLoop } from '../framework';

const resyncMs = 5 * 60_000;
/** What is watched, so that a change shows at once; any other kind is counted anew from time to time. */
const followed: readonly ResourceRef<any>[] = [
  resources.pods,
  resources.services,
  resources.persistentVolumeClaims,
  resources.configMaps,
  resources.secrets,
  resources.replicationControllers,
  resources.deployments,
  resources.replicaSets,
  resources.statefulSets,
  resources.daemonSets,
  resources.jobs,
  resources.cronJobs,
  resources.ingresses,
];

/** Reports in the status of each quota how much of it is used. */
export function createResourceQuotaController(context: ControllerContext): ControlLoop {
  const { client, clock, informers } = context;
  const queue = new WorkQueue(clock);
  const quotas = informers.informer(resources.resourceQuotas);
  const caches = new Map<string, Informer>();
  const nameOf = ({ group, plural }: Counted) => `${plural}.${group}`;

  const recount = (resource: Counted, { metadata }: KubeObject) => {
    for (const quota of quotas.list(metadata?.namespace)) {
      const concerned = Object.keys(quota.spec?.hard ?? {}).some(
        (name) => nameOf(countedBy(name)) === nameOf(resource),
      );
      if (concerned) queue.add(`${quota.metadata.namespace}/${quota.metadata.name}`);
    }
  };
  const follow = (ref: ResourceRef) => {
    const cache = informers.informer(ref);
    caches.set(nameOf(ref), cache);
    cache.on({
      add: (object) => recount(ref, object),
      update: (object) => recount(ref, object),
      delete: (object) => recount(ref, object),
    });
  };
  for (const ref of followed) follow(ref);
  follow(resources.resourceQuotas);
  const enqueue = ({ metadata }: ResourceQuota) => queue.add(`${metadata.namespace}/${metadata.name}`);
  quotas.on({ add: enqueue, update: enqueue });

  const objectsOf = async (counted: Counted, namespace: string): Promise<KubeObject[]> => {
    const cache = caches.get(nameOf(counted));
    if (cache) return cache.list(namespace);
    const served = (await discover(client)).resources;
    const ref = served.find(({ group, plural }) => group === counted.group && plural === counted.plural);
    return ref?.namespaced ? (await client.list(ref, namespace)).items : [];
  };

  return {
    name: 'resourcequota',
    queue,
    reconciler: {
      async reconcile(key) {
        const [namespace, name] = key.split('/') as [string, string];
        const quota = quotas.get(namespace, name);
        if (!quota || quota.metadata.deletionTimestamp) return;
        const used = await measure(quota, (counted) => objectsOf(counted, namespace));
        const hard = { ...quota.spec?.hard };
        if (!same(quota.status?.hard, hard) || !same(quota.status?.used, used)) {
          try {
            await client.updateStatus(resources.resourceQuotas, { ...quota, status: { hard, used } });
          } catch (error) {
            // The cache will bring what is newer, or that it is gone.
            if (!isConflict(error) && !isNotFound(error)) throw error;
          }
        }
        return { requeueAfterMs: resyncMs };
      },
    },
  };
}

async function measure(
  quota: ResourceQuota,
  objectsOf: (counted: Counted) => Promise<KubeObject[]>,
): Promise<Record<string, string>> {
  const names = Object.keys(quota.spec?.hard ?? {});
  const sums: Amounts = Object.fromEntries(names.map((name) => [name, 0]));
  for (const group of namesByResource(names)) {
    for (const object of await objectsOf(group.resource)) {
      if (!inScope(quota, group.resource, object)) continue;
      const usage = usageOfStored(group.resource, object);
      for (const name of group.names) sums[name]! += usage[name] ?? 0;
    }
  }
  return Object.fromEntries(names.map((name) => [name, formatAmount(name, sums[name]!)]));
}

function same(a: Record<string, string> | undefined, b: Record<string, string>): boolean {
  const keys = Object.keys(b);
  return a !== undefined && Object.keys(a).length === keys.length && keys.every((key) => a[key] === b[key]);
}
