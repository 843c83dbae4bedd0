import type { KindDefinition } from '../api/kind';
import type { DocumentedResource, DocumentedSubresource } from '../api/schema/openapi';
import type { ServerContext } from './context';
import { metricsGroup, nodeMetricsStructure, podMetricsStructure } from './metrics-api';
import type { Resource } from './resources';
import { reviewKinds } from './reviews';

/** A resource as discovery and OpenAPI tell of it. */
export interface ServedResource extends DocumentedResource {
  singular: string;
  shortNames?: string[];
  categories?: string[];
}

export interface ServedVersion {
  group: string;
  version: string;
  resources: ServedResource[];
}

export interface ServedGroup {
  group: string;
  versions: ServedVersion[];
}

const read = ['get', 'patch', 'update'];

/** Every group with its versions and resources: the kinds, and what is served without being stored. */
export function servedGroups(context: ServerContext): ServedGroup[] {
  const groups = new Map<string, ServedGroup>();
  const resources = [
    ...context.registry.all().map(ofKind),
    ...reviewKinds.map((kind) => ({ ...kind, singular: kind.kind.toLowerCase(), verbs: ['create'], subresources: [] })),
    ...virtual(context),
  ];
  for (const resource of resources) {
    const group = groups.get(resource.group) ?? { group: resource.group, versions: [] };
    groups.set(resource.group, group);
    let version = group.versions.find((candidate) => candidate.version === resource.version);
    if (!version) {
      version = { group: resource.group, version: resource.version, resources: [] };
      group.versions.push(version);
    }
    version.resources.push(resource);
  }
  return [...groups.values()];
}

function ofKind({ definition, verbs }: Resource): ServedResource {
  const { group, version, plural, singular, kind, namespaced, shortNames, categories, structure } = definition;
  return {
    group,
    version,
    plural,
    singular,
    kind,
    namespaced,
    verbs,
    shortNames,
    categories,
    structure,
    subresources: subresources(definition),
  };
}

function subresources(definition: KindDefinition): DocumentedSubresource[] {
  const { group, version, kind, status, scale, subresources = [], partialUpdates = {} } = definition;
  return [
    ...Object.keys(partialUpdates).map((name) => ({ name, group, version, kind, verbs: read })),
    ...subresources.map((sub) => ({
      name: sub.name,
      group: sub.group ?? group,
      version: sub.version ?? version,
      kind: sub.kind,
      verbs: sub.verbs,
    })),
    ...(scale ? [{ name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: read }] : []),
    ...(status ? [{ name: 'status', group, version, kind, verbs: read }] : []),
  ];
}

function virtual(context: ServerContext): ServedResource[] {
  const bindings: ServedResource = {
    group: '',
    version: 'v1',
    plural: 'bindings',
    singular: 'binding',
    kind: 'Binding',
    namespaced: true,
    verbs: ['create'],
    subresources: [],
  };
  if (!context.metrics) return [bindings];
  const metrics = { group: metricsGroup, version: 'v1beta1', singular: '', verbs: ['get', 'list'], subresources: [] };
  return [
    bindings,
    { ...metrics, plural: 'nodes', kind: 'NodeMetrics', namespaced: false, structure: nodeMetricsStructure },
    { ...metrics, plural: 'pods', kind: 'PodMetrics', namespaced: true, structure: podMetricsStructure },
  ];
}
