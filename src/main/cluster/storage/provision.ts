import type { Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '@shared/k8s';
import { provisionedBy, selectedNode } from '../api/core/volume-annotations';
import { isAlreadyExists } from '../client/controller';
import type { EventRecorder } from '../client/events';
import { keyOf, resources } from '../client/resources';
import type { KubeClient } from '../client/types';
import {
  claimLabel,
  dockerVolumeDriver,
  provisionerFinalizer,
  simulatedLabel,
  volumeLabel,
  type VolumeEngine,
} from './names';

export interface ProvisionParts {
  client: KubeClient;
  engine: VolumeEngine;
  events: EventRecorder;
  nodes(): Node[];
}

/** Parameters of classes that say how to format a disk; there is none. */
const formatting = new Set(['fsType', 'csi.storage.k8s.io/fstype']);

/** Why no volume can be made for a claim, whenever it is tried. */
function refusal(claim: PersistentVolumeClaim, storageClass: StorageClass): string | undefined {
  const { volumeMode, selector, dataSource, dataSourceRef } = claim.spec!;
  if (volumeMode === 'Block')
    return 'volumes of mode Block are not supported: container engines mount file systems only';
  if (selector) return 'claim.Spec.Selector is not supported';
  if (dataSource || dataSourceRef) return 'claim.Spec.DataSource is not supported: volumes are made empty';
  if (storageClass.mountOptions?.length) return 'mountOptions are not supported';
  const unknown = Object.keys(storageClass.parameters ?? {}).find((name) => !formatting.has(name));
  return unknown && `unknown parameter "${unknown}" of the storage class`;
}

const isSimulated = ({ metadata }: Node): boolean => metadata.labels?.[simulatedLabel] === 'true';

/** A volume that is nowhere can be used only where pods are nowhere, and the other way round. */
function affinityOf(simulated: boolean, nodes: readonly Node[]): NonNullable<PersistentVolume['spec']>['nodeAffinity'] {
  if (nodes.every((node) => isSimulated(node) === simulated)) return undefined;
  const expression = simulated
    ? { key: simulatedLabel, operator: 'In', values: ['true'] }
    : { key: simulatedLabel, operator: 'DoesNotExist' };
  return { required: { nodeSelectorTerms: [{ matchExpressions: [expression] }] } };
}

/**
 * Makes the volume of a claim, on the engine unless its pod runs on a simulated node.
 * @returns false when it did not work out and is to be tried again
 */
export async function provision(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  { client, engine, events, nodes }: ProvisionParts,
): Promise<boolean> {
  const failed = (why: string): void => {
    const message = `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${why}`;
    events.event(claim, 'Warning', 'ProvisioningFailed', message);
  };
  const refused = refusal(claim, storageClass);
  if (refused) {
    failed(refused);
    return true;
  }
  const all = nodes();
  const chosen = claim.metadata.annotations?.[selectedNode];
  const node = chosen === undefined ? undefined : all.find(({ metadata }) => metadata.name === chosen);
  if (chosen !== undefined && !node) {
    failed(`error getting selected node "${chosen}": node "${chosen}" not found`);
    // The scheduler chooses another.
    await client.patch(resources.persistentVolumeClaims, claim.metadata.namespace, claim.metadata.name, {
      metadata: { annotations: { [selectedNode]: null } },
    });
    return true;
  }
  if (all.length === 0) {
    failed('there is no node yet');
    return false;
  }
  const simulated = node ? isSimulated(node) : all.every(isSimulated);
  const name = `pvc-${claim.metadata.uid}`;
  const handle = `gantry-${name}`;
  events.event(
    claim,
    'Normal',
    'Provisioning',
    `External provisioner is provisioning volume for claim "${keyOf(claim)}"`,
  );
  try {
    if (!simulated) await engine.createVolume(handle, { [volumeLabel]: name, [claimLabel]: keyOf(claim) });
  } catch (error) {
    failed((error as Error).message);
    return false;
  }
  const keep = storageClass.reclaimPolicy === 'Retain';
  const { namespace, name: claimName, uid, resourceVersion } = claim.metadata;
  const affinity = affinityOf(simulated, all);
  try {
    await client.create(resources.persistentVolumes, {
      metadata: {
        name,
        annotations: { [provisionedBy]: dockerVolumeDriver },
        ...(keep ? {} : { finalizers: [provisionerFinalizer] }),
      },
      spec: {
        capacity: { storage: claim.spec!.resources!.requests!['storage'] },
        accessModes: claim.spec!.accessModes,
        persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
        storageClassName: storageClass.metadata.name,
        volumeMode: 'Filesystem',
        claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: claimName, uid, resourceVersion },
        csi: {
          driver: dockerVolumeDriver,
          volumeHandle: handle,
          ...(simulated ? { volumeAttributes: { [simulatedLabel]: 'true' } } : {}),
        },
        ...(affinity ? { nodeAffinity: affinity } : {}),
      },
    });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  events.event(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${name}`);
  return true;
}
