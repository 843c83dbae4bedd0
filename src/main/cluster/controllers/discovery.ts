import type { KubeClient, ResourceRef } from '../client/types';

interface ResourceList {
  resources: { name: string; kind: string; namespaced: boolean; verbs: string[] }[];
}

interface GroupList {
  groups: { name: string; preferredVersion: { groupVersion: string } }[];
}

/**
 * Every resource the API serves that can be listed and deleted, each group in its
 * preferred version. A group that cannot be asked is named in `failures`.
 */
export async function discover(client: KubeClient): Promise<{ resources: ResourceRef[]; failures: string[] }> {
  const get = async <T>(path: string): Promise<T> => (await client.transport.request<T>({ method: 'GET', path })).body;
  const { groups } = await get<GroupList>('/apis');
  const versions = ['v1', ...groups.map((group) => group.preferredVersion.groupVersion)];
  const failures: string[] = [];
  const lists = await Promise.all(
    versions.map(async (groupVersion) => {
      const [group, version] = groupVersion.includes('/') ? groupVersion.split('/') : ['', groupVersion];
      try {
        const { resources } = await get<ResourceList>(group ? `/apis/${groupVersion}` : `/api/${groupVersion}`);
        return resources
          .filter(({ name, verbs }) => !name.includes('/') && verbs.includes('list') && verbs.includes('delete'))
          .map(({ name, kind, namespaced }) => ({ group: group!, version: version!, plural: name, kind, namespaced }));
      } catch (error) {
        failures.push(`${groupVersion}: ${(error as Error).message}`);
        return [];
      }
    }),
  );
  return { resources: lists.flat(), failures };
}
