import type { KubeObject, OwnerReference } from '@shared/k8s';
import { refApiVersion } from './resources';
import type { ResourceRef } from './types';

/** The reference with `controller: true`, if any. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find((owner) => owner.controller);
}

export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  const uid = owner.metadata?.uid;
  return uid !== undefined && controllerOf(object)?.uid === uid;
}

/** The reference that makes `owner` the controller of a dependent. */
export function controllerRef(ref: ResourceRef, owner: KubeObject): OwnerReference {
  return {
    apiVersion: refApiVersion(ref),
    kind: ref.kind,
    name: owner.metadata!.name!,
    uid: owner.metadata!.uid!,
    controller: true,
    blockOwnerDeletion: true,
  };
}
