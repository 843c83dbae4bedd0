import type { Pod } from '@shared/k8s';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { podLimits } from '@shared/pod-resources';
import { parseBytes } from '@shared/quantity';
import type { PodView } from '../pod-view';
import type { Runtime } from '../runtime/types';
import { emptyDirPath, podDirectory } from '../volumes';

/** Disk space below a directory, in bytes. What vanishes meanwhile counts as nothing. */
export async function diskUsage(directory: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
    const path = join(directory, entry.name);
    const found = await lstat(path).catch(() => undefined);
    sum += (found?.blocks ?? 0) * 512;
    if (entry.isDirectory()) sum += await diskUsage(path);
  }
  return sum;
}

/** What the containers of a pod wrote into their own file systems, by container name. */
async function writtenBy(runtime: Runtime, view: PodView): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  if (!runtime.writtenBytes) return found;
  for (const [name, all] of view.containers) {
    let sum = 0;
    for (const one of all) sum += (await runtime.writtenBytes(one.id)) ?? 0;
    found.set(name, sum);
  }
  return found;
}

/** Disk space of a pod: its volumes on this host and what its containers wrote. */
export async function podDiskUsage(runtime: Runtime, root: string, pod: Pod, view: PodView): Promise<number> {
  const written = await writtenBy(runtime, view);
  const volumes = await diskUsage(join(podDirectory(root, pod.metadata.uid), 'volumes'));
  return volumes + [...written.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** Whether anything of a pod's disk space is limited. */
export function hasStorageLimits(pod: Pod): boolean {
  return (
    pod.spec!.volumes?.some(({ emptyDir }) => emptyDir?.sizeLimit && emptyDir.medium !== 'Memory') ||
    pod.spec!.containers.some(({ resources }) => resources?.limits?.['ephemeral-storage'] !== undefined)
  );
}

/** Which limit of its disk space a pod has passed, in Kubernetes' words; undefined when none. */
export async function passedLimit(
  runtime: Runtime,
  root: string,
  pod: Pod,
  view: PodView,
): Promise<string | undefined> {
  for (const { name, emptyDir } of pod.spec!.volumes ?? []) {
    const limit = emptyDir && emptyDir.medium !== 'Memory' ? emptyDir.sizeLimit : undefined;
    // "0" stands for no limit.
    if (!limit || parseBytes(limit) === 0) continue;
    if ((await diskUsage(emptyDirPath(root, pod.metadata.uid, name))) > parseBytes(limit))
      return `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `;
  }
  const limits = new Map(
    pod.spec!.containers.flatMap(({ name, resources }) => {
      const limit = resources?.limits?.['ephemeral-storage'];
      return limit ? [[name, limit] as const] : [];
    }),
  );
  if (limits.size === 0) return undefined;
  const total = podLimits(pod.spec)['ephemeral-storage'] ?? 0;
  if (limits.size === pod.spec!.containers.length && (await podDiskUsage(runtime, root, pod, view)) > total)
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${total}. `;
  const written = await writtenBy(runtime, view);
  for (const [name, limit] of limits)
    if ((written.get(name) ?? 0) > parseBytes(limit))
      return `Container ${name} exceeded its local ephemeral storage limit "${limit}". `;
  return undefined;
}
