import type { KindDefinition } from '../../api/kind';
import type { ApiSchema } from '../../api/schema/types';
import { unsupportedMediaType, mediaType } from '../decode';
import type { ApiRequest } from '../types';

type Find = (apiVersion: string | undefined, kind: string | undefined) => KindDefinition | undefined;

/** The schema of the built-in kinds, and of those that definitions made. */
export function withCustomKinds(base: ApiSchema, find: Find): ApiSchema {
  return {
    ...base,
    check(object) {
      const custom = find(object.apiVersion, object.kind)?.custom;
      return custom ? custom.check(object) : base.check(object);
    },
    prune(object) {
      const custom = find(object.apiVersion, object.kind)?.custom;
      return custom ? custom.prune(object) : base.prune(object);
    },
  };
}

const bodies = ['application/json', 'application/yaml'];
const patches = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'];

/**
 * Refuses what is not served for custom kinds: protobuf bodies and strategic merge patches,
 * which need to know more of a type than a schema says.
 * @throws ApiError 415
 */
export function assertCustomMedia(definition: KindDefinition, request: ApiRequest): void {
  if (!definition.custom) return;
  const type = mediaType(request.contentType);
  if (request.method === 'PATCH' && type === 'application/strategic-merge-patch+json') {
    throw unsupportedMediaType(patches);
  }
  const written = request.method === 'POST' || request.method === 'PUT';
  if (written && type === 'application/vnd.kubernetes.protobuf') throw unsupportedMediaType(bodies);
}
