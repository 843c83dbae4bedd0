import type { KubeClient, ResourceRef } from '../client/types';

interface DiscoveryList {
  items: {
    metadata: { name: string };
    /** The preferred one first. */
    versions: { version: string; freshness?: string; resources?: DiscoveredResource[] }[];
  }[];
}

interface DiscoveredResource {
  resource: string;
  responseKind?: { kind: string };
  scope: string;
  verbs: string[];
}

const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/**
 * Every resource the API serves that can be listed and deleted, each group in its preferred
 * version. What the servers behind the API serve is what they told last: none of them is waited
 * for. Versions of those that do not answer are named in `failures`.
 */
export async function discover(client: KubeClient): Promise<{ resources: ResourceRef[]; failures: string[] }> {
  const get = async (path: string) =>
    (await client.transport.request<DiscoveryList>({ method: 'GET', path, accept })).body.items;
  const groups = [...(await get('/api')), ...(await get('/apis'))];
  const failures = groups.flatMap(({ metadata: { name }, versions }) =>
    versions
      .filter(({ freshness }) => freshness === 'Stale')
      .map(({ version }) => `${name}/${version}: stale GroupVersion discovery: ${name}/${version}`),
  );
  const found = groups.flatMap(({ metadata: { name: group = '' }, versions: [preferred] }) =>
    (preferred?.freshness === 'Stale' ? [] : (preferred?.resources ?? []))
      .filter(({ verbs, responseKind }) => responseKind && verbs.includes('list') && verbs.includes('delete'))
      .map(({ resource, responseKind, scope }) => ({
        group,
        version: preferred!.version,
        plural: resource,
        kind: responseKind!.kind,
        namespaced: scope === 'Namespaced',
      })),
  );
  return { resources: found, failures };
}
