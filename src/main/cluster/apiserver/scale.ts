import type { KubeObject } from '@shared/k8s';
import { badRequest, conflict, invalid } from '../api/errors';
import type { StoredObject } from '../store/types';
import { objectResponse, type Call, type ServerContext } from './context';
import { decodeObject, mediaType } from './decode';
import { managerOf, viewOf } from './fields/managers';
import { applyTo, type Application } from './fields/merge';
import { cloneJson } from '../json';
import { cloneObject } from './json';
import { readPatch } from './patch';
import { flag } from './reads';
import { checkWriteOptions } from './request-options';
import { getStored } from './resources';
import type { Answer, ApiResponse } from './types';
import { modified, mutate, type RequestedPart } from './writes';

const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale', plural: 'scales' };

/** GET, PUT and PATCH of the scale subresource. */
export async function scale(context: ServerContext, call: Call): Promise<ApiResponse> {
  if (call.request.method === 'GET') {
    return objectResponse(call, {
      value: scaleOf(call, getStored(context.store, call.resource, call.namespace, call.name!).value),
    });
  }
  const main = { ...call, subresource: undefined };
  if (mediaType(call.request.contentType) === 'application/apply-patch+yaml' && call.request.method === 'PATCH') {
    return objectResponse(call, { value: scaleOf(call, (await applyScale(context, call, main)).value) });
  }
  if (call.request.method === 'PATCH') checkWriteOptions(call.request);
  const wanted = call.request.method === 'PUT' ? decodeScale(context, call) : undefined;
  const change = wanted ? undefined : readPatch(context, call);
  const written = await mutate(
    context,
    main,
    (current) => scaled(call, current, wanted ?? change!(cloneJson(scaleOf(call, current.value)))),
    { version: wanted?.metadata?.resourceVersion, through: 'scale', part: scalePart(call) },
  );
  return objectResponse(call, { value: scaleOf(call, written.value) });
}

/** Server-side apply of the count: owned like the field of the main object that it is. */
async function applyScale(context: ServerContext, call: Call, main: Call): Promise<Answer> {
  checkWriteOptions(call.request);
  // Read like a PUT, for what is wrong with it.
  const request = { ...call.request, contentType: 'application/yaml' };
  const wanted = decodeScale(context, { ...call, request });
  const { apiVersion, definition } = call.resource;
  const replicas: unknown = wanted.spec?.replicas;
  checkReplicas(call, replicas ?? 0);
  const config: KubeObject = {
    apiVersion,
    kind: definition.kind,
    metadata: { name: call.name },
    ...(replicas === undefined ? {} : { spec: { replicas } }),
  };
  const application: Application = {
    kind: definition.kind,
    custom: definition.custom?.shape,
    view: viewOf(main),
    config,
    self: managerOf(call, 'Apply', 'scale'),
    force: flag(call.request.query, 'force'),
    normalize: (object) => context.schema.prune(object),
    now: context.clock.now(),
  };
  return mutate(context, main, (current) => applyTo(current.value, application), {
    version: wanted.metadata?.resourceVersion,
    owned: true,
    part: scalePart(call),
  });
}

/** The Scale that admission is asked about. */
function scalePart(call: Call): RequestedPart {
  return {
    subresource: 'scale',
    kind: scaleKind,
    of: (object) => scaleOf(call, object),
    into(object, part) {
      const replicas: unknown = part.spec?.replicas ?? 0;
      checkReplicas(call, replicas);
      const { scale } = call.resource.definition;
      if (scale!.specReplicas(object) !== replicas) scale!.setSpecReplicas(object, replicas);
    },
  };
}

function decodeScale(context: ServerContext, call: Call): KubeObject {
  const object = decodeObject(call.request, scaleKind, context.schema, call.warnings);
  const name = object.metadata?.name;
  if (name && name !== call.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${call.name})`);
  }
  return object;
}

function scaled(call: Call, current: StoredObject, wanted: KubeObject): KubeObject {
  const replicas: unknown = wanted.spec?.replicas ?? 0;
  checkReplicas(call, replicas);
  const version = wanted.metadata?.resourceVersion;
  if (version && version !== current.value.metadata!.resourceVersion) {
    throw conflict(call.resource.definition, call.name!, modified);
  }
  const draft = cloneObject(current.value);
  call.resource.definition.scale!.setSpecReplicas(draft, replicas);
  return draft;
}

/** @throws ApiError 422 */
function checkReplicas(call: Call, replicas: unknown): asserts replicas is number {
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
    throw invalid(scaleKind, call.name!, [
      { type: 'Invalid', field: 'spec.replicas', value: replicas, detail: 'must be greater than or equal to 0' },
    ]);
  }
}

function scaleOf(call: Call, object: KubeObject): KubeObject {
  const view = call.resource.definition.scale!;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata!;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: view.specReplicas(object) },
    status: { replicas: view.statusReplicas(object), selector: view.selector(object) },
  };
}
