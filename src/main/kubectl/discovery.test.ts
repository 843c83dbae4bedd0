import { expect, it } from 'vitest';
import type { KubeTransport } from '../cluster/client/transport';
import { Discovery } from './discovery';

const resource = (name: string, kind?: string) => ({
  resource: name,
  ...(kind ? { responseKind: { group: 'hats.example.com', version: 'v1', kind } } : {}),
  scope: 'Namespaced',
  singularResource: '',
  verbs: kind ? ['get'] : [],
  subresources: [{ subresource: 'hits' }],
});

it('knows no resource that has subresources alone', async () => {
  const versions = [{ version: 'v1', resources: [resource('pods'), resource('hats', 'Hat')], freshness: 'Current' }];
  const items = [{ metadata: { name: 'hats.example.com' }, versions }];
  const transport: Pick<KubeTransport, 'request'> = {
    request: async ({ path }) => ({
      status: 200,
      body: { kind: 'APIGroupDiscoveryList', items: path === '/apis' ? items : [] } as any,
      warnings: [],
    }),
  };
  const discovery = await Discovery.load(transport as KubeTransport);
  expect(discovery.mappings.map(({ plural, kind }) => `${plural} ${kind}`)).toEqual(['hats Hat']);
  expect(discovery.lookup('pods')).toBeUndefined();
  expect(discovery.groupVersions).toEqual(['hats.example.com/v1']);
});
