import { randomUUID } from 'node:crypto';
import type { KubeObject } from '@shared/k8s';
import { alreadyExists, badRequest, conflict, invalid, notFound } from '../api/errors';
import type { FieldError, StrategyContext } from '../api/kind';
import { unattendedWarnings } from '../api/unattended';
import { validateObjectMeta, validateObjectMetaUpdate } from '../api/validation/meta';
import { timestamp } from '../clock';
import { StoreError, type StoredObject } from '../store/types';
import type { AdmissionAttributes } from './admission';
import { objectResponse, type Call, type ServerContext } from './context';
import { decodeObject } from './decode';
import { managerOf, recordUpdate, sameButTimes } from './fields/managers';
import { cloneJson, jsonEqual } from '../json';
import { cloneObject } from './json';
import { heldByNamespaceFinalizer } from './namespaces';
import { getStored } from './resources';
import type { Answer, ApiResponse } from './types';

const nameLetters = 'bcdfghjklmnpqrstvwxz2456789';
const attempts = 50;
/** What a conflict of versions is told with. */
export const modified = 'the object has been modified; please apply your changes to the latest version and try again';

/** POST to a collection. */
export async function create(context: ServerContext, call: Call): Promise<ApiResponse> {
  const object = decodeObject(call.request, call.resource.definition, context.schema, call.warnings);
  return objectResponse(call, await createObject(context, call, object), 201);
}

/**
 * Stores a new object, given as a draft of the caller's own.
 * @param owned its metadata.managedFields already says who owns it
 * @throws ApiError
 */
export async function createObject(
  context: ServerContext,
  call: Call,
  object: KubeObject,
  { owned = false } = {},
): Promise<Answer> {
  const metadata = placed(call, object);
  if (metadata.resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created');
  const generated = !metadata.name && metadata.generateName;
  if (call.name !== undefined) metadata.name = call.name;
  for (let attempt = 0; ; attempt++) {
    const draft = generated ? cloneJson(object) : object;
    if (generated) draft.metadata!.name = generateName(generated, context.random);
    try {
      return await createOnce(context, call, draft, owned);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'exists') throw error;
      if (!generated || attempt >= 7) throw alreadyExists(call.resource.definition, draft.metadata!.name!);
    }
  }
}

async function createOnce(context: ServerContext, call: Call, object: KubeObject, owned: boolean): Promise<Answer> {
  const { definition } = call.resource;
  const metadata = object.metadata!;
  delete metadata.selfLink;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.generation;
  delete metadata.resourceVersion;
  metadata.uid = randomUUID();
  metadata.creationTimestamp = timestamp(context.clock.now());
  definition.defaults?.(object);
  if (!owned) recordUpdate(call, object, undefined, context.clock.now(), managerOf(call, 'Update'));
  return admitted(context, call, { operation: 'CREATE', object }, async (attributes) => {
    const admittedObject = attributes.object!;
    definition.prepareForCreate?.(admittedObject, strategyContext(context, call));
    refuse(call, metadata.name ?? '', [
      ...validateObjectMeta(admittedObject.metadata, definition),
      ...(definition.validate?.(admittedObject) ?? []),
      ...(definition.validateChange?.(admittedObject, undefined) ?? []),
    ]);
    context.services.allocate(attributes);
    await context.admission.validate(attributes);
    call.warnings.push(...(definition.warnings?.(admittedObject) ?? []), ...unattendedWarnings(definition));
    const key = call.resource.key(call.namespace, metadata.name!);
    if (!attributes.dryRun) return context.store.create(key, admittedObject);
    const current = context.store.get(key);
    if (current) throw new StoreError('exists', key, current);
    return { value: admittedObject };
  });
}

