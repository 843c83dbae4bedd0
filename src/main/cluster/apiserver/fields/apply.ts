import type { KubeObject } from '@shared/k8s';
import { apiError, badRequest, invalid } from '../../api/errors';
import { keyedElement, missingKey } from '../../api/schema/fields/elements';
import { partNamed, type Shape } from '../../api/schema/fields/shape';
import { objectShape } from '../../api/schema/fields/shape';
import { objectResponse, type Call, type ServerContext } from '../context';
import { decodeBody, decodeObject } from '../decode';
import { isObject } from '../json';
import { flag } from '../reads';
import type { ApiResponse } from '../types';
import { createObject, mutate } from '../writes';
import { managerOf, setEntries, viewOf } from './managers';
import { applyTo, firstEntries, type Application } from './merge';

/** Server-side apply: creates what is not there, merges into what is, and keeps account of who owns which field. */
export async function apply(context: ServerContext, call: Call): Promise<ApiResponse> {
  const { query } = call.request;
  if (!query.get('fieldManager')) {
    throw invalid({ group: 'meta.k8s.io', plural: 'patchoptions', kind: 'PatchOptions' }, '', [
      { type: 'Required', field: 'fieldManager', detail: 'is required for apply patch' },
    ]);
  }
  const config = readConfig(context, call);
  const application: Application = {
    kind: call.resource.definition.kind,
    custom: call.resource.definition.custom?.shape,
    view: viewOf(call),
    config,
    self: managerOf(call, 'Apply'),
    force: flag(query, 'force'),
    normalize: (object) => context.schema.prune(object),
    now: context.clock.now(),
  };
  const { uid, resourceVersion } = config.metadata ?? {};
  const stored = context.store.get(call.resource.key(call.namespace, call.name!));
  if (!stored && call.subresource === undefined && !uid && !resourceVersion) {
    const draft = context.schema.prune(config);
    const metadata = (draft.metadata = { ...draft.metadata });
    if (metadata.namespace === undefined) delete metadata.namespace;
    setEntries(draft, firstEntries(application));
    return objectResponse(call, await createObject(context, call, draft, { owned: true }), 201);
  }
  const written = await mutate(
    context,
    call,
    (current) => {
      const draft = applyTo(current.value, application);
      return uid ? { ...draft, metadata: { ...draft.metadata, uid } } : draft;
    },
    { version: resourceVersion, owned: true },
  );
  return objectResponse(call, written);
}

/**
 * The configuration as it was sent: what it does not say is not owned, so nothing
 * is set or left out.
 * @throws ApiError 400, or 500 as Kubernetes answers for fields that do not exist
 */
function readConfig(context: ServerContext, call: Call): KubeObject {
  const { definition } = call.resource;
  const request = { ...call.request, contentType: 'application/yaml' };
  const config = decodeBody(request, context.schema);
  if (isObject(config) && (!config.apiVersion || !config.kind)) {
    throw badRequest(`error decoding YAML: Object '${config.kind ? 'apiVersion' : 'Kind'}' is missing`);
  }
  // Decoded like any object for what is refused in any object; what it is then brought into is not wanted here.
  const query = new URLSearchParams({ fieldValidation: 'Ignore' });
  decodeObject({ ...request, body: config, query }, definition, context.schema, call.warnings);
  const object = config as KubeObject;
  const { managedFields, name, namespace } = object.metadata ?? {};
  if (managedFields !== undefined && managedFields !== null) throw badRequest('metadata.managedFields must be nil');
  if (name && name !== call.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${call.name})`);
  }
  if (namespace && namespace !== call.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const shape = objectShape(call.resource.apiVersion, definition.kind, 'all', definition.custom?.shape);
  const faults = [
    ...context.schema
      .check(object)
      .filter(({ kind }) => kind === 'unknown')
      .map(({ path }) => `.${path}: field not declared in schema`),
    ...withoutKeys(shape, object, ''),
  ];
  if (faults.length > 0) {
    const where = `${call.namespace ? `${call.namespace}/` : ''}${call.name}; ${object.apiVersion}, Kind=${object.kind}`;
    const list = faults.length === 1 ? faults[0] : `errors:\n${faults.map((fault) => `  ${fault}`).join('\n')}`;
    throw apiError(500, 'InternalError', `failed to create typed patch object (${where}): ${list}`, {});
  }
  return object;
}

/** List elements that nothing tells apart, or that are there twice. */
function withoutKeys(shape: Shape, value: unknown, path: string): string[] {
  if (shape.kind === 'parts' && isObject(value)) {
    return Object.entries(value).flatMap(([name, inner]) => {
      const part = partNamed(shape, name);
      return part ? withoutKeys(part.shape, inner, `${path}.${name}`) : [];
    });
  }
  if (shape.kind !== 'keyed' || !Array.isArray(value)) return [];
  const seen = new Set<string>();
  return value.flatMap((item, index) => {
    const missing = missingKey(shape, item);
    if (missing !== undefined) {
      return [
        `${path}: element ${index}: associative list with keys has an element that omits key field ${JSON.stringify(missing)} (and doesn't have default value)`,
      ];
    }
    const element = keyedElement(shape, item);
    if (seen.has(element)) {
      const keys = Object.entries(JSON.parse(element.slice(2))).map(([key, of]) => `${key}=${JSON.stringify(of)}`);
      return [`${path}: duplicate entries for key [${keys.join(',')}]`];
    }
    seen.add(element);
    return withoutKeys(shape.element, item, `${path}[${index}]`);
  });
}
