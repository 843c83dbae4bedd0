import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '@shared/k8s';
import { matchesNodeSelectorTerm } from '@shared/node-selector';
import { claimNameOf } from '@shared/pod-claims';
import { stat } from 'node:fs/promises';
import type { RuntimeVolume } from '../runtime/types';
import { checkHostPath } from './host-path';
import { giveToGroup, groupOf } from './ownership';
import { MountError, type MountedVolume, type VolumeContext } from './types';

/**
 * The driver of PersistentVolumes that are volumes of the engine:
 * `csi: {driver: docker.gantry.dev, volumeHandle: NAME}` is mounted as the engine's volume NAME,
 * which must carry the label of this cluster.
 */
export const dockerVolumeDriver = 'docker.gantry.dev';

/** Finds the PersistentVolume of a claim and makes it available. @throws MountError while it is not */
export async function mountClaim(pod: Pod, volume: Volume, context: VolumeContext): Promise<MountedVolume> {
  const claim = await boundClaim(pod, volume, context);
  const pv = await volumeOf(claim, volume, context);
  const modes = pv.spec!.accessModes ?? claim.spec!.accessModes ?? [];
  checkSharing(pod, claim, pv, modes, context);
  const readOnly =
    volume.persistentVolumeClaim?.readOnly === true ||
    pv.spec!.csi?.readOnly === true ||
    (modes.length > 0 && modes.every((mode) => mode === 'ReadOnlyMany'));
  if (context.runtime.kind === 'simulated') return { type: 'volume', source: pv.metadata.name, readOnly };
  return { ...(await sourceOf(pod, pv, readOnly, context)), readOnly };
}

async function boundClaim(pod: Pod, volume: Volume, context: VolumeContext): Promise<PersistentVolumeClaim> {
  const namespace = pod.metadata.namespace!;
  const name = claimNameOf(pod, volume)!;
  const refuse = (why: string): MountError =>
    new MountError(
      volume.name,
      why,
      `Unable to attach or mount volumes: unmounted volumes=[${volume.name}], unattached volumes=[], failed to process volumes=[${volume.name}]: error processing PVC ${namespace}/${name}: ${why}`,
    );
  const claim = await context.objects.claim(namespace, name);
  if (!claim) throw refuse(`failed to fetch PVC from API server: persistentvolumeclaims "${name}" not found`);
  if (volume.ephemeral && !claim.metadata.ownerReferences?.some((owner) => owner.uid === pod.metadata.uid))
    throw refuse(
      `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`,
    );
  if (claim.metadata.deletionTimestamp) throw refuse('PVC is being deleted');
  if (claim.status?.phase !== 'Bound' || !claim.spec!.volumeName) throw refuse('PVC is not bound');
  return claim;
}

async function volumeOf(
  claim: PersistentVolumeClaim,
  volume: Volume,
  context: VolumeContext,
): Promise<PersistentVolume> {
  const name = claim.spec!.volumeName!;
  const pv = await context.objects.persistentVolume(name);
  if (!pv) throw new MountError(volume.name, `persistentvolume "${name}" not found`);
  const owner = pv.spec!.claimRef;
  if (owner?.uid !== claim.metadata.uid)
    throw new MountError(
      name,
      `PV ${name} is bound to a different PVC (${owner?.namespace ?? ''}/${owner?.name ?? ''})`,
    );
  if (pv.spec!.volumeMode === 'Block')
    throw new MountError(name, 'volumes of mode Block are not supported: container engines mount file systems only');
  const required = pv.spec!.nodeAffinity?.required;
  const node = context.objects.node(context.facts.nodeName);
  if (required && node && !required.nodeSelectorTerms.some((term) => matchesNodeSelectorTerm(term, node)))
    throw new MountError(
      name,
      'no matching NodeSelectorTerms',
      `MountVolume.NodeAffinity check failed for volume "${name}" : no matching NodeSelectorTerms`,
    );
  return pv;
}

