import type { PersistentVolumeClaim } from '../k8s';
import { accessModesOf, status } from './helpers';
import { defineKindView, type Tone } from './types';

const tones: Record<string, Tone> = { Bound: 'ok', Pending: 'busy', Lost: 'error' };

export const persistentVolumeClaims = defineKindView<PersistentVolumeClaim>({
  id: 'persistentvolumeclaims',
  group: '',
  version: 'v1',
  plural: 'persistentvolumeclaims',
  kind: 'PersistentVolumeClaim',
  namespaced: true,
  section: 'storage',
  order: 10,
  icon: 'Archive',
  columns: [
    { id: 'volume', renderer: 'text', width: 200, value: (object) => object.spec?.volumeName ?? null },
    {
      id: 'capacity',
      renderer: 'text',
      width: 90,
      align: 'end',
      value: (object) => object.status?.capacity?.['storage'] ?? null,
    },
    {
      id: 'requested',
      renderer: 'text',
      width: 90,
      align: 'end',
      value: (object) => object.spec?.resources?.requests?.['storage'] ?? null,
    },
    { id: 'accessModes', renderer: 'text', width: 120, value: (object) => accessModesOf(object.spec?.accessModes) },
    { id: 'storageClass', renderer: 'text', width: 130, value: (object) => object.spec?.storageClassName ?? null },
    { id: 'volumeMode', renderer: 'text', width: 110, optional: true, value: ({ spec }) => spec?.volumeMode ?? null },
  ],
  status(object) {
    const phase = object.status?.phase ?? 'Pending';
    return status(phase, tones[phase] ?? 'neutral');
  },
  capabilities: {},
  template: `apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 1Gi
`,
});
