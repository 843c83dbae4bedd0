import type { FieldFacts } from '../field-refs';
import type { ObjectSource } from '../objects';
import type { Runtime } from '../runtime/types';

/** Where a volume is for the containers of a pod: a path of this host, or a volume of the engine. */
export interface MountedVolume {
  type: 'bind' | 'volume';
  source: string;
  readOnly: boolean;
}

export interface VolumeContext {
  runtime: Runtime;
  /** The engine sees this host's directories. */
  local: boolean;
  /** Root of all pods' directories. */
  directory: string;
  objects: ObjectSource;
  facts: FieldFacts;
  clusterDomain: string;
  /** Told of every token that a volume holds when it is to be replaced, in ms since the epoch. */
  onToken(renewAt: number): void;
}

/** A volume that cannot be set up (yet). */
export class MountError extends Error {
  override name = 'MountError';
  /** @param volume as the pod names it, or its PersistentVolume */
  constructor(
    readonly volume: string,
    readonly why: string,
    message = `MountVolume.SetUp failed for volume "${volume}" : ${why}`,
    /** The reason of the event. */
    readonly reason: 'FailedMount' | 'FailedAttachVolume' = 'FailedMount',
  ) {
    super(message);
  }
}
