import { describe, expect, it } from 'vitest';
import { kinds } from '../../index';
import { loadSchema } from '../index';
import { encodeOpenApiV2, type DocumentedResource } from './index';

const all = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const some = ['get', 'patch', 'update'];
const resources: DocumentedResource[] = kinds.map((kind) => {
  const { group, version, plural, namespaced, verbs = all } = kind;
  const subresources = [
    ...(kind.subresources ?? []).map((sub) => ({ group, version, ...sub })),
    ...(kind.status ? [{ name: 'status', group, version, kind: kind.kind, verbs: some }] : []),
    ...(kind.scale ? [{ name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: some }] : []),
  ];
  return { group, version, plural, namespaced, verbs, subresources, kind: kind.kind };
});
const words = {
  'core.v1.Container': { '': 'One program of a pod.', image: 'What it runs.', resources: 'What it may use.' },
};
const schema = loadSchema(() => words);
const document = (groupVersion: string): any =>
  schema.openApiV3(
    resources.filter(({ group, version }) => (group ? `apis/${group}/${version}` : 'api/v1') === groupVersion),
  );
const cronTab: DocumentedResource = {
  group: 'stable.example.com',
  version: 'v1',
  plural: 'crontabs',
  kind: 'CronTab',
  namespaced: true,
  verbs: all,
  subresources: [],
  structure: {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: { port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } },
      },
    },
  },
};

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
    expect(document('api/v1').paths['/api/v1/nodes/{name}'].parameters.map((one: any) => one.name)).toEqual([
      'name',
      'pretty',
    ]);
  });

  it('explains types and fields in the words it was given', () => {
    const { Container } = Object.fromEntries(
      Object.entries<any>(document('api/v1').components.schemas).map(([name, one]) => [name.split('.').at(-1), one]),
    );
    expect(Container.description).toBe('One program of a pod.');
    expect(Container.properties.image.description).toBe('What it runs.');
    expect(Container.properties.resources).toEqual({
      allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.ResourceRequirements' }],
      description: 'What it may use.',
    });
  });

  it('gives every operation a name of its own', () => {
    const ids = resources.flatMap((resource) =>
      Object.values<any>((schema.openApiV3([resource]) as any).paths).flatMap((path) =>
        Object.values<any>(path).flatMap((one) => one.operationId ?? []),
      ),
    );
    expect(ids.length).toBeGreaterThan(300);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    expect(ids).toContain('readCoreV1NamespacedPodStatus');
    expect(ids).toContain('listRbacAuthorizationV1RoleForAllNamespaces');
  });

  it('describes kinds no table knows', () => {
    const { paths, components } = schema.openApiV3([cronTab]) as any;
    const kind = components.schemas['com.example.stable.v1.CronTab'];
    expect(kind['x-kubernetes-group-version-kind']).toEqual([
      { group: 'stable.example.com', version: 'v1', kind: 'CronTab' },
    ]);
    expect(kind.properties.metadata.allOf[0].$ref).toMatch(/ObjectMeta$/);
    expect(kind.properties.spec.properties.port.anyOf).toHaveLength(2);
    expect(components.schemas['com.example.stable.v1.CronTabList'].properties.items.items.$ref).toMatch(/v1\.CronTab$/);
    const { patch } = paths['/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}'];
    expect(Object.keys(patch.requestBody.content)).not.toContain('application/strategic-merge-patch+json');
  });

  it('offers protobuf where there is a table to make it from', () => {
    const typesOf = (paths: any, path: string) => Object.keys(paths[path].get.responses[200].content);
    const pods = typesOf(document('api/v1').paths, '/api/v1/namespaces/{namespace}/pods');
    expect(pods).toContain('application/vnd.kubernetes.protobuf;stream=watch');
    const { paths } = schema.openApiV3([cronTab]) as any;
    expect(typesOf(paths, '/apis/stable.example.com/v1/namespaces/{namespace}/crontabs')).toEqual([
      'application/json',
      'application/yaml',
      'application/json;stream=watch',
    ]);
  });
});

describe('openApiV2', () => {
  const v2: any = schema.openApiV2('v1.36.0', [...resources, cronTab]);

  it('has words and directions beside references', () => {
    expect(v2.definitions['io.k8s.api.core.v1.Container'].properties.resources).toEqual({
      $ref: '#/definitions/io.k8s.api.core.v1.ResourceRequirements',
      description: 'What it may use.',
    });
    expect(v2.definitions['io.k8s.api.apps.v1.DeploymentSpec'].properties.strategy['x-kubernetes-patch-strategy']).toBe(
      'retainKeys',
    );
  });

  it('refers to nothing that is not there, and uses nothing of v3', () => {
    const text = JSON.stringify(v2);
    const references = text.match(/#\/definitions\/[^"]+/g) ?? [];
    expect(references.filter((reference) => !v2.definitions[reference.slice('#/definitions/'.length)])).toEqual([]);
    // JSONSchemaProps has fields of these names.
    const others = Object.entries(v2.definitions).filter(([name]) => !name.includes('.apiextensions.'));
    expect(JSON.stringify(others)).not.toMatch(/"(oneOf|anyOf|allOf|nullable)":/);
  });

  it('says nothing about a custom field it cannot describe', () => {
    const { spec } = v2.definitions['com.example.stable.v1.CronTab'].properties;
    expect(spec.properties.port).toEqual({ 'x-kubernetes-int-or-string': true });
  });

  it('is encoded as the message kubectl reads', () => {
    const bytes = encodeOpenApiV2({
      swagger: '2.0',
      info: { title: 'K', version: 'v' },
      paths: { '/a': { get: { operationId: 'g', 'x-kubernetes-action': 'get' } } },
      definitions: { D: { type: 'object', required: ['a'], properties: { a: { type: 'string' } } } },
    });
    expect(bytes.subarray(0, 5).toString('hex')).toBe(`0a03${Buffer.from('2.0').toString('hex')}`);
    const hex = (text: string) => Buffer.from(text).toString('hex');
    const text = bytes.toString('hex');
    expect(text).toContain(`${hex('x-kubernetes-action')}12071205${hex('"get"')}`);
    // required = 19, type = 22, properties = 25
    expect(text).toContain(`9a0101${hex('a')}b201080a06${hex('object')}ca01`);
  });
});
