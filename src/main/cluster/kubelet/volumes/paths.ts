import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/** All that a pod has on this host. */
export const podDirectory = (root: string, uid: string): string => join(root, uid);

/** Where a volume of a pod is. @param plugin as Kubernetes names it: empty-dir, configmap, … */
export const volumePath = (root: string, uid: string, plugin: string, name: string): string =>
  join(podDirectory(root, uid), 'volumes', `kubernetes.io~${plugin}`, name);

export const emptyDirPath = (root: string, uid: string, name: string): string =>
  volumePath(root, uid, 'empty-dir', name);

/** Where a container leaves its last words. */
export const terminationFile = (root: string, uid: string, container: string, restartCount: number): string =>
  join(podDirectory(root, uid), 'containers', container, `termination-${restartCount}`);

/** Removes what the pod had on this host. */
export async function removePodDirectory(root: string, uid: string): Promise<void> {
  if (!uid) return;
  await rm(podDirectory(root, uid), { recursive: true, force: true });
}

/** The engine's volume that a pod has for one of its own. */
export const engineVolume = (uid: string, volume: string): string => `gantry-${uid}-${volume}`;
