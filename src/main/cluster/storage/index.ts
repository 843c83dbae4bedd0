import type { PersistentVolume, PersistentVolumeClaim } from '@shared/k8s';
import { provisionedBy, selectedNode, storageProvisioner } from '../api/core/volume-annotations';
import { storageClassOf } from '../api/core/volumes';
import { runController, type RunningController } from '../client/controller';
import { createEventRecorder } from '../client/events';
import { keyOf, resources, splitKey } from '../client/resources';
import type { InformerFactory, KubeClient } from '../client/types';
import { WorkQueue } from '../client/workqueue';
import type { Clock } from '../clock';
import type { Logger } from '../log';
import { expand } from './expand';
import { dockerVolumeDriver, type VolumeEngine } from './names';
import { provision } from './provision';
import { reclaim } from './reclaim';
import { ensureStandardClass } from './standard-class';

export type { VolumeEngine } from './names';

export interface StorageOptions {
  client: KubeClient;
  informers: InformerFactory;
  engine: VolumeEngine;
  clock: Clock;
  log: Logger;
}

/**
 * The cluster's own storage, beside Kubernetes' controllers as a CSI driver is: the class `standard`,
 * and volumes of the engine made, grown and removed for the claims of classes with its provisioner.
 */
export interface Storage {
  /** Works once the caches are filled. */
  start(): void;
  stop(): Promise<void>;
}

const claimPrefix = 'claim/';
const volumePrefix = 'volume/';
const classKey = 'class';
/** The first wait before something that failed is tried again, and the longest. In ms. */
const patience = 1000;
const longestPatience = 60_000;

/** See Storage. */
export function createStorage(options: StorageOptions): Storage {
  const { client, informers, engine, clock, log } = options;
  const queue = new WorkQueue(clock);
  const claims = informers.informer<PersistentVolumeClaim>(resources.persistentVolumeClaims);
  const volumes = informers.informer<PersistentVolume>(resources.persistentVolumes);
  const classes = informers.informer(resources.storageClasses);
  const nodes = informers.informer(resources.nodes);
  const events = createEventRecorder({ client, clock, log, component: dockerVolumeDriver });
  const parts = { client, engine, events, nodes: () => nodes.list() };
  const failures = new Map<string, number>();
  let running: RunningController | undefined;
  let stopped = false;

  const isOurs = (volume: PersistentVolume | undefined): volume is PersistentVolume =>
    volume?.metadata.annotations?.[provisionedBy] === dockerVolumeDriver;
  const claimChanged = (claim: PersistentVolumeClaim): void => {
    if (claim.metadata.annotations?.[storageProvisioner] === dockerVolumeDriver) queue.add(claimPrefix + keyOf(claim));
  };
  const volumeChanged = (volume: PersistentVolume): void => {
    if (isOurs(volume)) queue.add(volumePrefix + volume.metadata.name);
  };
  const removals = [
    claims.on({ add: claimChanged, update: claimChanged }),
    volumes.on({ add: volumeChanged, update: volumeChanged }),
  ];

  /** @returns false when it is to be tried again */
  async function syncClaim(key: string): Promise<boolean> {
    const { namespace, name } = splitKey(key);
    const claim = claims.get(namespace, name);
    if (!claim || claim.metadata.deletionTimestamp) return true;
    if (claim.spec?.volumeName) {
      const volume = volumes.get(undefined, claim.spec.volumeName);
      if (isOurs(volume) && claim.status?.phase === 'Bound') await expand(claim, volume, parts);
      return true;
    }
    const storageClass = classes.get(undefined, storageClassOf(claim));
    if (storageClass?.provisioner !== dockerVolumeDriver) return true;
    const waits = storageClass.volumeBindingMode === 'WaitForFirstConsumer';
    if (waits && !claim.metadata.annotations?.[selectedNode]) return true;
    if (volumes.get(undefined, `pvc-${claim.metadata.uid}`)) return true;
    return provision(claim, storageClass, parts);
  }

  async function syncVolume(name: string): Promise<boolean> {
    const volume = volumes.get(undefined, name);
    return !isOurs(volume) || reclaim(volume, parts);
  }

  return {
    start() {
      void informers.start().then(() => {
        if (stopped || running) return;
        queue.add(classKey);
        running = runController({
          name: 'storage',
          queue,
          clock,
          log,
          reconciler: {
            async reconcile(key) {
              if (key === classKey) return ensureStandardClass(client);
              const done = key.startsWith(claimPrefix)
                ? await syncClaim(key.slice(claimPrefix.length))
                : await syncVolume(key.slice(volumePrefix.length));
              const failed = done ? 0 : (failures.get(key) ?? 0) + 1;
              if (done) failures.delete(key);
              else failures.set(key, failed);
              return done ? undefined : { requeueAfterMs: Math.min(patience * 2 ** (failed - 1), longestPatience) };
            },
          },
        });
      });
    },
    async stop() {
      stopped = true;
      for (const remove of removals) remove();
      queue.close();
      await running?.stop();
      await events.flushed();
    },
  };
}
