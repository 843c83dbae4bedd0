import { ApiError } from '../cluster/api/errors';
import type { ResourceRef } from '../cluster/client/types';
import type { KubeTransport } from '../cluster/client/transport';
import { KubectlError, quote } from './errors';

/** A resource the server has, as discovery describes it. */
export interface Mapping extends ResourceRef {
  singular: string;
  shortNames: string[];
  categories: string[];
  verbs: string[];
  subresources: string[];
}

const discoveryTypes = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .concat('application/json')
  .join(',');

/** `deployments.apps`, `pods`. */
export const resourceName = (mapping: Pick<ResourceRef, 'group' | 'plural'>): string =>
  mapping.group ? `${mapping.plural}.${mapping.group}` : mapping.plural;

/** `deployment.apps/web`, `pod/web`: how commands name an object in what they print. */
export const objectName = (mapping: Pick<ResourceRef, 'group' | 'kind'>, name: string): string =>
  `${mapping.kind.toLowerCase()}${mapping.group ? `.${mapping.group}` : ''}/${name}`;

export const groupVersion = (mapping: Pick<ResourceRef, 'group' | 'version'>): string =>
  mapping.group ? `${mapping.group}/${mapping.version}` : mapping.version;

interface AggregatedResource {
  resource: string;
  responseKind?: { group?: string; version?: string; kind: string };
  scope: string;
  singularResource?: string;
  shortNames?: string[];
  categories?: string[];
  verbs: string[];
  subresources?: { subresource: string }[];
}

function fromAggregated(body: any): Mapping[] {
  return (body.items ?? []).flatMap((group: any) =>
    (group.versions ?? []).flatMap((version: any) =>
      (version.resources ?? [])
        // One without a kind is there for its subresources alone (the metrics of pods).
        .filter(({ responseKind }: AggregatedResource) => responseKind)
        .map((resource: AggregatedResource): Mapping => ({
          group: group.metadata?.name ?? '',
          version: version.version,
          plural: resource.resource,
          kind: resource.responseKind!.kind,
          namespaced: resource.scope === 'Namespaced',
          singular: resource.singularResource ?? '',
          shortNames: resource.shortNames ?? [],
          categories: resource.categories ?? [],
          verbs: resource.verbs ?? [],
          subresources: (resource.subresources ?? []).map((sub) => sub.subresource),
        })),
    ),
  );
}

function fromResourceList(group: string, version: string, body: any): Mapping[] {
  const resources: any[] = body.resources ?? [];
  return resources
    .filter((resource) => !resource.name.includes('/'))
    .map((resource) => ({
      group: resource.group ?? group,
      version: resource.version ?? version,
      plural: resource.name,
      kind: resource.kind,
      namespaced: resource.namespaced === true,
      singular: resource.singularName ?? '',
      shortNames: resource.shortNames ?? [],
      categories: resource.categories ?? [],
      verbs: resource.verbs ?? [],
      subresources: resources
        .filter((other) => other.name.startsWith(`${resource.name}/`))
        .map((other) => other.name.slice(resource.name.length + 1)),
    }));
}

/** What kinds a server has, and how users may call them. */
export class Discovery {
  constructor(
    readonly mappings: readonly Mapping[],
    /** `apps/v1` …, in the server's order. */
    readonly groupVersions: readonly string[],
  ) {}

  /** Asks the server: two requests where discovery is aggregated, one per group version elsewhere. */
  static async load(transport: KubeTransport): Promise<Discovery> {
    const parts = await Promise.all(['/api', '/apis'].map((path) => this.loadPart(transport, path)));
    const mappings = parts.flatMap((part) => part.mappings);
    return new Discovery(mappings, [...new Set(parts.flatMap((part) => part.groupVersions))]);
  }

  private static async loadPart(
    transport: KubeTransport,
    path: string,
  ): Promise<{ mappings: Mapping[]; groupVersions: string[] }> {
    const { body } = await transport.request({ method: 'GET', path, accept: discoveryTypes });
    if (body.kind === 'APIGroupDiscoveryList') {
      const groupVersions = (body.items ?? []).flatMap((group: any) =>
        (group.versions ?? []).map((version: any) =>
          groupVersion({ group: group.metadata?.name ?? '', version: version.version }),
        ),
      );
      return { mappings: fromAggregated(body), groupVersions };
    }
    const groupVersions: { group: string; version: string }[] =
      body.kind === 'APIVersions'
        ? body.versions.map((version: string) => ({ group: '', version }))
        : (body.groups ?? []).flatMap((group: any) =>
            group.versions.map((version: any) => ({ group: group.name, version: version.version })),
          );
    const lists = await Promise.all(
      groupVersions.map(async ({ group, version }) => {
        try {
          const response = await transport.request({
            method: 'GET',
            path: group ? `/apis/${group}/${version}` : `/api/${version}`,
          });
          return fromResourceList(group, version, response.body);
        } catch (error) {
          // An extension server that is away must not take the others' kinds with it.
          if (error instanceof ApiError && error.code >= 500) return [];
          throw error;
        }
      }),
    );
    return { mappings: lists.flat(), groupVersions: groupVersions.map(groupVersion) };
  }

  /**
   * The resource a user's word means: plural, singular, short name or kind, alone or with
   * `.group` or `.version.group` after it. @throws KubectlError when the server has none
   */
  resolve(word: string): Mapping {
    const found = this.lookup(word);
    if (!found) throw new KubectlError(`the server doesn't have a resource type ${quote(word)}`);
    return found;
  }

  lookup(word: string): Mapping | undefined {
    const lower = word.toLowerCase();
    const dot = lower.indexOf('.');
    if (dot < 0) return this.match(lower, () => true);
    const name = lower.slice(0, dot);
    const rest = lower.slice(dot + 1);
    const versioned = /^(v\d\w*)(?:\.(.*))?$/.exec(rest);
    if (versioned) {
      const found = this.match(
        name,
        (mapping) => mapping.version === versioned[1] && mapping.group === (versioned[2] ?? ''),
      );
      if (found) return found;
    }
    return (
      this.match(name, (mapping) => mapping.group === rest) ??
      this.match(name, (mapping) => mapping.group !== '' && mapping.group.startsWith(rest))
    );
  }

  private match(name: string, accepts: (mapping: Mapping) => boolean): Mapping | undefined {
    const candidates = this.mappings.filter(accepts);
    return (
      candidates.find((mapping) => mapping.plural === name || mapping.singular === name) ??
      candidates.find((mapping) => mapping.shortNames.includes(name)) ??
      candidates.find((mapping) => mapping.kind.toLowerCase() === name)
    );
  }

  /** The resources of a category (`all`), each group's preferred version once. */
  category(word: string): Mapping[] {
    const seen = new Set<string>();
    return this.mappings.filter((mapping) => {
      if (!mapping.categories.includes(word) || seen.has(resourceName(mapping))) return false;
      seen.add(resourceName(mapping));
      return true;
    });
  }

  /** The resource of an object. */
  forObject(apiVersion: string, kind: string): Mapping | undefined {
    return this.mappings.find((mapping) => mapping.kind === kind && groupVersion(mapping) === apiVersion);
  }
}
