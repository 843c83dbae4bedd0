import type { Pod } from './k8s';

/** What a drain may do beyond evicting pods that come back elsewhere: `--force` and `--delete-emptydir-data`. */
export interface DrainOptions {
  force: boolean;
  deleteEmptyDirData: boolean;
}

/**
 * What a drain does with a pod: it is evicted, it stays (a DaemonSet's pod would come right back, a
 * static pod belongs to its node), or it is in the way because an option is missing.
 */
export type DrainVerdict = 'evict' | 'daemonset' | 'mirror' | 'localStorage' | 'noController';

/** Decides by the rules of `kubectl drain --ignore-daemonsets`. */
export function drainVerdict(pod: Pod, options: DrainOptions): DrainVerdict {
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller);
  const finished = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  if (pod.metadata.annotations?.['kubernetes.io/config.mirror']) return 'mirror';
  if (finished) return 'evict';
  if (owner?.kind === 'DaemonSet') return 'daemonset';
  if (!options.deleteEmptyDirData && pod.spec?.volumes?.some((volume) => volume.emptyDir)) return 'localStorage';
  return owner || options.force ? 'evict' : 'noController';
}
