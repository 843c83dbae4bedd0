import { kindsOf } from '../table';
import { Components } from './components';
import type { Descriptions } from './descriptions';
import { pathsOf, type Operation } from './operations';
import type { Parameter } from './parameters';
import { gvkExtension, type DocumentedResource, type Json } from './resource';

/** The OpenAPI v3 document of the resources of one group version. */
export function openApiV3(resources: readonly DocumentedResource[], descriptions: Descriptions): object {
  const versions = new Map(resources.map(({ group, version }) => [`${group}/${version}`, { group, version }]));
  const components = new Components(3, descriptions, [...versions.values()]);
  for (const { group, version } of versions.values()) {
    for (const { type } of kindsOf(group, version)) components.reference(type);
  }
  const paths: Json = {};
  for (const resource of resources) {
    for (const { path, parameters, operations } of pathsOf(resource, components)) {
      paths[path] = {
        ...Object.fromEntries(operations.map((one) => [one.method, operation(one)])),
        parameters: parameters.map(parameter),
      };
    }
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'unversioned' },
    paths,
    components: { schemas: components.schemas },
  };
}

function operation({ tag, id, parameters, body, answer, action, kind }: Operation): Json {
  const response = { description: 'OK', content: content(answer.types, answer.schema) };
  return {
    tags: [tag],
    operationId: id,
    ...(parameters.length > 0 ? { parameters: parameters.map(parameter) } : {}),
    ...(body
      ? { requestBody: { content: content(body.types, body.schema), ...(body.required ? { required: true } : {}) } }
      : {}),
    responses: Object.fromEntries(answer.codes.map((code) => [code, response])),
    'x-kubernetes-action': action,
    [gvkExtension]: kind,
  };
}

const content = (types: readonly string[], schema: Json): Json =>
  Object.fromEntries(types.map((type) => [type, { schema }]));

function parameter({ name, in: place, type, description }: Parameter): Json {
  const required = place === 'path' ? { required: true } : {};
  return { name, in: place, description, ...required, schema: { type, uniqueItems: true } };
}
