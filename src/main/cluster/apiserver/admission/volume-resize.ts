import type { PersistentVolumeClaim, StorageClass } from '@shared/k8s';
import { isQuantity, parseQuantity } from '@shared/quantity';
import { storageClassOf } from '../../api/core/volumes';
import type { Store } from '../../store/types';
import type { AdmissionPlugin } from '../admission';
import { isAbout, refusal } from './attributes';

/** A claim grows only when it is bound and its class allows that. */
export function volumeResize(store: Store): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    validate(attributes) {
      if (attributes.operation !== 'UPDATE' || !isAbout(attributes, '', 'persistentvolumeclaims')) return;
      const [claim, old] = [attributes.object, attributes.old] as PersistentVolumeClaim[];
      if (size(claim!) <= size(old!)) return;
      if (old!.status?.phase !== 'Bound') {
        throw refusal(attributes, 'Only bound persistent volume claims can be expanded');
      }
      const name = storageClassOf(claim!);
      const found = name ? store.get(`/registry/storage.k8s.io/storageclasses/${name}`) : undefined;
      if ((found?.value as StorageClass | undefined)?.allowVolumeExpansion) return;
      throw refusal(
        attributes,
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
      );
    },
  };
}

function size(claim: PersistentVolumeClaim): number {
  const storage = claim.spec?.resources?.requests?.['storage'];
  return isQuantity(storage) ? parseQuantity(storage) : 0;
}