/** PUT of an object or its status. */
export async function update(context: ServerContext, call: Call): Promise<ApiResponse> {
  const object = decodeObject(call.request, call.resource.definition, context.schema, call.warnings);
  const metadata = placed(call, object);
  if (!metadata.name) throw badRequest(`name must be provided`);
  if (metadata.name !== call.name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${call.name})`);
  }
  const version = metadata.resourceVersion;
  return objectResponse(call, await mutate(context, call, () => cloneObject(object), { version }));
}

/** A part of an object that is an object of its own to clients: a Scale. */
export interface RequestedPart {
  subresource: string;
  kind: NonNullable<AdmissionAttributes['kind']>;
  /** Set where it has no state of its own that could be changed: a Binding. */
  operation?: 'CREATE';
  of(object: KubeObject): KubeObject;
  /** Puts what admission made of the part into the object. */
  into(object: KubeObject, part: KubeObject): void;
}

export interface MutateOptions {
  /** The resourceVersion the client changed; '' or absent: whatever is stored. */
  version?: string;
  /**
   * Which parts the client may change; the default follows the call's subresource (`part`: one of the kind's own).
   * `none`: the server itself changes what no client may, and validates nothing.
   */
  strategy?: 'main' | 'status' | 'part' | 'none';
  /** The draft's metadata.managedFields already says who owns it. */
  owned?: boolean;
  /** The subresource under which the change is written down; the default is the call's. */
  through?: string;
  /** What the request changes, where that is not the object itself: what admission sees and may change. */
  part?: RequestedPart;
}

/**
 * Reads, changes and writes one object until nobody came in between. A change that
 * changes nothing is not written. Taking the last finalizer off an object that is
 * being deleted deletes it.
 * @param change makes the draft from what is stored; it may throw ApiError
 */
export async function mutate(
  context: ServerContext,
  call: Call,
  change: (current: StoredObject) => KubeObject,
  options: MutateOptions = {},
): Promise<Answer> {
  const { definition } = call.resource;
  let current = getStored(context.store, call.resource, call.namespace, call.name!);
  for (let attempt = 0; ; attempt++) {
    const draft = change(current);
    const version = options.version ?? '';
    if (version !== '' && version !== '0' && version !== String(current.revision)) {
      throw conflict(definition, call.name!, modified);
    }
    try {
      return await writeOnce(context, call, draft, current, options);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.code === 'notFound') throw notFound(definition, call.name!);
      if (error.code !== 'conflict') throw error;
      if (attempt >= attempts) throw conflict(definition, call.name!, modified);
      current = error.current ?? getStored(context.store, call.resource, call.namespace, call.name!);
    }
  }
}

async function writeOnce(
  context: ServerContext,
  call: Call,
  draft: KubeObject,
  current: StoredObject,
  options: MutateOptions,
): Promise<Answer> {
  const { definition } = call.resource;
  const old = current.value;
  keepServerMetadata(call, draft, current);
  const part = definition.partialUpdates?.[call.subresource ?? ''];
  const strategy = options.strategy ?? (call.subresource === 'status' ? 'status' : part ? 'part' : 'main');
  const forStrategy = strategyContext(context, call);
  const record = () => {
    if (options.owned) return;
    recordUpdate(call, draft, old, context.clock.now(), managerOf(call, 'Update', options.through));
  };
  if (strategy !== 'none') definition.defaults?.(draft);
  const prepare = (object: KubeObject) => {
    if (strategy === 'main') definition.prepareForUpdate?.(object, old, forStrategy);
    if (strategy === 'status') definition.prepareForStatusUpdate?.(object, old, forStrategy);
    if (strategy === 'part') part?.(object, old, forStrategy);
  };
  // What a subresource may not change is put back before it is written down who changed what;
  // what the kind's strategy fills in belongs to nobody.
  const partial = strategy === 'status' || strategy === 'part';
  if (partial) prepare(draft);
  if (strategy !== 'none') record();
  const { part: asked } = options;
  const operation = asked?.operation ?? 'UPDATE';
  const seen = asked ? asked.of(draft) : draft;
  const before = operation === 'CREATE' ? undefined : asked ? asked.of(old) : old;
  const request = asked ? { ...call, subresource: asked.subresource } : call;
  const change = { operation, object: seen, old: before, kind: asked?.kind } as const;
  return admitted(context, request, change, async (attributes) => {
    asked?.into(draft, attributes.object!);
    const object = asked ? draft : attributes.object!;
    if (!partial || object !== draft) prepare(object);
    if (strategy !== 'none') {
      refuse(call, call.name!, [
        ...validateObjectMeta(object.metadata, definition),
        ...validateObjectMetaUpdate(object.metadata!, old.metadata!),
        ...(definition.validate?.(object) ?? []),
        ...((definition.validatePart?.[call.subresource ?? ''] ?? definition.validateUpdate)?.(object, old) ?? []),
        ...(definition.validateChange?.(object, old) ?? []),
      ]);
    }
    if (strategy === 'main') context.services.allocate(attributes);
    await context.admission.validate(attributes);
    if (strategy === 'main') call.warnings.push(...(definition.warnings?.(object) ?? []));
    object.metadata!.resourceVersion = String(current.revision);
    if (jsonEqual(object, old) || (options.owned && sameButTimes(object, old))) return current;
    if (attributes.dryRun) return { value: object };
    if (finished(call, object)) {
      await context.store.delete(current.key, current.revision);
      return { value: object };
    }
    return context.store.update(current.key, object, current.revision);
  });
}

function strategyContext({ clock }: ServerContext, { user }: Call): StrategyContext {
  const { name, groups, uid, extra } = user;
  return { clock, user: name, userInfo: { groups, uid, extra } };
}

/** Whether nothing holds an object that is being deleted any longer. */
function finished(call: Call, object: KubeObject): boolean {
  const metadata = object.metadata!;
  return (
    metadata.deletionTimestamp !== undefined &&
    !metadata.finalizers?.length &&
    !metadata.deletionGracePeriodSeconds &&
    !heldByNamespaceFinalizer(call.resource, object)
  );
}

/** What the server alone says about an object. */
function keepServerMetadata(call: Call, draft: KubeObject, current: StoredObject): void {
  const old = current.value.metadata!;
  const metadata = (draft.metadata ??= {});
  if (metadata.uid && metadata.uid !== old.uid) {
    throw conflict(
      call.resource.definition,
      call.name!,
      `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${old.uid}`,
    );
  }
  draft.apiVersion = current.value.apiVersion;
  draft.kind = current.value.kind;
  metadata.name = old.name;
  if (old.namespace !== undefined) metadata.namespace = old.namespace;
  for (const field of [
    'uid',
    'creationTimestamp',
    'generation',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generateName',
  ] as const) {
    if (old[field] === undefined) delete metadata[field];
    else (metadata as Record<string, unknown>)[field] = old[field];
  }
  delete metadata.selfLink;
  if (metadata.managedFields === undefined && old.managedFields) metadata.managedFields = old.managedFields;
}

/** Lets admission change the object, then writes it; reservations are given back however it ends. */
export async function admitted<T>(
  context: ServerContext,
  call: Call,
  change: Pick<AdmissionAttributes, 'operation' | 'object' | 'old' | 'kind'>,
  write: (attributes: AdmissionAttributes) => Promise<T>,
): Promise<T> {
  const done: (() => void)[] = [];
  const attributes: AdmissionAttributes = {
    operation: change.operation,
    object: change.object,
    old: change.old,
    kind: change.kind,
    resource: call.resource,
    subresource: call.subresource,
    namespace: call.namespace,
    name: call.name ?? change.object?.metadata?.name,
    user: call.user,
    dryRun: isDryRun(call),
    fieldManager: call.request.query.get('fieldManager') ?? undefined,
    warn: (message) => void call.warnings.push(message),
    annotate: (key, value) => call.request.annotate?.(key, value),
    onDone: (callback) => void done.push(callback),
  };
  try {
    await context.admission.admit(attributes);
    return await write(attributes);
  } finally {
    for (const callback of done) callback();
  }
}

/** Whether nothing is to be stored. */
export function isDryRun(call: Call): boolean {
  return call.request.query.getAll('dryRun').includes('All');
}

/** The draft's metadata, in the namespace that the path names. @throws ApiError 400 */
function placed(call: Call, object: KubeObject) {
  const metadata = (object.metadata ??= {});
  if (typeof metadata !== 'object' || Array.isArray(metadata)) throw badRequest('metadata must be an object');
  if (call.resource.definition.namespaced) {
    if (call.namespace === undefined) throw badRequest('an empty namespace may not be set during creation');
    metadata.namespace ||= call.namespace;
    if (metadata.namespace !== call.namespace) {
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    }
  } else {
    // Manifests often name a namespace where there is none; Kubernetes passes over it.
    delete metadata.namespace;
  }
  return metadata;
}

/** A prefix with five letters that spell nothing, within 63 characters. */
function generateName(prefix: string, random: () => number): string {
  let suffix = '';
  for (let index = 0; index < 5; index++) suffix += nameLetters[Math.floor(random() * nameLetters.length)];
  return prefix.slice(0, 58) + suffix;
}

function refuse(call: Call, name: string, errors: FieldError[]): void {
  if (errors.length > 0) throw invalid(call.resource.definition, name, errors);
}
