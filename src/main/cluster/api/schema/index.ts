import type { KubeObject } from '@shared/k8s';
import { checkStruct } from './check';
import { normalizeStruct } from './normalize';
import { noDescriptions, openApiV2, openApiV3, type DescriptionSource } from './openapi';
import { decodeEnvelope } from './protobuf/decode';
import { encodeEnvelope } from './protobuf/encode';
import { strategicMerge } from './strategic-merge';
import { kindType } from './table';
import type { ApiSchema } from './types';

/**
 * The schema of the built-in kinds, from the extracted tables. Types are resolved as they are needed.
 * @param descriptions what fields mean, for OpenAPI documents; asked when one is made
 */
export function loadSchema(descriptions: DescriptionSource = noDescriptions): ApiSchema {
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
    encodeProtobuf: encodeEnvelope,
    strategicMerge(apiVersion, kind, original, patch) {
      return strategicMerge(original, patch, kindType(apiVersion, kind)) as KubeObject;
    },
    openApiV2: (version, resources) => openApiV2(version, resources, descriptions()),
    openApiV3: (resources) => openApiV3(resources, descriptions()),
  };
}
