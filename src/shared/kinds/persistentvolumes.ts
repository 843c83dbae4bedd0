import type { PersistentVolume } from '../k8s';
import { accessModesOf, status } from './helpers';
import { defineKindView, type Tone } from './types';

const tones: Record<string, Tone> = {
  Available: 'neutral',
  Bound: 'ok',
  Failed: 'error',
  Pending: 'busy',
  Released: 'warn',
};

export const persistentVolumes = defineKindView<PersistentVolume>({
  id: 'persistentvolumes',
  group: '',
  version: 'v1',
  plural: 'persistentvolumes',
  kind: 'PersistentVolume',
  namespaced: false,
  section: 'storage',
  order: 20,
  icon: 'HardDrive',
  columns: [
    {
      id: 'capacity',
      renderer: 'text',
      width: 90,
      align: 'end',
      value: ({ spec }) => spec?.capacity?.['storage'] ?? null,
    },
    { id: 'accessModes', renderer: 'text', width: 120, value: (object) => accessModesOf(object.spec?.accessModes) },
    {
      id: 'reclaimPolicy',
      renderer: 'text',
      width: 120,
      value: (object) => object.spec?.persistentVolumeReclaimPolicy ?? null,
    },
    {
      id: 'claim',
      renderer: 'text',
      width: 200,
      value: ({ spec }) => (spec?.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : null),
    },
    { id: 'storageClass', renderer: 'text', width: 130, value: (object) => object.spec?.storageClassName ?? null },
    { id: 'volumeMode', renderer: 'text', width: 110, optional: true, value: ({ spec }) => spec?.volumeMode ?? null },
  ],
  status(object) {
    const phase = object.status?.phase ?? 'Pending';
    return status(phase, tones[phase] ?? 'neutral', object.status?.message);
  },
  capabilities: {},
  template: `apiVersion: v1
kind: PersistentVolume
metadata:
  name: data
spec:
  capacity:
    storage: 1Gi
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  hostPath:
    path: /srv/data
`,
});
