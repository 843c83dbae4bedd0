import { expect, test } from 'vitest';
import { startTestbed } from '../../../test/support/testbed';
import { resources } from './client/resources';
import { silentLogger } from './log';
import { install, installShippedKinds, shippedKinds } from './shipped-kinds';

const routes = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  plural: 'httproutes',
  kind: 'HTTPRoute',
  namespaced: true,
};

test('every cluster has the kinds of the Gateway API', async () => {
  const bed = await startTestbed();
  const installing = installShippedKinds({
    client: bed.client,
    clock: bed.clock,
    log: silentLogger,
  });
  for (let index = 0; index < 6; index++) await bed.advance(2000);
  const { items } = await bed.client.list(resources.customResourceDefinitions);
  expect(items.map(({ metadata }) => metadata.name).sort()).toEqual([...shippedKinds.keys()].sort());
  for (const { status } of items) {
    expect(status!.conditions!.map(({ type, status: state }) => `${type}=${state}`)).toEqual([
      'NamesAccepted=True',
      'Established=True',
    ]);
  }
  const route = await bed.client.create(routes, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { parentRefs: [{ name: 'gate' }], rules: [{ backendRefs: [{ name: 'web', port: 80 }] }] },
  });
  expect(route.spec).toEqual({
    parentRefs: [{ name: 'gate', group: 'gateway.networking.k8s.io', kind: 'Gateway' }],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/' } }],
        backendRefs: [{ name: 'web', port: 80, group: '', kind: 'Service', weight: 1 }],
      },
    ],
  });
  const bad = {
    metadata: { name: 'bad', namespace: 'default' },
    spec: { rules: [{ backendRefs: [{ name: 'web' }] }] },
  };
  await expect(bed.client.create(routes, bad)).rejects.toThrow(
    'spec.rules[0].backendRefs[0]: Invalid value: "object": Must have port for Service reference',
  );
  installing.stop();
  bed.stop();
});

test('a definition of the app is brought up to date, one of somebody else is let be', async () => {
  const bed = await startTestbed();
  const [[name, manifest]] = [...shippedKinds] as [[string, string]];
  await install(bed.client, name, manifest);
  const described = manifest.replace('A class of Gateways', 'A sort of Gateways');
  await install(bed.client, name, described);
  const read = async () => JSON.stringify(await bed.client.get(resources.customResourceDefinitions, undefined, name));
  expect(await read()).toContain('A sort of Gateways');
  await bed.edit(resources.customResourceDefinitions as never, name, (draft) => {
    draft.metadata!.annotations!['gateway.networking.k8s.io/bundle-version'] = 'v1.3.0';
  });
  await install(bed.client, name, manifest);
  expect(await read()).toContain('A sort of Gateways');
  bed.stop();
});
