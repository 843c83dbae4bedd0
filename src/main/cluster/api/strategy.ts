import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '@shared/k8s';
import type { KindDefinition } from './kind';

/** Sets a field that is not set yet. */
export function setDefault<T extends object, K extends keyof T>(object: T, key: K, value: T[K]): void {
  if (object[key] === undefined || object[key] === null) object[key] = value;
}

/** Puts the old object's status in place of the draft's. */
export function keepStatus(object: KubeObject, old: KubeObject): void {
  if (old.status === undefined) delete object.status;
  else object.status = old.status;
}

/** metadata.generation goes up by one when the spec changed and stays otherwise. */
export function bumpGeneration(object: KubeObject, old: KubeObject): void {
  object.metadata ??= {};
  const generation = old.metadata?.generation ?? 1;
  object.metadata.generation = isDeepStrictEqual(object.spec, old.spec) ? generation : generation + 1;
}

/** A status update changes nothing but status (and what metadata the server itself keeps). */
export function keepAllButStatus(object: KubeObject, old: KubeObject): void {
  const { metadata, status } = object;
  for (const field of Object.keys(object)) delete object[field];
  Object.assign(object, old);
  object.metadata = {
    ...old.metadata,
    // Conditions and finalizers of controllers travel with status updates in no kind but
    // managedFields and resourceVersion belong to the request.
    resourceVersion: metadata?.resourceVersion,
    ...(metadata?.managedFields ? { managedFields: metadata.managedFields } : {}),
  };
  if (status === undefined) delete object.status;
  else object.status = status;
}

/**
 * The strategy of kinds with spec, status and generation: status is the
 * controllers' own, generation counts spec changes.
 */
export const specAndStatus: Pick<
  KindDefinition,
  'prepareForCreate' | 'prepareForUpdate' | 'prepareForStatusUpdate' | 'status'
> = {
  status: true,
  prepareForCreate(object) {
    object.status = {};
    object.metadata.generation = 1;
  },
  prepareForUpdate(object, old) {
    keepStatus(object, old);
    bumpGeneration(object, old);
  },
  prepareForStatusUpdate: keepAllButStatus,
};

/** As `specAndStatus`, for kinds that do not count generations. */
export const specAndStatusUncounted: Pick<
  KindDefinition,
  'prepareForCreate' | 'prepareForUpdate' | 'prepareForStatusUpdate' | 'status'
> = {
  status: true,
  prepareForCreate(object) {
    object.status = {};
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepAllButStatus,
};

/** The strategy of kinds that count generations and have no status. */
export const countedSpec: Pick<KindDefinition, 'prepareForCreate' | 'prepareForUpdate'> = {
  prepareForCreate(object) {
    object.metadata.generation = 1;
  },
  prepareForUpdate: bumpGeneration,
};
