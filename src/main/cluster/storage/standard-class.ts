import type { StorageClass } from '@shared/k8s';
import { isDefaultClass } from '../api/storage/storageclass';
import { isAlreadyExists } from '../client/controller';
import { resources } from '../client/resources';
import type { KubeClient, ResourceRef } from '../client/types';
import { dockerVolumeDriver } from './names';

const standardClass = 'standard';

/**
 * Creates the class `standard` and the driver behind it where they are missing. What is there stays
 * as it is, and a default that somebody chose stays the default.
 */
export async function ensureStandardClass(client: KubeClient): Promise<void> {
  const { items } = await client.list<StorageClass>(resources.storageClasses);
  if (!items.some(({ metadata }) => metadata.name === standardClass)) {
    const annotations = { 'storageclass.kubernetes.io/is-default-class': String(!items.some(isDefaultClass)) };
    await create(client, resources.storageClasses, {
      metadata: { name: standardClass, annotations },
      provisioner: dockerVolumeDriver,
      reclaimPolicy: 'Delete',
      volumeBindingMode: 'WaitForFirstConsumer',
      allowVolumeExpansion: true,
    });
  }
  await create(client, resources.csiDrivers, {
    metadata: { name: dockerVolumeDriver },
    spec: { attachRequired: false, podInfoOnMount: false, volumeLifecycleModes: ['Persistent'] },
  });
}

async function create(client: KubeClient, ref: ResourceRef, object: object): Promise<void> {
  try {
    await client.create(ref, object as never);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
