import { apiVersionOf, type KindDefinition } from '../api/kind';
import type { DocumentedResource, DocumentedSubresource } from '../api/schema/openapi';
import type { Documents } from './aggregation/documents';
import { groupPriorityOf, versionPriorityOf } from './aggregation/priorities';
import type { ServerContext } from './context';
import { byPrecedence } from './custom/versions';
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
  /** Set where another server serves it, with what its APIService says; `current`: it told just now. */
  aggregated?: { groupPriority: number; versionPriority: number; current: boolean; documents: Documents };
}

export interface ServedGroup {
  group: string;
  versions: ServedVersion[];
}

const read = ['get', 'patch', 'update'];

/** Every group with its versions and resources: the kinds, what is served without being stored, and what other servers serve. */
export function servedGroups(context: ServerContext): ServedGroup[] {
  const groups = new Map<string, ServedGroup>();
  const elsewhere = new Map((context.aggregation?.versions() ?? []).map((one) => [apiVersionOf(one), one]));
  const custom = context.registry.all().filter(({ definition }) => definition.custom);
  const resources = [...own(context), ...custom.map(ofKind)];
  const take = ({ group: name, version: id }: ServedVersion) => {
    const group = groups.get(name) ?? { group: name, versions: [] };
    groups.set(name, group);
    let version = group.versions.find((candidate) => candidate.version === id);
    if (!version) {
      version = { group: name, version: id, resources: [] };
      group.versions.push(version);
    }
    return version;
  };
  for (const resource of resources) {
    if (!elsewhere.has(apiVersionOf(resource))) take({ ...resource, resources: [] }).resources.push(resource);
  }
  for (const one of elsewhere.values()) Object.assign(take(one), one);
  return [...groups.values()].map(inOrder).sort((a, b) => priorityOf(b) - priorityOf(a));
}

/** The versions (`apps/v1`) that the server serves whatever is stored. */
export const builtInVersions = (context: ServerContext): ReadonlySet<string> =>
  new Set(own(context).map((resource) => apiVersionOf(resource)));

function own(context: ServerContext): ServedResource[] {
  const builtIn = context.registry.all().filter(({ definition }) => !definition.custom);
  return [
    ...builtIn.map(ofKind),
    ...reviewKinds.map((kind) => ({ ...kind, singular: kind.kind.toLowerCase(), verbs: ['create'], subresources: [] })),
    ...virtual(context),
  ];
}

/** Groups come in the order of their most important version. */
const priorityOf = ({ group, versions }: ServedGroup): number =>
  Math.max(...versions.map(({ aggregated }) => aggregated?.groupPriority ?? groupPriorityOf(group)));

/** The versions of a group that other servers share in: by their priority, then as they are called. */
function inOrder(served: ServedGroup): ServedGroup {
  const { group, versions } = served;
  if (!versions.some(({ aggregated }) => aggregated)) return served;
  const own = versions.filter(({ aggregated }) => !aggregated);
  const rank = (one: ServedVersion) =>
    one.aggregated?.versionPriority ?? versionPriorityOf(group, own.indexOf(one), own.length);
  const named = byPrecedence(versions.map((one) => ({ name: one.version, one }))).map(({ one }) => one);
  return { group, versions: named.sort((a, b) => rank(b) - rank(a)) };
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
