import { claimProtection, volumeProtection } from '../../api/core/volume-annotations';
import type { AdmissionPlugin } from '../admission';
import { isAbout } from './attributes';

const finalizers = { persistentvolumeclaims: claimProtection, persistentvolumes: volumeProtection };

/** New claims and volumes are kept, once deleted, for as long as something uses them: a controller lets them go. */
export function storageObjectInUseProtection(): AdmissionPlugin {
  return {
    name: 'StorageObjectInUseProtection',
    admit(attributes) {
      if (attributes.operation !== 'CREATE') return;
      for (const [plural, finalizer] of Object.entries(finalizers)) {
        if (!isAbout(attributes, '', plural)) continue;
        const { metadata } = attributes.object!;
        if (metadata?.finalizers?.includes(finalizer)) continue;
        attributes.object!.metadata = { ...metadata, finalizers: [...(metadata?.finalizers ?? []), finalizer] };
      }
    },
  };
}
