import type { KubeObject } from '@shared/k8s';
import type { DocumentedResource } from './openapi/resource';

/** A fault of structure: what strict field validation reports. */
export interface StructureError {
  /** `unknown`: the field does not exist. `type`: the value has the wrong JSON type. `duplicate`: given twice. */
  kind: 'unknown' | 'type' | 'duplicate';
  /** As in `spec.template.spec.containers[0].imagee`. */
  path: string;
  /** In the API server's words, e.g. `unknown field "spec.foo"`. */
  message: string;
}

/** What the extracted API tables answer. One implementation, in `schema/index.ts`. */
export interface ApiSchema {
  /** Faults of an object of a known apiVersion/kind; none for kinds without a table. */
  check(object: KubeObject): StructureError[];
  /** The object without unknown fields (what the store keeps under fieldValidation Ignore and Warn). */
  prune(object: KubeObject): KubeObject;
  /** Decodes a Kubernetes protobuf envelope (`k8s\0` + runtime.Unknown). @throws Error when it is malformed */
  decodeProtobuf(body: Buffer): KubeObject;
  /** An object or list in a protobuf envelope; undefined for a kind without a table. */
  encodeProtobuf(object: KubeObject): Buffer | undefined;
  /**
   * Strategic merge patch by the kind's merge keys and the `$patch`, `$retainKeys`,
   * `$deleteFromPrimitiveList`, `$setElementOrder` directives. Does not change its arguments.
   * @throws Error for a malformed directive
   */
  strategicMerge(apiVersion: string, kind: string, original: KubeObject, patch: KubeObject): KubeObject;
  /** The OpenAPI v2 document of everything that is served. @param version the server's, as `v1.36.0` */
  openApiV2(version: string, resources: readonly DocumentedResource[]): object;
  /** The OpenAPI v3 document of the resources of one group version. */
  openApiV3(resources: readonly DocumentedResource[]): object;
}
