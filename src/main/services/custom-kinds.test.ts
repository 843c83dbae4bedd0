import type { CustomKind } from '@shared/kinds/custom';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLogger } from '../cluster/log';
import { createInformerPool, type InformerPool } from '../informers/pool';
import { findCustomView, streamCustomKinds } from './custom-kinds';
import { startTestApi } from './test-api';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
let api: Awaited<ReturnType<typeof startTestApi>>;
let pool: InformerPool;
const ending = new AbortController();

async function define(plural: string, kind: string, group: string): Promise<void> {
  const name = `${plural}.${group}`;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const columns = [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }];
  const body = {
    // Groups of Kubernetes itself are protected.
    metadata: { name, annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' } },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [{ name: 'v1', served: true, storage: true, schema, additionalPrinterColumns: columns }],
    },
  };
  await api.transport.request({ method: 'POST', path: definitions, body });
  await api.transport.request({
    method: 'PATCH',
    path: `${definitions}/${name}/status`,
    contentType: 'application/merge-patch+json',
    body: { status: { conditions: [{ type: 'Established', status: 'True' }] } },
  });
}

beforeEach(async () => {
  api = await startTestApi();
  const { transportFor, clock } = api;
  pool = createInformerPool({ clock, log: silentLogger, transportFor, explain: String });
});
afterEach(() => {
  ending.abort();
  pool.close();
});

it('tells the kinds that definitions make, without those that have pages of their own', async () => {
  await define('widgets', 'Widget', 'b.example.com');
  await define('gateways', 'Gateway', 'gateway.networking.k8s.io');
  const stream = streamCustomKinds('gantry', { pool, clock: api.clock, signal: ending.signal });
  const first = stream.next();
  await api.clock.advance(1000);
  const names = (kinds: CustomKind[] | void) => kinds?.map(({ kind, group }) => `${kind}.${group}`);
  expect(names((await first).value)).toEqual(['Widget.b.example.com']);
  await define('gadgets', 'Gadget', 'a.example.com');
  const second = stream.next();
  await api.clock.advance(1000);
  expect(names((await second).value)).toEqual(['Gadget.a.example.com', 'Widget.b.example.com']);
});

it('finds the view of a kind by the name of its definition', async () => {
  await define('widgets', 'Widget', 'b.example.com');
  const find = (id: string) => findCustomView(api.transport, id, new AbortController().signal);
  const view = await find('widgets.b.example.com');
  expect(view).toMatchObject({ kind: 'Widget', version: 'v1', columns: [{ title: 'Size', renderer: 'number' }] });
  expect(await find('nothing.b.example.com')).toBeUndefined();
});
