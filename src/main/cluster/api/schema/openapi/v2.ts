import { kindsOf } from '../table';
import { Components } from './components';
import type { Descriptions } from './descriptions';
import { pathsOf, type Operation } from './operations';
import type { Parameter } from './parameters';
import { gvkExtension, type DocumentedResource, type Json } from './resource';

/** The OpenAPI v2 document of everything that is served. */
export function openApiV2(
  version: string,
  resources: readonly DocumentedResource[],
  descriptions: Descriptions,
): object {
  const versions = new Map(resources.map((one) => [`${one.group}/${one.version}`, one]));
  const components = new Components(2, descriptions, [...versions.values()]);
  for (const one of versions.values()) {
    for (const { type } of kindsOf(one.group, one.version)) components.reference(type);
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
  return { swagger: '2.0', info: { title: 'Kubernetes', version }, paths, definitions: components.schemas };
}

function operation({ tag, id, parameters, body, answer, action, kind }: Operation): Json {
  const all = [
    ...(body ? [{ name: 'body', in: 'body', ...(body.required ? { required: true } : {}), schema: body.schema }] : []),
    ...parameters.map(parameter),
  ];
  return {
    tags: [tag],
    operationId: id,
    consumes: body ? body.types : ['*/*'],
    produces: answer.types,
    ...(all.length > 0 ? { parameters: all } : {}),
    responses: Object.fromEntries(answer.codes.map((code) => [code, { description: 'OK', schema: answer.schema }])),
    'x-kubernetes-action': action,
    [gvkExtension]: kind,
  };
}

function parameter({ name, in: place, type, description }: Parameter): Json {
  const required = place === 'path' ? { required: true } : {};
  return { uniqueItems: true, type, description, name, in: place, ...required };
}
