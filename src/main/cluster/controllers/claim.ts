import type { KubeObject, LabelSelector } from '@shared/k8s';
import { isEmptySelector, matchesSelector } from '@shared/selectors';
import { isConflict, isNotFound } from '../client/controller';
import { controllerOf, controllerRef } from '../client/owners';
import type { Informer, KubeClient, ResourceRef } from '../client/types';

const controllerIndex = 'controller';
const orphanIndex = 'orphans';

/** Indexes an informer by its objects' controller, so that a claim costs what is claimed. */
export function indexByController(informer: Informer<any>): void {
  informer.addIndex(controllerIndex, (object: KubeObject) => {
    const owner = controllerOf(object);
    return owner ? [owner.uid] : [];
  });
  informer.addIndex(orphanIndex, (object: KubeObject) =>
    controllerOf(object) ? [] : [object.metadata?.namespace ?? ''],
  );
}

/** The objects whose controller has this uid. */
export function controlledBy<T extends KubeObject>(informer: Informer<T>, uid: string): T[] {
  return informer.byIndex(controllerIndex, uid);
}

/** The owners of a namespace that would adopt an orphan. */
export function matchingOwners<O extends KubeObject>(
  informer: Informer<O>,
  orphan: KubeObject,
  selectorOf: (owner: O) => LabelSelector | undefined = (owner) => owner.spec?.selector,
): O[] {
  const labels = orphan.metadata?.labels;
  if (!labels) return [];
  return informer.list(orphan.metadata?.namespace).filter((owner) => {
    const selector = selectorOf(owner);
    return !isEmptySelector(selector) && matchesSelector(selector, labels);
  });
}

export interface ClaimOptions<O extends KubeObject, T extends KubeObject> {
  client: KubeClient;
  owner: O;
  ownerRef: ResourceRef<O>;
  selector: LabelSelector | undefined;
  informer: Informer<T>;
  ref: ResourceRef<T>;
  /** Which orphans may be adopted; all unless told. */
  adoptable?: (object: T) => boolean;
}

/**
 * The dependents of an owner: those it controls and that match its selector.
 * Matching orphans are adopted, controlled ones that match no more are released.
 * @throws ApiError when an adoption or release failed for another reason than "gone" or "changed"
 */
export async function claim<O extends KubeObject, T extends KubeObject>(options: ClaimOptions<O, T>): Promise<T[]> {
  const { client, owner, ownerRef, selector, informer, ref, adoptable } = options;
  const { uid, namespace, name, deletionTimestamp } = owner.metadata!;
  const claimed: T[] = [];
  const changes: Promise<void>[] = [];
  const change = async (object: T, ownerReferences: unknown, keep: boolean) => {
    const { name: objectName, uid: objectUid } = object.metadata!;
    try {
      const patch = { metadata: { uid: objectUid, ownerReferences } };
      const changed = await client.patch(ref, namespace, objectName!, patch, { type: 'strategic' });
      if (keep) claimed.push(changed);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  };

  for (const object of controlledBy(informer, uid!)) {
    if (matchesSelector(selector, object.metadata?.labels)) claimed.push(object);
    else if (!deletionTimestamp) changes.push(change(object, [{ $patch: 'delete', uid }], false));
  }
  if (!deletionTimestamp && !isEmptySelector(selector)) {
    const orphans = informer
      .byIndex(orphanIndex, namespace ?? '')
      .filter(
        (object) =>
          !object.metadata?.deletionTimestamp &&
          matchesSelector(selector, object.metadata?.labels) &&
          (adoptable?.(object) ?? true),
      );
    if (orphans.length) {
      // The cache may not know yet that the owner is gone: ask before taking what is not ours.
      const live = await client.get(ownerRef, namespace, name!);
      if (live.metadata?.uid === uid && !live.metadata?.deletionTimestamp) {
        const reference = controllerRef(ownerRef, owner);
        for (const orphan of orphans) changes.push(change(orphan, [reference], true));
      }
    }
  }
  await Promise.all(changes);
  return claimed;
}
