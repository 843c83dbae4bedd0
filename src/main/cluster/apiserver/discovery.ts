import type { KubeObject } from '@shared/k8s';
import { apiVersionOf } from '../api/kind';
import { noSuchResource, type ServerContext } from './context';
import { negotiate } from './negotiation';
import { OpenApi } from './openapi';
import { servedGroups, type ServedGroup, type ServedResource, type ServedVersion } from './served';
import { issuer } from './tokens/service-account';
import type { ApiRequest, ApiResponse } from './types';
import { flag } from './reads';

/** GET /version. */
export interface VersionInfo {
  major: string;
  minor: string;
  gitVersion: string;
  gitCommit: string;
  gitTreeState: string;
  buildDate: string;
  goVersion: string;
  compiler: string;
  platform: string;
}

const checks = ['ping', 'log', 'store'];

/** Everything outside resources: what is served, health, version, OpenAPI. Documents are made when first asked for. */
export class Discovery {
  private readonly documents = new Map<string, { value: KubeObject; json: string }>();
  private readonly version: VersionInfo;
  private readonly openApi: OpenApi;

  constructor(
    private readonly context: ServerContext,
    version: Partial<VersionInfo> = {},
  ) {
    this.version = {
      major: '1',
      minor: '36',
      gitVersion: 'v1.36.0+gantry',
      gitCommit: '',
      gitTreeState: 'clean',
      buildDate: '1970-01-01T00:00:00Z',
      goVersion: '',
      compiler: '',
      platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
      ...version,
    };
    this.openApi = new OpenApi(context.schema, this.version.gitVersion, () => servedGroups(context));
  }

  /** @throws ApiError 404 | 406 */
  serve(request: ApiRequest, segments: string[]): ApiResponse {
    const response = this.answer(request, segments);
    // Only what tells of groups and resources comes in other forms than JSON.
    const plain = response.payload.type === 'object' && response.payload.contentType === undefined;
    if (!plain || !/^apis?$/.test(segments[0] ?? '')) return response;
    return { ...response, media: negotiate(request.accept, 'everything').media };
  }

  private answer(request: ApiRequest, segments: string[]): ApiResponse {
    const path = segments.join('/');
    const [first, group, version] = segments;
    switch (first) {
      case undefined:
        return this.object('', () => ({ paths: this.paths() }));
      case 'version':
        if (segments.length === 1) return this.object(path, () => ({ ...this.version }));
        break;
      case 'livez':
      case 'readyz':
      case 'healthz':
        return health(first, segments.slice(1), flag(request.query, 'verbose'));
      case 'openapi':
        return this.openApi.serve(request, segments);
      case '.well-known':
      case 'openid':
        return this.openId(path);
      case 'api':
        if (segments.length === 1) return this.aggregated(request, path, true) ?? this.object(path, apiVersions);
        if (segments.length === 2) return this.object(path, () => resourceList(this.find('', group!)));
        break;
      case 'apis':
        if (segments.length === 1)
          return this.aggregated(request, path, false) ?? this.object(path, () => this.groupList());
        if (segments.length === 2)
          return this.object(path, () => ({ kind: 'APIGroup', apiVersion: 'v1', ...groupOf(this.group(group!)) }));
        if (segments.length === 3) return this.object(path, () => resourceList(this.find(group!, version!)));
        break;
    }
    throw noSuchResource();
  }

  /** Forgets the documents: the served kinds changed. */
  reset(): void {
    this.documents.clear();
    this.openApi.reset();
  }

  private object(key: string, make: () => KubeObject, contentType?: string): ApiResponse {
    let document = this.documents.get(key);
    if (!document) {
      const value = make();
      document = { value, json: JSON.stringify(value) };
      this.documents.set(key, document);
    }
    return { status: 200, warnings: [], payload: { type: 'object', object: document, contentType } };
  }

  private groups(): ServedGroup[] {
    return servedGroups(this.context);
  }

  private group(name: string): ServedGroup {
    const found = this.groups().find((candidate) => candidate.group === name);
    if (!found || name === '') throw noSuchResource();
    return found;
  }

  private find(group: string, version: string): ServedVersion {
    const found = this.groups()
      .find((candidate) => candidate.group === group)
      ?.versions.find((candidate) => candidate.version === version);
    if (!found) throw noSuchResource();
    return found;
  }

