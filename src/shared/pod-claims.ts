import type { Pod, Volume } from './k8s';

/** The claim that a volume of a pod stands for; that of an ephemeral volume is made for the pod. */
export function claimNameOf(pod: Pod, volume: Volume): string | undefined {
  if (volume.ephemeral) return `${pod.metadata.name}-${volume.name}`;
  return volume.persistentVolumeClaim?.claimName;
}

/** The names of the claims a pod uses. */
export function claimNamesOf(pod: Pod): string[] {
  return (pod.spec?.volumes ?? []).flatMap((volume) => claimNameOf(pod, volume) ?? []);
}
