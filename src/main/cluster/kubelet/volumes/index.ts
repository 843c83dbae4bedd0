import { chmod, mkdir } from 'node:fs/promises';
import type { Pod, Volume } from '@shared/k8s';
import { claimNameOf } from '@shared/pod-claims';
import { parseBytes } from '@shared/quantity';
import { writeAtomically, type ProjectedFile } from '../atomic-directory';
import { podLabels } from '../container-specs';
import { mountClaim } from './claim';
import { checkHostPath } from './host-path';
import { giveToGroup, groupMode, groupOf } from './ownership';
import { engineVolume, volumePath } from './paths';
import { filesOf, projectionOf } from './projected';
import { MountError, type MountedVolume, type VolumeContext } from './types';

export { managedMounts, mountsOf } from './mounts';
export { emptyDirPath, engineVolume, podDirectory, removePodDirectory, terminationFile } from './paths';
export { MountError, type MountedVolume, type VolumeContext } from './types';

/** Volumes with the credentials of a pod's account, which admission adds. */
const isCredentials = (volume: Volume): boolean =>
  volume.projected !== undefined && volume.name.startsWith('kube-api-access-');

const needsLocal = (what: string): string =>
  `${what} needs a directory of this host and the Docker engine runs on another machine: connect to a local engine`;

/** The volumes of a pod. Those with its account's credentials may still be on their way. */
export interface MountedVolumes {
  byName: Map<string, MountedVolume>;
  /** Resolves when every volume is there; absent when they all are. @throws MountError */
  complete?: Promise<void>;
}

/**
 * Sets up (or refreshes) the volumes of a pod. Every pod has credentials and they hardly ever fail,
 * so that they are not waited for: a sandbox can be made meanwhile. @throws MountError
 */
export async function mountVolumes(pod: Pod, context: VolumeContext): Promise<MountedVolumes> {
  const byName = new Map<string, MountedVolume>();
  const mount = async (volume: Volume): Promise<void> => {
    try {
      byName.set(volume.name, await mountVolume(pod, volume, context));
    } catch (error) {
      if (error instanceof MountError) throw error;
      throw new MountError(volume.name, (error as Error).message);
    }
  };
  const volumes = pod.spec!.volumes ?? [];
  const credentials = volumes.filter(isCredentials);
  const complete = credentials.length > 0 ? Promise.all(credentials.map(mount)).then(() => {}) : undefined;
  // Whoever waits hears of a failure; nobody may have come to that yet.
  complete?.catch(() => {});
  for (const volume of volumes) if (!isCredentials(volume)) await mount(volume);
  return { byName, complete };
}

/** Files that follow an object are written anew when it changed. @throws MountError */
export async function refreshVolumes(pod: Pod, context: VolumeContext): Promise<void> {
  for (const volume of pod.spec!.volumes ?? []) {
    if (volume.configMap || volume.secret || volume.projected || volume.downwardAPI)
      await mountVolume(pod, volume, context);
  }
}

async function mountVolume(pod: Pod, volume: Volume, context: VolumeContext): Promise<MountedVolume> {
  const { name, emptyDir, hostPath } = volume;
  const real = context.runtime.kind !== 'simulated';
  if (!real && (emptyDir || hostPath)) return { type: 'volume', source: name, readOnly: false };
  const place = (plugin: string): string => volumePath(context.directory, pod.metadata.uid, plugin, name);
  const group = groupOf(pod);
  if (claimNameOf(pod, volume)) return mountClaim(pod, volume, context);

  if (emptyDir) {
    if (emptyDir.medium === 'Memory' || !context.local) {
      const source = engineVolume(pod.metadata.uid, name);
      const sizeBytes = parseBytes(emptyDir.sizeLimit) || undefined;
      const memory = emptyDir.medium === 'Memory' ? { sizeBytes, group } : undefined;
      await context.runtime.createVolume(source, podLabels(pod, context.facts.nodeName), memory);
      return { type: 'volume', source, readOnly: false };
    }
    const source = place('empty-dir');
    await mkdir(source, { recursive: true });
    await chmod(source, 0o777);
    if (group !== undefined) await giveToGroup(source, group);
    return { type: 'bind', source, readOnly: false };
  }
  // Without the account's token most pods work; they would not without their volume.
  if (!context.local && isCredentials(volume)) {
    const source = engineVolume(pod.metadata.uid, name);
    await context.runtime.createVolume(source, podLabels(pod, context.facts.nodeName));
    return { type: 'volume', source, readOnly: true };
  }
  if (!context.local) throw new MountError(name, needsLocal(hostPath ? 'hostPath' : 'this kind of volume'));
  if (hostPath) {
    await checkHostPath(hostPath.path, hostPath.type ?? '');
    return { type: 'bind', source: hostPath.path, readOnly: false };
  }
  const projection = projectionOf(volume);
  if (!projection)
    throw new MountError(
      name,
      'no volume plugin matched: emptyDir, hostPath, configMap, secret, downwardAPI, projected, persistentVolumeClaim and ephemeral are supported',
    );
  const files = new Map<string, ProjectedFile>();
  for (const source of projection.sources) {
    for (const [path, file] of await filesOf(pod, source, projection.defaultMode, context)) files.set(path, file);
  }
  const source = place(projection.plugin);
  if (real) await writeForGroup(source, files, group);
  return { type: 'bind', source, readOnly: true };
}

/** @param group may read the files, if there is one */
async function writeForGroup(
  directory: string,
  files: Map<string, ProjectedFile>,
  group: number | undefined,
): Promise<void> {
  if (group === undefined) return void (await writeAtomically(directory, files));
  const owned = process.getuid?.() === 0 || (process.getgroups?.().includes(group) ?? false);
  const open = new Map([...files].map(([path, file]) => [path, { ...file, mode: groupMode(file.mode, owned) }]));
  await writeAtomically(directory, open, (target) => giveToGroup(target, group, { readOnly: true }));
}
