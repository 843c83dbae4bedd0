import type { KubeObject, Namespace } from '@shared/k8s';
import { setCondition } from '../client/conditions';
import { isAlreadyExists, isNotFound } from '../client/controller';
import { resources } from '../client/resources';
import type { ResourceRef } from '../client/types';
import { WorkQueue } from '../client/workqueue';
import { discover } from './discovery';
import type { ControllerContext, ControlLoop } from './framework';

/** Namespaces that are always there. */
const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const finalizer = 'kubernetes';
/** How long to wait before looking again what is left; the end of pods is told by their events. */
const lookAgainMs = 1000;

interface Left {
  /** Objects per resource, as `pods.`, `deployments.apps`. */
  remaining: Map<string, number>;
  /** Objects per finalizer that holds them. */
  finalizers: Map<string, number>;
  failures: string[];
}

/** Creates the system namespaces and empties those that are being deleted. */
export function createNamespaceController(context: ControllerContext): ControlLoop {
  const { client, clock, informers } = context;
  const queue = new WorkQueue(clock);
  const namespaces = informers.informer(resources.namespaces);
  const pods = informers.informer(resources.pods);

  const enqueue = (namespace: Namespace) => queue.add(namespace.metadata.name);
  const isTerminating = (namespace: Namespace | undefined) => Boolean(namespace?.metadata.deletionTimestamp);
  namespaces.on({
    add: (namespace) => isTerminating(namespace) && enqueue(namespace),
    update: (namespace) => isTerminating(namespace) && enqueue(namespace),
    delete: enqueue,
  });
  pods.on({
    delete({ metadata: { namespace } }) {
      if (isTerminating(namespaces.get(undefined, namespace!)) && pods.list(namespace).length === 0)
        queue.add(namespace!);
    },
  });
  systemNamespaces.forEach((name) => queue.add(name));

  const ensure = async (name: string) => {
    try {
      await client.create(resources.namespaces, { metadata: { name } });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  };

  /** Deletes all of a resource in the namespace and counts what stays. */
  const empty = async (ref: ResourceRef, namespace: string, left: Left) => {
    const name = `${ref.plural}.${ref.group}`;
    try {
      const { items } = await client.list(ref, namespace);
      await Promise.all(items.map((object) => remove(ref, object)));
      for (const object of items.length ? (await client.list(ref, namespace)).items : []) {
        left.remaining.set(name, (left.remaining.get(name) ?? 0) + 1);
        for (const held of object.metadata?.finalizers ?? []) {
          left.finalizers.set(held, (left.finalizers.get(held) ?? 0) + 1);
        }
      }
    } catch (error) {
      left.failures.push(`${name}: ${(error as Error).message}`);
    }
  };

  const remove = async (ref: ResourceRef, { metadata }: KubeObject) => {
    if (metadata?.deletionTimestamp) return;
    try {
      await client.delete(ref, metadata?.namespace, metadata!.name!, { propagationPolicy: 'Background' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };

  const terminate = async (namespace: Namespace): Promise<{ requeueAfterMs: number } | void> => {
    const { name } = namespace.metadata;
    const left: Left = { remaining: new Map(), finalizers: new Map(), failures: [] };
    const found = await discover(client);
    // Pods first, and the rest only when they are gone: a pod keeps its ConfigMaps and Secrets to its end.
    await empty(resources.pods, name, left);
    if (left.remaining.size === 0) {
      const rest = found.resources.filter((ref) => ref.namespaced && !(ref.plural === 'pods' && ref.group === ''));
      await Promise.all(rest.map((ref) => empty(ref, name, left)));
    }
    const reported = await report(namespace, left, found.failures);
    if (left.remaining.size || left.failures.length || found.failures.length) return { requeueAfterMs: lookAgainMs };
    await finalize(reported);
  };

  const report = async (namespace: Namespace, left: Left, failures: string[]): Promise<Namespace> => {
    let conditions = namespace.status?.conditions ?? [];
    const set = (type: string, bad: string | undefined, badReason: string, reason: string, message: string) => {
      const state = bad === undefined ? 'False' : 'True';
      const condition = { type, status: state, reason: bad ? badReason : reason, message: bad ?? message };
      conditions = setCondition(conditions, condition, clock.now());
    };
    const list = (texts: string[]) => (texts.length ? texts.join(', ') : undefined);
    const counts = (map: Map<string, number>, words: string) =>
      [...map]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([what, count]) => `${what} ${words} ${count} resource instances`);
    const remaining = list(counts(left.remaining, 'has'));
    const held = list(counts(left.finalizers, 'in'));
    set(
      'NamespaceDeletionDiscoveryFailure',
      list(failures) &&
        `Discovery failed for some groups, ${failures.length} failing: unable to retrieve the complete list of server APIs: ${list(failures)}`,
      'DiscoveryFailed',
      'ResourcesDiscovered',
      'All resources successfully discovered',
    );
    set(
      'NamespaceDeletionGroupVersionParsingFailure',
      undefined,
      'GroupVersionParsingFailed',
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    );
    set(
      'NamespaceDeletionContentFailure',
      list(left.failures) &&
        `Failed to delete all resource types, ${left.failures.length} remaining: ${list(left.failures)}`,
      'ContentDeletionFailed',
      'ContentDeleted',
      'All content successfully deleted, may be waiting on finalization',
    );
    set(
      'NamespaceContentRemaining',
      remaining && `Some resources are remaining: ${remaining}`,
      'SomeResourcesRemain',
      'ContentRemoved',
      'All content successfully removed',
    );
    set(
      'NamespaceFinalizersRemaining',
      held && `Some content in the namespace has finalizers remaining: ${held}`,
      'SomeFinalizersRemain',
      'ContentHasNoFinalizers',
      'All content-preserving finalizers finished',
    );
    const status = { ...namespace.status, phase: 'Terminating', conditions };
    if (JSON.stringify(status) === JSON.stringify(namespace.status)) return namespace;
    return client.updateStatus(resources.namespaces, { ...namespace, status });
  };

  const finalize = async (namespace: Namespace) => {
    const finalizers = (namespace.spec?.finalizers ?? []).filter((name) => name !== finalizer);
    if (finalizers.length === (namespace.spec?.finalizers ?? []).length) return;
    const path = `/api/v1/namespaces/${namespace.metadata.name}/finalize`;
    const body = { ...namespace, spec: { ...namespace.spec, finalizers } };
    try {
      await client.transport.request({ method: 'PUT', path, body });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };

  return {
    name: 'namespace',
    queue,
    workers: 5,
    reconciler: {
      async reconcile(name) {
        const namespace = namespaces.get(undefined, name);
        if (!namespace) return systemNamespaces.includes(name) ? ensure(name) : undefined;
        if (isTerminating(namespace)) return terminate(namespace);
      },
    },
  };
}
