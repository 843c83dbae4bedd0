import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@shared/k8s';
import { claimNamesOf } from '@shared/pod-claims';
import { bindCompleted } from '../../api/core/volume-annotations';
import { storageClassOf } from '../../api/core/volumes';
import { isNotFound } from '../../client/controller';
import { keyOf, resources, splitKey } from '../../client/resources';
import type { ResourceRef } from '../../client/types';
import { WorkQueue } from '../../client/workqueue';
import { recorderFor, type ControllerContext, type ControlLoop } from '../framework';
import { Binding } from './binding';
import { syncClaim, type Parts } from './claims';
import { syncVolume } from './volumes';

/** How often a claim that waits is looked at again, so that its events do not expire. In ms. */
const resyncMs = 60_000;
const claimPrefix = 'claim/';
const volumePrefix = 'volume/';

const isUnbound = (claim: PersistentVolumeClaim): boolean =>
  !claim.metadata.annotations?.[bindCompleted] && !claim.metadata.deletionTimestamp;

/**
 * Binds claims to volumes and says what became of both, as Kubernetes' persistentvolume-controller:
 * volumes that are there are chosen here, others are left to the provisioner of the claim's class.
 */
export function createPersistentVolumeController(context: ControllerContext): ControlLoop {
  const { client, clock, informers } = context;
  const queue = new WorkQueue(clock);
  const claims = informers.informer(resources.persistentVolumeClaims);
  const volumes = informers.informer(resources.persistentVolumes);
  const classes = informers.informer(resources.storageClasses);
  const pods = informers.informer<Pod>(resources.pods);
  volumes.addIndex('claimRef', ({ spec }) =>
    spec?.claimRef ? [`${spec.claimRef.namespace}/${spec.claimRef.name}`] : [],
  );
  volumes.addIndex('free', (volume) => (volume.spec?.claimRef ? [] : [storageClassOf(volume)]));
  claims.addIndex('unbound', (claim) => (isUnbound(claim) ? [storageClassOf(claim)] : []));
  claims.addIndex('volume', ({ spec }) => (spec?.volumeName ? [spec.volumeName] : []));
  pods.addIndex('claims', (pod) => claimNamesOf(pod).map((name) => `${pod.metadata.namespace}/${name}`));

  const addClaim = (claim: PersistentVolumeClaim): void => queue.add(claimPrefix + keyOf(claim));
  const addVolume = (volume: PersistentVolume): void => queue.add(volumePrefix + keyOf(volume));
  const volumeChanged = (volume: PersistentVolume): void => {
    addVolume(volume);
    const holder = volume.spec?.claimRef;
    if (holder) queue.add(`${claimPrefix}${holder.namespace}/${holder.name}`);
    else for (const claim of claims.byIndex('unbound', storageClassOf(volume))) addClaim(claim);
    for (const claim of claims.byIndex('volume', volume.metadata.name)) addClaim(claim);
  };
  const claimChanged = (claim: PersistentVolumeClaim): void => {
    addClaim(claim);
    for (const volume of volumes.byIndex('claimRef', keyOf(claim))) addVolume(volume);
    if (claim.spec?.volumeName) queue.add(volumePrefix + claim.spec.volumeName);
  };
  const podChanged = (pod: Pod): void => {
    for (const name of claimNamesOf(pod)) {
      const claim = claims.get(pod.metadata.namespace, name);
      if (claim && isUnbound(claim)) addClaim(claim);
    }
  };
  volumes.on({ add: volumeChanged, update: volumeChanged, delete: volumeChanged });
  claims.on({ add: claimChanged, update: claimChanged, delete: claimChanged });
  pods.on({ add: podChanged, delete: podChanged });
  const classChanged = ({ metadata }: { metadata: { name: string } }): void => {
    // Claims without a class get one as soon as there is a default.
    for (const name of ['', metadata.name]) for (const claim of claims.byIndex('unbound', name)) addClaim(claim);
  };
  classes.on({ add: classChanged, update: classChanged, delete: classChanged });

  /** Caches may be behind each other: what is not in one may be there. */
  const find = async <T>(ref: ResourceRef, namespace: string | undefined, name: string): Promise<T | undefined> => {
    try {
      return (await client.get(ref, namespace, name)) as T;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  const parts: Parts = {
    client,
    binding: new Binding(client),
    events: recorderFor(context, 'persistentvolume-controller'),
    view: {
      classes,
      claim: async (namespace, name) =>
        claims.get(namespace, name) ?? (await find(resources.persistentVolumeClaims, namespace, name)),
      volume: async (name) =>
        volumes.get(undefined, name) ?? (await find(resources.persistentVolumes, undefined, name)),
      volumesFor: (claim) => volumes.byIndex('claimRef', claim),
      freeVolumes: (storageClass) => volumes.byIndex('free', storageClass),
      podsUsing: (claim) => pods.byIndex('claims', claim),
    },
  };

  return {
    name: 'persistentvolume',
    queue,
    reconciler: {
      async reconcile(key) {
        if (key.startsWith(volumePrefix)) {
          const volume = volumes.get(undefined, key.slice(volumePrefix.length));
          const next = volume && (await syncVolume(volume, parts));
          if (next && isUnbound(next)) addClaim(next);
          return undefined;
        }
        const { namespace, name } = splitKey(key.slice(claimPrefix.length));
        const claim = claims.get(namespace, name);
        if (!claim) return undefined;
        return (await syncClaim(claim, parts)) ? { requeueAfterMs: resyncMs } : undefined;
      },
    },
  };
}
