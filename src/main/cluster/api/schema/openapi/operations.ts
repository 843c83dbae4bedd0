import { kindType } from '../table';
import type { Components } from './components';
import * as known from './parameters';
import type { Parameter } from './parameters';
import {
  rootOf,
  type DocumentedResource,
  type DocumentedSubresource,
  type GroupVersionKind,
  type Json,
} from './resource';

/** One method of a path, whichever OpenAPI it is told in. */
export interface Operation {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  action: string;
  id: string;
  tag: string;
  kind: GroupVersionKind;
  parameters: Parameter[];
  body?: { schema: Json; types: readonly string[]; required: boolean };
  answer: { schema: Json; types: readonly string[]; codes: readonly number[] };
}

export interface Path {
  path: string;
  parameters: Parameter[];
  operations: Operation[];
}

interface MediaTypes {
  /** Of objects, sent and answered. */
  objects: readonly string[];
  streams: readonly string[];
  patches: readonly string[];
}

const textTypes: MediaTypes = {
  objects: ['application/json', 'application/yaml'],
  streams: ['application/json;stream=watch'],
  patches: ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'],
};
const protobuf = 'application/vnd.kubernetes.protobuf';
const allTypes: MediaTypes = {
  objects: [...textTypes.objects, protobuf],
  streams: [...textTypes.streams, `${protobuf};stream=watch`],
  patches: [...textTypes.patches, 'application/strategic-merge-patch+json'],
};

/** `rbac.authorization.k8s.io`, `v1` → `RbacAuthorizationV1`, as generated clients call it. */
function clientName({ group, version }: { group: string; version: string }): string {
  const words = (group || 'core').replace(/\.k8s\.io$/, '').split(/[.-]/);
  return [...words, version].map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

/** The paths of one resource and its subresources. */
export function pathsOf(resource: DocumentedResource, components: Components): Path[] {
  const { group, version, kind, namespaced, plural, verbs } = resource;
  const root = `/${rootOf(resource)}`;
  const base = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  const { object, list } = components.resource(resource);
  const gvk = { group, version, kind };
  const client = clientName(resource);
  const tag = client.charAt(0).toLowerCase() + client.slice(1);
  const scope = namespaced ? 'Namespaced' : '';
  const place = namespaced ? [known.pathParameter('namespace')] : [];
  const common = { tag: tag.replace(/V\d\w*$/, (found) => `_${found.toLowerCase()}`), kind: gvk };
  // Protobuf and strategic merges need the tables of a kind.
  const { objects, streams, patches } = kindType(group ? `${group}/${version}` : version, kind) ? allTypes : textTypes;
  const answer = (schema: Json, codes = [200], types: readonly string[] = objects) => ({ schema, codes, types });
  const body = (schema: Json) => ({ schema, types: objects, required: true });
  const options = { schema: components.deleteOptions, types: objects, required: false };
  const change = { schema: components.patch, types: patches, required: true };

  const lists = (id: string): Operation => ({
    ...common,
    method: 'get',
    action: 'list',
    id,
    parameters: known.listing,
    answer: answer(list, [200], [...objects, ...streams]),
  });
  const collection: Operation[] = [];
  if (verbs.includes('list')) collection.push(lists(`list${client}${scope}${kind}`));
  if (verbs.includes('create')) {
    collection.push({
      ...common,
      method: 'post',
      action: 'post',
      id: `create${client}${scope}${kind}`,
      parameters: known.writing,
      body: body(object),
      answer: answer(object, [200, 201, 202]),
    });
  }
  if (verbs.includes('deletecollection')) {
    collection.push({
      ...common,
      method: 'delete',
      action: 'deletecollection',
      id: `delete${client}Collection${scope}${kind}`,
      parameters: known.deletingMany,
      body: options,
      answer: answer(components.status),
    });
  }
  const one = (suffix: string, schema: Json, of: GroupVersionKind, allowed: readonly string[]): Operation[] => {
    const shared = { ...common, kind: of };
    const operations: Operation[] = [
      {
        ...shared,
        method: 'get',
        action: 'get',
        id: `read${client}${scope}${kind}${suffix}`,
        parameters: [],
        answer: answer(schema),
      },
      {
        ...shared,
        method: 'put',
        action: 'put',
        id: `replace${client}${scope}${kind}${suffix}`,
        parameters: known.writing,
        body: body(schema),
        answer: answer(schema, [200, 201]),
      },
      {
        ...shared,
        method: 'delete',
        action: 'delete',
        id: `delete${client}${scope}${kind}${suffix}`,
        parameters: known.deleting,
        body: options,
        answer: answer(components.status, [200, 202]),
      },
      {
        ...shared,
        method: 'patch',
        action: 'patch',
        id: `patch${client}${scope}${kind}${suffix}`,
        parameters: known.patching,
        body: change,
        answer: answer(schema, [200, 201]),
      },
    ];
    const verbOf = { get: 'get', put: 'update', delete: 'delete', patch: 'patch', post: 'create' };
    return operations.filter(({ method }) => allowed.includes(verbOf[method]));
  };
  const named = [known.pathParameter('name'), ...place];
  const paths: Path[] = [{ path: base, parameters: [...place, known.pretty], operations: collection }];
  if (namespaced && verbs.includes('list')) {
    paths.push({
      path: `${root}/${plural}`,
      parameters: [known.pretty],
      operations: [lists(`list${client}${kind}ForAllNamespaces`)],
    });
  }
  paths.push({ path: `${base}/{name}`, parameters: [...named, known.pretty], operations: one('', object, gvk, verbs) });

  const subresource = (sub: DocumentedSubresource): Path => {
    const of = { group: sub.group, version: sub.version, kind: sub.kind };
    const schema = of.kind === kind && of.group === group ? object : components.kind(of);
    const suffix = capital(sub.name);
    const path = `${base}/{name}/${sub.name}`;
    const parameters = known.connecting[sub.name];
    if (!parameters) {
      const operations = one(suffix, schema, of, sub.verbs);
      if (sub.verbs.includes('create')) {
        operations.push({
          ...common,
          kind: of,
          method: 'post',
          action: 'post',
          id: `create${client}${scope}${kind}${suffix}`,
          parameters: known.writing,
          body: body(schema),
          answer: answer(schema, [200, 201, 202]),
        });
      }
      return { path, parameters: [...named, known.pretty], operations };
    }
    const methods = { get: 'get', create: 'post', update: 'put', patch: 'patch', delete: 'delete' } as const;
    const log = sub.name === 'log';
    const operations = Object.entries(methods)
      .filter(([verb]) => sub.verbs.includes(verb))
      .map(([, method]): Operation => {
        const id = log
          ? `read${client}${scope}${kind}Log`
          : `connect${client}${capital(method)}${scope}${kind}${suffix}`;
        const types = [log ? 'text/plain' : '*/*'];
        return {
          ...common,
          kind: of,
          method,
          action: log ? 'get' : 'connect',
          id,
          parameters: [],
          answer: answer({ type: 'string' }, [200], types),
        };
      });
    return { path, parameters: [...named, ...parameters], operations };
  };
  paths.push(...resource.subresources.map(subresource));
  return paths.filter(({ operations }) => operations.length > 0);
}
