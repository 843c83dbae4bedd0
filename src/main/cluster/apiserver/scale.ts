import type { KubeObject } from '@shared/k8s';
import { badRequest, invalid } from '../api/errors';
import type { StoredObject } from '../store/types';
import { objectResponse, type Call, type ServerContext } from './context';
import { decodeObject } from './decode';
import { cloneJson, cloneObject } from './json';
import { readPatch } from './patch';
import { getStored } from './resources';
import type { ApiResponse } from './types';
import { mutate } from './writes';

const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale', plural: 'scales' };

/** GET, PUT and PATCH of the scale subresource. */
export async function scale(context: ServerContext, call: Call): Promise<ApiResponse> {
  if (call.request.method === 'GET') {
    return objectResponse(call, {
      value: scaleOf(call, getStored(context.store, call.resource, call.namespace, call.name!).value),
    });
  }
  const main = { ...call, subresource: undefined };
  const wanted = call.request.method === 'PUT' ? decodeScale(context, call) : undefined;
  const change = wanted ? undefined : readPatch(context, call);
  const written = await mutate(
    context,
    main,
    (current) => scaled(call, current, wanted ?? change!(cloneJson(scaleOf(call, current.value)))),
    { version: wanted?.metadata?.resourceVersion, through: 'scale' },
  );
  return objectResponse(call, { value: scaleOf(call, written.value) });
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
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
    throw invalid(scaleKind, call.name!, [
      { type: 'Invalid', field: 'spec.replicas', value: replicas, detail: 'must be greater than or equal to 0' },
    ]);
  }
  const draft = cloneObject(current.value);
  call.resource.definition.scale!.setSpecReplicas(draft, replicas);
  return draft;
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
