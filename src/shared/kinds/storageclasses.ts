import type { StorageClass } from '../k8s';
import { defineKindView } from './types';

export const storageClasses = defineKindView<StorageClass>({
  id: 'storageclasses',
  group: 'storage.k8s.io',
  version: 'v1',
  plural: 'storageclasses',
  kind: 'StorageClass',
  namespaced: false,
  section: 'storage',
  order: 30,
  icon: 'Warehouse',
  columns: [
    { id: 'provisioner', renderer: 'mono', width: 220, value: (object) => object.provisioner ?? null },
    { id: 'reclaimPolicy', renderer: 'text', width: 120, value: (object) => object.reclaimPolicy ?? 'Delete' },
    { id: 'bindingMode', renderer: 'text', width: 180, value: (object) => object.volumeBindingMode ?? 'Immediate' },
    { id: 'expansion', renderer: 'text', width: 100, value: (object) => (object.allowVolumeExpansion ? 'Yes' : 'No') },
    {
      id: 'default',
      renderer: 'text',
      width: 80,
      value: (object) =>
        object.metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true' ? 'Yes' : null,
    },
  ],
  capabilities: {},
  template: `apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: manual
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
`,
});
