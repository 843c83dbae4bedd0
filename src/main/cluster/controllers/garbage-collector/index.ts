import type { KubeObject, OwnerReference } from '@shared/k8s';
import { isNotFound } from '../../client/controller';
import { keyOf, resources, splitKey } from '../../client/resources';
import type { Informer, ResourceRef } from '../../client/types';
import { WorkQueue } from '../../client/workqueue';
import type { ControllerContext, ControlLoop } from '../framework';
import { followCustomKinds } from './custom-kinds';

const ownerIndex = 'owner';
const uidIndex = 'uid';
const foreground = 'foregroundDeletion';
const orphan = 'orphan';

interface Source {
  ref: ResourceRef;
  informer: Informer;
  /** Made by a CustomResourceDefinition: such objects take no strategic merge patches. */
  custom: boolean;
}

/**
 * Deletes what its owners left behind. Background: an object whose owners are
 * all gone goes. Foreground: an owner waits for the dependents that block it.
 * Orphan: an owner that goes lets its dependents stay, without their reference.
 */
export function createGarbageCollector(context: ControllerContext): ControlLoop {
  const { client, clock, informers, log } = context;
  const queue = new WorkQueue(clock);
  // Events neither own nor are owned, and there are many.
  const refs = (Object.values(resources) as ResourceRef[]).filter((ref) => ref.plural !== resources.events.plural);
  const sources = new Map<string, Source>();
  // By group: an owner reference may name another version of the same kind.
  const byKind = new Map<string, Source>();

  const enqueue = ({ ref }: Source, object: KubeObject) => queue.add(`${idOf(ref)}:${keyOf(object)}`);
  const dependentsOf = (uid: string): { source: Source; object: KubeObject }[] =>
    [...sources.values()].flatMap((source) =>
      source.informer.byIndex(ownerIndex, uid).map((object) => ({ source, object })),
    );
  const sourceOf = (owner: OwnerReference) => byKind.get(`${groupOf(owner.apiVersion)}/${owner.kind}`);

  const follow = (ref: ResourceRef, custom: boolean): void => {
    const source: Source = { ref, custom, informer: informers.informer(ref) };
    sources.set(idOf(ref), source);
    byKind.set(`${ref.group}/${ref.kind}`, source);
    source.informer.addIndex(ownerIndex, (object) => (object.metadata?.ownerReferences ?? []).map(({ uid }) => uid));
    source.informer.addIndex(uidIndex, (object) => [object.metadata!.uid!]);
    source.informer.on({
      add(object) {
        if (object.metadata?.ownerReferences?.length || isHeld(object)) enqueue(source, object);
      },
      update(object, old) {
        const owners = object.metadata?.ownerReferences;
        if (isHeld(object) || (owners?.length && owners !== old.metadata?.ownerReferences)) enqueue(source, object);
        if (isHeld(object, foreground) && !isHeld(old, foreground)) {
          for (const dependent of dependentsOf(object.metadata!.uid!)) enqueue(dependent.source, dependent.object);
        }
      },
      delete(object) {
        for (const dependent of dependentsOf(object.metadata!.uid!)) enqueue(dependent.source, dependent.object);
        // An owner may have waited for this one.
        for (const owner of object.metadata?.ownerReferences ?? []) {
          const found = sourceOf(owner);
          const waiting = found?.informer.byIndex(uidIndex, owner.uid).find((candidate) => isHeld(candidate));
          if (waiting) enqueue(found!, waiting);
        }
      },
    });
  };
  for (const ref of refs) follow(ref, false);
  followCustomKinds(context, {
    add(ref) {
      follow(ref, true);
      informers.start().catch((error: Error) => log.debug('a custom kind is not followed', { error: error.message }));
    },
    remove(ref) {
      sources.delete(idOf(ref));
      byKind.delete(`${ref.group}/${ref.kind}`);
      informers.forget(ref);
    },
  });

  /** The owner as it is: from the cache, or asked for when the cache does not know it. */
  const findOwner = async (
    owner: OwnerReference,
    namespace: string | undefined,
  ): Promise<KubeObject | 'gone' | 'unknown'> => {
    const source = sourceOf(owner);
    if (!source) return 'unknown';
    const cached = source.informer.byIndex(uidIndex, owner.uid)[0];
    const within = source.ref.namespaced ? namespace : undefined;
    // A reference into another namespace is to nobody.
    if (cached && (!source.ref.namespaced || cached.metadata?.namespace === namespace)) return cached;
    if (source.ref.namespaced && !within) return 'gone';
    try {
      const live = await client.get(source.ref, within, owner.name);
      return live.metadata?.uid === owner.uid ? live : 'gone';
    } catch (error) {
      if (isNotFound(error)) return 'gone';
      throw error;
    }
  };

  const release = (source: Source, object: KubeObject, uids: readonly string[]) => {
    const { name, namespace, uid, resourceVersion, ownerReferences = [] } = object.metadata!;
    if (source.custom) {
      const kept = ownerReferences.filter((owner) => !uids.includes(owner.uid));
      const metadata = { uid, resourceVersion, ownerReferences: kept.length > 0 ? kept : null };
      return client.patch(source.ref, namespace, name!, { metadata }, { type: 'merge' });
    }
    const patch = {
      metadata: {
        uid,
        ownerReferences: uids.map((owner) => ({ $patch: 'delete', uid: owner })),
      },
    };
    return client.patch(source.ref, namespace, name!, patch, { type: 'strategic' });
  };

  const removeFinalizer = async (source: Source, object: KubeObject, name: string) => {
    const finalizers = object.metadata!.finalizers!.filter((other) => other !== name);
    await client.update(source.ref, { ...object, metadata: { ...object.metadata, finalizers } });
  };

  /** An object that is going and waits for this controller. @returns whether it was one */
  const finishDeletion = async (source: Source, object: KubeObject): Promise<boolean> => {
    const dependents = isHeld(object) ? dependentsOf(object.metadata!.uid!) : [];
    if (isHeld(object, orphan)) {
      await Promise.all(dependents.map((one) => ignoreGone(release(one.source, one.object, [object.metadata!.uid!]))));
      await removeFinalizer(source, object, orphan);
      return true;
    }
    if (!isHeld(object, foreground)) return false;
    const blocking = dependents.filter((one) => blocks(one.object, object));
    if (blocking.length === 0) {
      await removeFinalizer(source, object, foreground);
      return true;
    }
    for (const one of blocking) if (!one.object.metadata?.deletionTimestamp) enqueue(one.source, one.object);
    return true;
  };

  const collect = async (source: Source, object: KubeObject) => {
    const { name, namespace, uid, finalizers = [] } = object.metadata!;
    const owners = object.metadata?.ownerReferences ?? [];
    if (owners.length === 0) return;
    const found = await Promise.all(owners.map(async (owner) => ({ owner, state: await findOwner(owner, namespace) })));
    const waiting = found.filter(({ state }) => typeof state === 'object' && isHeld(state, foreground));
    const gone = found.filter(({ state }) => state === 'gone');
    const stays = found.length - waiting.length - gone.length;
    if (stays > 0) {
      const without = [...gone, ...waiting].map(({ owner }) => owner.uid);
      if (without.length) await release(source, object, without);
      return;
    }
    // What is deleted because its owner waits takes its own dependents along first, in the same way.
    const cascade = waiting.length > 0 && dependentsOf(uid!).length > 0;
    const propagationPolicy = finalizers.includes(orphan)
      ? 'Orphan'
      : cascade || finalizers.includes(foreground)
        ? 'Foreground'
        : 'Background';
    log.debug('deleting what its owners left behind', { object: `${source.ref.plural}:${keyOf(object)}` });
    await client.delete(source.ref, namespace, name!, { propagationPolicy, preconditions: { uid } });
  };

  return {
    name: 'garbage-collector',
    queue,
    workers: 20,
    reconciler: {
      async reconcile(key) {
        const colon = key.indexOf(':');
        const source = sources.get(key.slice(0, colon));
        if (!source) return;
        const { namespace, name } = splitKey(key.slice(colon + 1));
        const object = source.informer.get(namespace, name);
        if (!object || (await finishDeletion(source, object)) || object.metadata?.deletionTimestamp) return;
        await ignoreGone(collect(source, object));
      },
    },
  };
}

const idOf = ({ plural, group }: ResourceRef): string => `${plural}.${group}`;

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? apiVersion.split('/')[0]! : '');

/** Whether an object is being deleted and waits for the collector (to carry out this policy). */
function isHeld(object: KubeObject, policy?: string): boolean {
  if (!object.metadata?.deletionTimestamp) return false;
  const finalizers = object.metadata.finalizers ?? [];
  return policy ? finalizers.includes(policy) : finalizers.includes(foreground) || finalizers.includes(orphan);
}

const blocks = (dependent: KubeObject, owner: KubeObject): boolean =>
  (dependent.metadata?.ownerReferences ?? []).some(
    (reference) => reference.uid === owner.metadata?.uid && reference.blockOwnerDeletion,
  );

async function ignoreGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
