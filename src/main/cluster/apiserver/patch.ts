import type { KubeObject } from '@shared/k8s';
import { badRequest, conflict, invalid } from '../api/errors';
import type { StoredObject } from '../store/types';
import { objectResponse, type Call, type ServerContext } from './context';
import { checkStructure, fieldValidationOf, isEncodedBody, mediaType, parseJson, unsupportedMediaType } from './decode';
import { apply } from './fields/apply';
import { cloneJson } from '../json';
import { assertDepth, cloneObject, isObject } from './json';
import { applyJsonPatch, applyMergePatch } from './json-patch';
import { checkWriteOptions } from './request-options';
import type { ApiResponse } from './types';
import { modified, mutate } from './writes';

const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

/** Turns what is stored into what the client wants. Gets a draft that it may change. */
export type Change = (draft: KubeObject) => KubeObject;

/** PATCH of an object or its status. */
export async function patch(context: ServerContext, call: Call): Promise<ApiResponse> {
  checkWriteOptions(call.request);
  if (mediaType(call.request.contentType) === 'application/apply-patch+yaml') return apply(context, call);
  const change = readPatch(context, call);
  return objectResponse(call, await patchStored(context, call, change));
}

/**
 * The patch of a request as a function.
 * @throws ApiError 400 | 415
 */
export function readPatch(context: ServerContext, call: Call): Change {
  const { schema } = context;
  const { request, resource } = call;
  const type = mediaType(request.contentType);
  if (!patchTypes.includes(type)) throw unsupportedMediaType(patchTypes);
  const body = patchBody(request.body);
  if (type === 'application/json-patch+json') {
    // Whoever reaches into managedFields needs a copy of them.
    const deep = Array.isArray(body) && body.some((operation) => touchesManagedFields(operation));
    return (draft) => object(applyJsonPatch(deep ? cloneJson(draft) : draft, body));
  }
  if (!isObject(body)) throw badRequest('error decoding patch: the patch must be an object');
  if (type === 'application/merge-patch+json') return (draft) => object(applyMergePatch(draft, body));
  return (draft) => {
    try {
      return schema.strategicMerge(resource.apiVersion, resource.definition.kind, draft, body);
    } catch (error) {
      throw badRequest((error as Error).message);
    }
  };
}

function touchesManagedFields(operation: unknown): boolean {
  const { path, from } = (operation ?? {}) as { path?: unknown; from?: unknown };
  return [path, from].some((pointer) => typeof pointer === 'string' && pointer.startsWith('/metadata/managedFields/'));
}

/** Applies a change to the stored object, checks what comes out and writes it. */
async function patchStored(context: ServerContext, call: Call, change: Change) {
  return mutate(context, call, (current) => patched(context, call, current, change));
}

function patched(context: ServerContext, call: Call, current: StoredObject, change: Change): KubeObject {
  const { definition } = call.resource;
  const changed = change(cloneObject(current.value));
  const { apiVersion, kind } = changed;
  if (apiVersion !== current.value.apiVersion || kind !== current.value.kind) {
    throw badRequest(`no kind "${shownWord(kind)}" is registered for version "${shownWord(apiVersion)}"`);
  }
  if (!isObject(changed.metadata ?? {})) throw badRequest('metadata must be an object');
  const { name, namespace, resourceVersion } = changed.metadata ?? {};
  if (name !== undefined && name !== call.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${call.name})`);
  }
  if (namespace !== undefined && namespace !== (call.namespace ?? namespace)) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (resourceVersion && resourceVersion !== current.value.metadata!.resourceVersion) {
    throw conflict(definition, call.name!, modified);
  }
  return checkStructure(changed, fieldValidationOf(call.request), context.schema, call.warnings, [], (problem) => {
    throw invalid({ plural: '', kind: '' }, '', [
      { type: 'Invalid', field: 'patch', value: shown(call), detail: problem },
    ]);
  });
}

const shownWord = (word: unknown) => (typeof word === 'string' ? word : JSON.stringify(word ?? ''));

function shown(call: Call): string {
  const { body } = call.request;
  return isEncodedBody(body) ? body.toString() : JSON.stringify(body);
}

/** The data of a patch, as the caller's own copy. */
function patchBody(body: unknown): unknown {
  if (!isEncodedBody(body)) return cloneJson(body);
  const value = parseJson(body.toString());
  assertDepth(value);
  return value;
}

function object(value: unknown): KubeObject {
  if (!isObject(value)) throw badRequest('the patched object is no object any more');
  return value;
}
