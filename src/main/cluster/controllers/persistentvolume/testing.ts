import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '@shared/k8s';
import { startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { resources } from '../../client/resources';

/** A control plane with words for storage. */
export interface StorageBed extends Testbed {
  /** A claim in `default` for 1Gi, ReadWriteOnce, of no class, unless the spec says otherwise. */
  claim(name: string, spec?: object, annotations?: Record<string, string>): Promise<PersistentVolumeClaim>;
  /** A volume of 1Gi, ReadWriteOnce, of no class, in a directory of the host, unless the spec says otherwise. */
  volume(name: string, spec?: object, labels?: Record<string, string>): Promise<PersistentVolume>;
  storageClass(name: string, fields?: object, isDefault?: boolean): Promise<StorageClass>;
  /** A pod in `default` that uses a claim. */
  pod(name: string, claimName: string, spec?: object): Promise<void>;
  claimNow(name: string): Promise<PersistentVolumeClaim>;
  volumeNow(name: string): Promise<PersistentVolume>;
  /** `PHASE VOLUME` of a claim. */
  claimState(name: string): Promise<string>;
  /** `PHASE NAMESPACE/CLAIM` of a volume. */
  volumeState(name: string): Promise<string>;
}

export async function startStorageBed(): Promise<StorageBed> {
  const bed = await startTestbed();
  const { client, settle } = bed;
  const claimNow = async (name: string): Promise<PersistentVolumeClaim> => {
    await settle();
    return client.get<PersistentVolumeClaim>(resources.persistentVolumeClaims, 'default', name);
  };
  const volumeNow = async (name: string): Promise<PersistentVolume> => {
    await settle();
    return client.get<PersistentVolume>(resources.persistentVolumes, undefined, name);
  };
  return Object.assign(bed, {
    claimNow,
    volumeNow,
    claim: (name: string, spec: object = {}, annotations: Record<string, string> = {}) =>
      client.create<PersistentVolumeClaim>(resources.persistentVolumeClaims, {
        metadata: { name, namespace: 'default', annotations },
        spec: {
          accessModes: ['ReadWriteOnce'],
          resources: { requests: { storage: '1Gi' } },
          storageClassName: '',
          ...spec,
        },
      }),
    volume: (name: string, spec: object = {}, labels: Record<string, string> = {}) =>
      client.create<PersistentVolume>(resources.persistentVolumes, {
        metadata: { name, labels },
        spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/data' }, ...spec },
      }),
    storageClass: (name: string, fields: object = {}, isDefault = false) =>
      client.create<StorageClass>(resources.storageClasses, {
        metadata: {
          name,
          ...(isDefault ? { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } : {}),
        },
        provisioner: 'example.com/disks',
        ...fields,
      }),
    async pod(name: string, claimName: string, spec: object = {}) {
      await client.create(resources.pods, {
        metadata: { name, namespace: 'default' },
        spec: {
          containers: [{ name: 'c', image: 'web:1' }],
          volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }],
          ...spec,
        },
      });
    },
    async claimState(name: string) {
      const { status, spec } = await claimNow(name);
      return [status?.phase, spec?.volumeName].filter(Boolean).join(' ');
    },
    async volumeState(name: string) {
      const { status, spec } = await volumeNow(name);
      return `${status?.phase}${spec?.claimRef ? ` ${spec.claimRef.namespace}/${spec.claimRef.name}` : ''}`;
    },
  });
}
