import type { JsonSchema } from '../../api/apiextensions/types';

/** A CustomResourceDefinition of `widgets.example.com` with one version. For tests. */
export function widgetDefinition(schema: JsonSchema, version: object = {}, spec: object = {}) {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'] },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...version }],
      ...spec,
    },
  };
}

/** The schema of an object with a spec and a free status. */
export const withSpec = (properties: Record<string, JsonSchema>, spec: JsonSchema = {}): JsonSchema => ({
  type: 'object',
  properties: {
    spec: { type: 'object', properties, ...spec },
    status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
});

export const widget = (name: string, spec: object, more: object = {}) => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name },
  spec,
  ...more,
});