  private groupList(): KubeObject {
    const groups = this.groups().filter(({ group }) => group !== '');
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupOf) };
  }

  private aggregated(request: ApiRequest, path: string, core: boolean): ApiResponse | undefined {
    const asked = /g=apidiscovery\.k8s\.io/.test(request.accept ?? '') ? request.accept! : '';
    const clause = asked
      .split(',')
      .find((part) => part.includes('as=APIGroupDiscoveryList') && part.includes('application/json'));
    const version = clause && /;\s*v=(v2|v2beta1)\s*(;|$)/.exec(clause)?.[1];
    if (!version) return undefined;
    const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    const make = () => ({
      kind: 'APIGroupDiscoveryList',
      apiVersion: `apidiscovery.k8s.io/${version}`,
      metadata: {},
      items: this.groups()
        .filter(({ group }) => (group === '') === core)
        .map(({ group, versions }) => ({
          metadata: { name: group, creationTimestamp: null },
          versions: versions.map((served) => ({
            version: served.version,
            resources: served.resources.map(aggregatedResource),
            freshness: served.aggregated?.current === false ? 'Stale' : 'Current',
          })),
        })),
    });
    return this.object(`${path} ${version}`, make as unknown as () => KubeObject, contentType);
  }

  /** How others check the tokens of service accounts. */
  private openId(path: string): ApiResponse {
    const { tokens } = this.context;
    if (tokens && path === '.well-known/openid-configuration') {
      return this.object(path, () => ({
        issuer,
        jwks_uri: `${issuer}/openid/v1/jwks`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      }));
    }
    if (tokens && path === 'openid/v1/jwks')
      return this.object(path, () => tokens.keySet(), 'application/jwk-set+json');
    throw noSuchResource();
  }

  private paths(): string[] {
    const groups = this.groups().filter(({ group }) => group !== '');
    return [
      '/api',
      '/api/v1',
      '/apis',
      ...groups.flatMap(({ group, versions }) => [
        `/apis/${group}`,
        ...versions.map(({ version }) => `/apis/${group}/${version}`),
      ]),
      '/healthz',
      '/livez',
      ...(this.context.monitoring ? ['/metrics'] : []),
      '/openapi/v2',
      '/openapi/v3',
      '/readyz',
      '/version',
    ];
  }
}

const apiVersions = (): KubeObject => ({
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '' }],
});

function groupOf({ group, versions }: ServedGroup) {
  const named = versions.map(({ version }) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: named, preferredVersion: named[0] };
}

function resourceList({ group, version, resources }: ServedVersion): KubeObject {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources: resources.flatMap((resource) => {
      const { plural, singular, namespaced, kind, verbs, shortNames, categories } = resource;
      const main = { name: plural, singularName: singular, namespaced, kind, verbs, shortNames, categories };
      const subresources = resource.subresources.map((sub) => ({
        name: `${plural}/${sub.name}`,
        singularName: '',
        namespaced,
        ...(sub.group === group && sub.version === version ? {} : { group: sub.group, version: sub.version }),
        kind: sub.kind,
        verbs: sub.verbs,
      }));
      return [main, ...subresources];
    }),
  };
}

function aggregatedResource(resource: ServedResource) {
  const { plural, singular, namespaced, kind, group, version, verbs, shortNames, categories, subresources } = resource;
  return {
    resource: plural,
    // A resource of another server may have subresources alone.
    ...(kind ? { responseKind: { group, version, kind } } : {}),
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    shortNames,
    categories,
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map((sub) => ({
            subresource: sub.name,
            responseKind: { group: sub.group, version: sub.version, kind: sub.kind },
            verbs: sub.verbs,
          })),
        }),
  };
}

/** The server answers only while it is well, so every check that can be asked for passes. */
function health(path: string, segments: string[], verbose: boolean): ApiResponse {
  if (segments.length > 1 || (segments.length === 1 && !checks.includes(segments[0]!))) throw noSuchResource();
  const text = verbose ? `${checks.map((check) => `[+]${check} ok\n`).join('')}${path} check passed\n` : 'ok';
  return { status: 200, warnings: [], payload: { type: 'text', contentType: 'text/plain; charset=utf-8', text } };
}
