import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@shared/k8s';
import { claimNameOf } from '@shared/pod-claims';
import { parseBytes } from '@shared/quantity';
import { resources } from '../client/resources';
import type { InformerFactory } from '../client/types';
import type { Clock } from '../clock';
import type { Runtime } from '../kubelet/runtime/types';
import type { Logger } from '../log';
import type { VolumeUsage } from '../metrics';
import { dockerVolumeDriver } from './names';

/** For how long sizes are believed: the engine goes through all files to tell them. In ms. */
const believeMs = 60_000;
/** How soon it is asked again about a volume that it did not tell of, which may be new. */
const askAgainMs = 5_000;

export interface VolumeUsageOptions {
  informers: InformerFactory;
  engine: Pick<Runtime, 'volumeSizes'>;
  clock: Clock;
  log: Logger;
}

/** Tells how full the claims are that the pods of a node use. The engine is asked only when somebody wants to know. */
export function createVolumeUsage({ informers, engine, clock, log }: VolumeUsageOptions) {
  const pods = informers.informer<Pod>(resources.pods);
  const claims = informers.informer<PersistentVolumeClaim>(resources.persistentVolumeClaims);
  const volumes = informers.informer<PersistentVolume>(resources.persistentVolumes);
  let read: { at: number; sizes: Promise<ReadonlyMap<string, number>> } | undefined;

  const sizes = (believed = believeMs): { at: number; sizes: Promise<ReadonlyMap<string, number>> } => {
    if (!read || clock.now() - read.at >= believed) {
      const asked = Promise.resolve(engine.volumeSizes?.() ?? new Map<string, number>());
      read = {
        at: clock.now(),
        sizes: asked.catch((error: Error) => {
          log.debug('the engine does not tell the sizes of its volumes', { error });
          return new Map<string, number>();
        }),
      };
    }
    return read;
  };

  return async (node: string): Promise<VolumeUsage[]> => {
    const used = pods.list().flatMap((pod) => {
      if (pod.spec?.nodeName !== node || pod.status?.phase !== 'Running') return [];
      return (pod.spec.volumes ?? []).flatMap((volume) => {
        const claim = claimNameOf(pod, volume);
        const name = claim && claims.get(pod.metadata.namespace, claim)?.spec?.volumeName;
        const found = name ? volumes.get(undefined, name)?.spec : undefined;
        return found?.csi?.driver === dockerVolumeDriver ? [{ pod, volume: volume.name, claim: claim!, found }] : [];
      });
    });
    if (used.length === 0) return [];
    let { at, sizes: asked } = sizes();
    let known = await asked;
    if (used.some(({ found }) => !known.has(found.csi!.volumeHandle))) {
      ({ at, sizes: asked } = sizes(askAgainMs));
      known = await asked;
    }
    return used.flatMap(({ pod, volume, claim, found }) => {
      const usedBytes = known.get(found.csi!.volumeHandle);
      if (usedBytes === undefined) return [];
      const { namespace, name, uid } = pod.metadata;
      const capacityBytes = parseBytes(found.capacity?.['storage']);
      return [{ namespace: namespace!, pod: name, uid, volume, claim, usedBytes, capacityBytes, timeMs: at }];
    });
  };
}
