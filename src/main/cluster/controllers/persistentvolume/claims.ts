import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '@shared/k8s';
import {
  betaStorageProvisioner,
  bindCompleted,
  noProvisioner,
  selectedNode,
  storageProvisioner,
} from '../../api/core/volume-annotations';
import { storageClassOf } from '../../api/core/volumes';
import { defaultClassOf } from '../../api/storage/storageclass';
import type { EventRecorder } from '../../client/events';
import { keyOf, resources } from '../../client/resources';
import type { Informer, KubeClient } from '../../client/types';
import type { Binding } from './binding';
import { bestVolume, isFor, mismatch } from './match';

/** What the rules see of the cluster: caches, and the API where a cache may be behind. */
export interface View {
  claim(namespace: string, name: string): Promise<PersistentVolumeClaim | undefined>;
  volume(name: string): Promise<PersistentVolume | undefined>;
  classes: Informer<StorageClass>;
  /** Volumes that name a claim, by its key. */
  volumesFor(claim: string): PersistentVolume[];
  /** Volumes of a class that name no claim. */
  freeVolumes(storageClass: string): PersistentVolume[];
  podsUsing(claim: string): Pod[];
}

export interface Parts {
  client: KubeClient;
  view: View;
  binding: Binding;
  events: EventRecorder;
}

/** Brings a claim to its volume. Resolves with true when it waits for something that may need no event to come. */
export async function syncClaim(claim: PersistentVolumeClaim, parts: Parts): Promise<boolean> {
  if (claim.metadata.annotations?.[bindCompleted]) {
    await checkBound(claim, parts);
    return false;
  }
  if (claim.metadata.deletionTimestamp) return false;
  const bound = await (claim.spec?.volumeName ? bindNamed(claim, parts) : bindAny(claim, parts));
  return !bound;
}

/** A claim that was bound keeps its volume, or is lost. */
async function checkBound(claim: PersistentVolumeClaim, parts: Parts): Promise<void> {
  const lost = async (reason: string, message: string): Promise<void> => {
    if (claim.status?.phase === 'Lost') return;
    await parts.binding.setClaimPhase(claim, 'Lost');
    parts.events.event(claim, 'Warning', reason, message);
  };
  const name = claim.spec?.volumeName;
  if (!name)
    return lost('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!');
  const volume = await parts.view.volume(name);
  if (!volume) return lost('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
  const holder = volume.spec?.claimRef;
  if (holder && holder.uid !== claim.metadata.uid && !isFor(volume, claim))
    return lost('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly');
  await parts.binding.bind(volume, claim);
}

/** A claim that asks for a volume by name waits for that one. */
async function bindNamed(claim: PersistentVolumeClaim, { view, binding, events }: Parts): Promise<boolean> {
  const volume = await view.volume(claim.spec!.volumeName!);
  if (volume && isFor(volume, claim)) {
    await binding.bind(volume, claim);
    return true;
  }
  if (volume?.spec?.claimRef) {
    const message = `volume "${volume.metadata.name}" already bound to a different claim.`;
    events.event(claim, 'Warning', 'FailedBinding', message);
  } else if (volume) {
    const why = mismatch(volume, claim);
    if (!why) {
      await binding.bind(volume, claim);
      return true;
    }
    events.event(
      claim,
      'Warning',
      'VolumeMismatch',
      `Cannot bind to requested volume "${volume.metadata.name}": ${why}`,
    );
  }
  await binding.setClaimPhase(claim, 'Pending');
  return false;
}

async function bindAny(found: PersistentVolumeClaim, parts: Parts): Promise<boolean> {
  const { view, binding, events } = parts;
  const claim = await withDefaultClass(found, parts);
  const className = storageClassOf(claim);
  const storageClass = className ? view.classes.get(undefined, className) : undefined;
  const selected = claim.metadata.annotations?.[selectedNode];
  const podDecides = storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
  const free = podDecides ? [] : view.freeVolumes(className);
  const volume = bestVolume(claim, view.volumesFor(keyOf(claim)), free);
  if (volume) {
    await binding.bind(volume, claim);
    return true;
  }
  if (podDecides && !selected) waitForPod(claim, parts);
  else if (className) await askProvisioner(claim, className, storageClass, parts);
  else {
    const message = 'no persistent volumes available for this claim and no storage class is set';
    events.event(claim, 'Normal', 'FailedBinding', message);
  }
  await binding.setClaimPhase(claim, 'Pending');
  return false;
}

/** A claim that came before there was a default class gets the one there is now. */
async function withDefaultClass(claim: PersistentVolumeClaim, { client, view }: Parts): Promise<PersistentVolumeClaim> {
  const unnamed =
    claim.spec!.storageClassName === undefined &&
    claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] === undefined;
  const chosen = unnamed ? defaultClassOf(view.classes.list()) : undefined;
  if (!chosen) return claim;
  const spec = { ...claim.spec, storageClassName: chosen.metadata.name };
  return client.update(resources.persistentVolumeClaims, { ...claim, spec });
}

function waitForPod(claim: PersistentVolumeClaim, { view, events }: Parts): void {
  const waiting = view.podsUsing(keyOf(claim)).filter((pod) => !pod.spec?.nodeName);
  if (waiting.length === 0) {
    const message = 'waiting for first consumer to be created before binding';
    return events.event(claim, 'Normal', 'WaitForFirstConsumer', message);
  }
  const names = waiting.map(({ metadata }) => metadata.name).toSorted();
  const message = `waiting for pod ${names.join(',')} to be scheduled`;
  events.event(claim, 'Normal', 'WaitForPodScheduled', message);
}

async function askProvisioner(
  claim: PersistentVolumeClaim,
  className: string,
  storageClass: StorageClass | undefined,
  { client, events }: Parts,
): Promise<void> {
  const failed = (why: string): void => events.event(claim, 'Warning', 'ProvisioningFailed', why);
  if (!storageClass) return failed(`storageclass.storage.k8s.io "${className}" not found`);
  const { provisioner } = storageClass;
  if (provisioner === noProvisioner) return failed(`no volume plugin matched name: ${provisioner}`);
  const { annotations } = claim.metadata;
  if (annotations?.[storageProvisioner] !== provisioner) {
    await client.patch(resources.persistentVolumeClaims, claim.metadata.namespace, claim.metadata.name, {
      metadata: { annotations: { [storageProvisioner]: provisioner, [betaStorageProvisioner]: provisioner } },
    });
  }
  const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
  events.event(claim, 'Normal', 'ExternalProvisioning', message);
}
