import type { PersistentVolumeClaim, StorageClass } from '@shared/k8s';
import { defaultClassOf } from '../../api/storage/storageclass';
import type { Store } from '../../store/types';
import type { AdmissionPlugin } from '../admission';
import { isAbout } from './attributes';
import { Watched } from './watched';

/** Claims that name no class get the default one: the newest, where several are marked as default. */
export function defaultStorageClass(store: Store): AdmissionPlugin {
  const classes = new Watched<StorageClass>(store, '/registry/storage.k8s.io/storageclasses/');
  return {
    name: 'DefaultStorageClass',
    close: () => classes.close(),
    admit(attributes) {
      if (attributes.operation !== 'CREATE' || !isAbout(attributes, '', 'persistentvolumeclaims')) return;
      const claim = attributes.object as PersistentVolumeClaim;
      if (!claim.spec || typeof claim.spec.storageClassName === 'string') return;
      if (claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] !== undefined) return;
      const chosen = defaultClassOf(classes.in());
      if (chosen) claim.spec.storageClassName = chosen.metadata.name;
    },
  };
}