/** ReadWriteOnce is one node, ReadWriteOncePod one pod. */
function checkSharing(
  pod: Pod,
  claim: PersistentVolumeClaim,
  pv: PersistentVolume,
  modes: string[],
  context: VolumeContext,
): void {
  const others = context.objects
    .podsOfClaim(claim.metadata.namespace!, claim.metadata.name)
    .filter((other) => other.metadata.uid !== pod.metadata.uid);
  const { name } = pv.metadata;
  const only = (...wanted: string[]): boolean => modes.length > 0 && modes.every((mode) => wanted.includes(mode));
  if (only('ReadWriteOncePod') && firstOf(pod, others).length > 0)
    throw new MountError(name, 'volume uses the ReadWriteOncePod access mode and is already in use by another pod');
  // Directories need no attaching, as in Kubernetes; whether they are the same elsewhere is their owner's business.
  if (!pv.spec!.csi || !only('ReadWriteOnce', 'ReadWriteOncePod')) return;
  const isHere = (other: Pod): boolean => other.spec!.nodeName === context.facts.nodeName;
  if (others.some((other) => isHere(other) && hasMounted(other))) return;
  const elsewhere = firstOf(
    pod,
    others.filter((other) => !isHere(other)),
  );
  if (elsewhere.length === 0) return;
  const names = elsewhere.map((other) => other.metadata.name).join(', ');
  throw new MountError(
    name,
    'Multi-Attach error',
    `Multi-Attach error for volume "${name}" Volume is already used by pod(s) ${names}`,
    'FailedAttachVolume',
  );
}

/** Whether a pod came so far that its volumes are mounted. */
const hasMounted = ({ status }: Pod): boolean =>
  status?.podIP !== undefined || (status?.phase !== undefined && status.phase !== 'Pending');

/**
 * The other pods that come before this one: those that have the volume, else, so that
 * pods do not wait for each other, the older ones that wait for it too.
 */
function firstOf(pod: Pod, others: readonly Pod[]): readonly Pod[] {
  if (hasMounted(pod)) return [];
  const holders = others.filter(hasMounted);
  if (holders.length > 0) return holders;
  const since = ({ metadata }: Pod): string => `${metadata.creationTimestamp ?? ''} ${metadata.uid}`;
  return others.filter((other) => since(other) < since(pod));
}

async function sourceOf(
  pod: Pod,
  pv: PersistentVolume,
  readOnly: boolean,
  context: VolumeContext,
): Promise<Pick<MountedVolume, 'type' | 'source'>> {
  const { hostPath, local, csi } = pv.spec!;
  const { name } = pv.metadata;
  if (csi?.driver === dockerVolumeDriver) {
    const found = await context.runtime.volume(csi.volumeHandle);
    if (!found)
      throw new MountError(name, `the engine has no volume "${csi.volumeHandle}" that belongs to this cluster`);
    if (!readOnly) await giveEngineVolume(pod, found, context);
    return { type: 'volume', source: csi.volumeHandle };
  }
  const path = hostPath?.path ?? local?.path;
  if (path === undefined)
    throw new MountError(
      name,
      `no volume plugin matched: hostPath, local and csi of ${dockerVolumeDriver} are supported`,
    );
  if (!context.local)
    throw new MountError(name, `"${path}" is a path of this host and the Docker engine runs on another machine`);
  if (hostPath) await checkHostPath(path, hostPath.type ?? '');
  else if (!(await stat(path).catch(() => undefined))) throw new MountError(name, `path "${path}" does not exist`);
  // What is on the host at large is left as it is; a local volume is the pod's.
  if (local && !readOnly) await giveDirectory(pod, path);
  return { type: 'bind', source: path };
}

async function giveDirectory(pod: Pod, path: string): Promise<void> {
  const { fsGroup, fsGroupChangePolicy } = pod.spec!.securityContext ?? {};
  if (fsGroup === undefined) return;
  await giveToGroup(path, fsGroup, { onlyWhenRootDiffers: fsGroupChangePolicy === 'OnRootMismatch' });
}

/** All that is in it where this process may reach into the engine's volumes; else its top, and what is made from now on. */
async function giveEngineVolume(pod: Pod, { name, path }: RuntimeVolume, context: VolumeContext): Promise<void> {
  const reachable = context.local && process.getuid?.() === 0 && (await stat(path).catch(() => undefined));
  if (reachable) return giveDirectory(pod, path);
  const group = groupOf(pod);
  if (group !== undefined) await context.runtime.giveVolume?.(name, group);
}
