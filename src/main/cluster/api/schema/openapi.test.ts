import { describe, expect, it } from 'vitest';
import { loadSchema } from './index';

const schema = loadSchema();
const document = (groupVersion: string): any => schema.openApiV3(groupVersion);

describe('openApiV3', () => {
  it('tells kubectl that patches take fieldValidation', () => {
    const { patch } = document('apis/apps/v1').paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'];
    expect(patch['x-kubernetes-group-version-kind']).toEqual({ group: 'apps', version: 'v1', kind: 'Deployment' });
    expect(patch.parameters.map((parameter: any) => parameter.name)).toContain('fieldValidation');
    expect(Object.keys(patch.requestBody.content)).toContain('application/strategic-merge-patch+json');
  });

  it('describes structure, merge keys and required fields', () => {
    const { schemas } = document('api/v1').components;
    const container = schemas['io.k8s.api.core.v1.Container'];
    expect(container.required).toEqual(['name']);
    expect(container.properties.ports).toEqual({
      type: 'array',
      items: { $ref: '#/components/schemas/io.k8s.api.core.v1.ContainerPort' },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': 'containerPort',
    });
    expect(container.properties.imagePullPolicy).toEqual({ type: 'string', enum: ['Always', 'IfNotPresent', 'Never'] });
    expect(schemas['io.k8s.api.core.v1.Pod']['x-kubernetes-group-version-kind']).toEqual([
      { group: '', version: 'v1', kind: 'Pod' },
    ]);
    expect(schemas['io.k8s.api.core.v1.Secret'].properties.data).toEqual({
      type: 'object',
      additionalProperties: { type: 'string', format: 'byte' },
    });
  });

  it('refers to nothing that is not there', () => {
    for (const groupVersion of ['api/v1', 'apis/apps/v1', 'apis/discovery.k8s.io/v1', 'apis/coordination.k8s.io/v1']) {
      const { components, ...rest } = document(groupVersion);
      const references = JSON.stringify({ components, rest }).match(/#\/components\/schemas\/[^"]+/g) ?? [];
      const missing = references.filter((reference) => !components.schemas[reference.split('/').at(-1)!]);
      expect(missing).toEqual([]);
    }
  });

  it('serves scale, status and subresources', () => {
    const { paths } = document('apis/apps/v1');
    expect(
      paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale'].get['x-kubernetes-group-version-kind']
        .kind,
    ).toBe('Scale');
    expect(document('api/v1').paths['/api/v1/namespaces/{namespace}/pods/{name}/log'].get).toBeDefined();
    expect(document('api/v1').paths['/api/v1/nodes/{name}'].parameters).toHaveLength(1);
  });

  it('is undefined where nothing is served', () => expect(schema.openApiV3('apis/example.com/v1')).toBeUndefined());
});
