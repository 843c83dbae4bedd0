import type { KubeObject, LabelSelector, Pod } from '@shared/k8s';
import { controllerOf } from '../client/owners';
import { keyOf } from '../client/resources';
import type { Informer, ResourceRef } from '../client/types';
import { indexByController, matchingOwners } from './claim';
import type { Expectations } from './expectations';

type Owner = KubeObject & { metadata: { uid: string } };

export interface OwnedPodsOptions<O extends Owner> {
  ref: ResourceRef<O>;
  owners: Informer<O>;
  pods: Informer<Pod>;
  /** Told of the pods that came and went. */
  expectations: Expectations;
  enqueue(owner: O): void;
  /** spec.selector unless told. */
  selectorOf?: (owner: O) => LabelSelector | undefined;
}

/** Feeds a queue with the owners whose own objects, pods or adoptable orphans have changed. */
export function followOwnedPods<O extends Owner>(options: OwnedPodsOptions<O>): void {
  const { ref, owners, pods, expectations, enqueue, selectorOf } = options;
  indexByController(pods);
  const ownerOf = (pod: Pod): O | undefined => {
    const reference = controllerOf(pod);
    if (reference?.kind !== ref.kind) return undefined;
    const owner = owners.get(pod.metadata.namespace, reference.name);
    return owner?.metadata.uid === reference.uid ? owner : undefined;
  };
  const adopters = (pod: Pod) => {
    if (!controllerOf(pod)) matchingOwners(owners, pod, selectorOf).forEach(enqueue);
  };
  const gone = (pod: Pod) => {
    const owner = ownerOf(pod);
    if (!owner) return;
    expectations.deleted(keyOf(owner), pod.metadata.uid);
    enqueue(owner);
  };

  owners.on({
    add: enqueue,
    update: enqueue,
    delete(owner) {
      expectations.forget(keyOf(owner));
      enqueue(owner);
    },
  });
  pods.on({
    add(pod) {
      const owner = ownerOf(pod);
      if (!owner) return adopters(pod);
      // One that is seen first while it goes was created nevertheless.
      expectations.created(keyOf(owner));
      if (pod.metadata.deletionTimestamp) gone(pod);
      else enqueue(owner);
    },
    update(pod, old) {
      if (pod.metadata.deletionTimestamp) return gone(pod);
      if (controllerOf(pod)?.uid !== controllerOf(old)?.uid) {
        const before = ownerOf(old);
        if (before) enqueue(before);
      }
      const owner = ownerOf(pod);
      if (owner) enqueue(owner);
      else if (pod.metadata.labels !== old.metadata.labels || controllerOf(old)) adopters(pod);
    },
    delete: gone,
  });
}
