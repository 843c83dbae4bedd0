export { dockerVolumeDriver } from '../kubelet/volumes/claim';

/** Which volume of the cluster a volume of the engine is. */
export const volumeLabel = 'gantry.dev/persistent-volume';
/** The claim it was made for, as NAMESPACE/NAME: for people who list the engine's volumes. */
export const claimLabel = 'gantry.dev/claim';
/** On nodes, and on volumes made for them: nothing real is there. */
export const simulatedLabel = 'gantry.dev/simulated';
/** Keeps a volume until what is behind it is removed, as Kubernetes' external provisioners do. */
export const provisionerFinalizer = 'external-provisioner.volume.kubernetes.io/finalizer';

/** The volumes of the engine, as far as this cluster made them. Failures throw RuntimeError. */
export interface VolumeEngine {
  /** One that exists is left as it is. */
  createVolume(name: string, labels: Record<string, string>): Promise<void>;
  /** Removes those that carry all the labels; those that a container uses are refused. */
  removeVolumes(labels: Record<string, string>): Promise<void>;
}
