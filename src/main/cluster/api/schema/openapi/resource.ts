/** A subresource as the documents tell of it. */
export interface DocumentedSubresource {
  name: string;
  group: string;
  version: string;
  kind: string;
  verbs: readonly string[];
}

/** A served resource, as far as OpenAPI documents tell of it: built in or added at run time. */
export interface DocumentedResource {
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
  verbs: readonly string[];
  subresources: readonly DocumentedSubresource[];
  /** The JSON schema (OpenAPI v3) of a kind that the tables do not know; without it any object will do. */
  structure?: object;
}

export interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

export const gvkExtension = 'x-kubernetes-group-version-kind';

export type Json = Record<string, any>;

/** `api/v1` or `apis/GROUP/VERSION`. */
export function rootOf({ group, version }: { group: string; version: string }): string {
  return group ? `apis/${group}/${version}` : `api/${version}`;
}
