import type { KubeObject } from '@shared/k8s';
import { checkStruct } from './check';
import { normalizeStruct } from './normalize';
import { openApiDocument } from './openapi';
import { decodeEnvelope } from './protobuf';
import { strategicMerge } from './strategic-merge';
import { kindType } from './table';
import type { ApiSchema } from './types';

/** The schema of the built-in kinds, from the extracted tables. Types are resolved as they are needed. */
export function loadSchema(): ApiSchema {
  return {
    check(object) {
      const type = kindType(object.apiVersion, object.kind);
      return type ? checkStruct(object, type) : [];
    },
    prune(object) {
      const type = kindType(object.apiVersion, object.kind);
      return type ? normalizeStruct(object, type) : object;
    },
    decodeProtobuf: decodeEnvelope,
    strategicMerge(apiVersion, kind, original, patch) {
      return strategicMerge(original, patch, kindType(apiVersion, kind)) as KubeObject;
    },
    openApiV3: openApiDocument,
  };
}
