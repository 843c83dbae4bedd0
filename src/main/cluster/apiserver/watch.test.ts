import { describe, expect, it } from 'vitest';
import { collect, createTestServer } from './testing';

const path = '/api/v1/namespaces/default/configmaps';
const tableAccept = 'application/json;as=Table;v=v1;g=meta.k8s.io';

async function setUp() {
  const server = await createTestServer();
  const { send } = server;
  const watch = async (query: Record<string, string> = {}, accept?: string) =>
    collect(await send('GET', path, { query: { watch: '1', ...query }, accept }));
  const create = (name: string, labels: Record<string, string> = {}) =>
    send('POST', path, { body: { metadata: { name, labels } } });
  const relabel = (name: string, labels: Record<string, string | null>) =>
    send('PATCH', `${path}/${name}`, { body: { metadata: { labels } }, contentType: 'application/merge-patch+json' });
  return { ...server, watch, create, relabel };
}
const seen = (events: { type: string; object: any }[]) =>
  events.map(({ type, object }) => `${type} ${object.metadata?.name ?? object.reason ?? ''}`.trim());

describe('watch', () => {
  it('begins with what is there, or after a revision', async () => {
    const { create, watch } = await setUp();
    const { body } = await create('a');
    const fromStart = await watch();
    const fromAny = await watch({ resourceVersion: '0' });
    const after = await watch({ resourceVersion: body.metadata.resourceVersion });
    await create('b');
    expect(seen(fromStart.events)).toEqual(['ADDED a', 'ADDED b']);
    expect(seen(fromAny.events)).toEqual(['ADDED a', 'ADDED b']);
    expect(seen(after.events)).toEqual(['ADDED b']);
    fromStart.close();
    await create('c');
    expect(seen(fromStart.events)).toHaveLength(2);
  });

  it('refuses bad parameters before the answer begins', async () => {
    const { watch } = await setUp();
    await expect(watch({ timeoutSeconds: 'soon' })).rejects.toMatchObject({ code: 400 });
  });

  it('ends at once when its time is over before it begins', async () => {
    const { watch, clock } = await setUp();
    const { state } = await watch({ timeoutSeconds: '-1' });
    await clock.advance(0);
    expect(state.ended).toBe(true);
  });

  it('tells of objects that enter and leave the selection', async () => {
    const { create, relabel, watch, send } = await setUp();
    await create('a');
    const selected = await watch({ labelSelector: 'x=1' });
    await relabel('a', { x: '1' });
    await relabel('a', { y: '1' });
    await relabel('a', { x: '2' });
    await relabel('a', { y: '2' });
    await send('DELETE', `${path}/a`);
    expect(seen(selected.events)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']);
    const [, before, left] = selected.events;
    expect(left!.object.metadata.labels).toEqual({ x: '1', y: '1' });
    expect(Number(left!.object.metadata.resourceVersion)).toBeGreaterThan(
      Number(before!.object.metadata.resourceVersion),
    );
  });

  it('stamps deletions with their own revision', async () => {
    const { create, watch, send, store } = await setUp();
    await create('a');
    const { events } = await watch({ fieldSelector: 'metadata.name=a' });
    await send('DELETE', `${path}/a`);
    expect(seen(events)).toEqual(['ADDED a', 'DELETED a']);
    expect(events[1]!.object.metadata.resourceVersion).toBe(String(store.revision));
  });

  it('answers 410 as an event for revisions that are gone or have never been', async () => {
    const { watch, create, store } = await setUp();
    for (let index = 0; index < 10_010; index++) await create(`c${index}`);
    const old = await watch({ resourceVersion: '1' });
    expect(old.events).toMatchObject([{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }]);
    expect(old.state.ended).toBe(true);
    const future = await watch({ resourceVersion: String(store.revision + 100) });
    expect(future.events).toMatchObject([{ type: 'ERROR', object: { code: 410 } }]);
  });

  it('sends bookmarks to those who want them', async () => {
    const { watch, clock, store, create } = await setUp();
    const plain = await watch();
    const marked = await watch({ allowWatchBookmarks: 'true' });
    await clock.advance(60_000);
    await create('a');
    await clock.advance(60_000);
    expect(seen(plain.events)).toEqual(['ADDED a']);
    expect(marked.events.map(({ type }) => type)).toEqual(['BOOKMARK', 'ADDED', 'BOOKMARK']);
    expect(marked.events.at(-1)!.object.metadata.resourceVersion).toBe(String(store.revision));
  });

  it('marks the end of the initial events', async () => {
    const { watch, create } = await setUp();
    await create('a');
    const query = { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: 'true' };
    const { events } = await watch(query);
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK']);
    expect(events[1]!.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
    await expect(watch({ sendInitialEvents: 'true' })).rejects.toMatchObject({
      code: 422,
      message:
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    });
  });

  it('ends after timeoutSeconds', async () => {
    const { watch, clock } = await setUp();
    const { state } = await watch({ timeoutSeconds: '5' });
    await clock.advance(4_999);
    expect(state.ended).toBe(false);
    await clock.advance(1);
    expect(state.ended).toBe(true);
  });

  it('watches Tables: columns once, a row for each event', async () => {
    const { watch, create } = await setUp();
    await create('a');
    const { events } = await watch({}, tableAccept);
    await create('b');
    expect(events.map(({ object }) => object.kind)).toEqual(['Table', 'Table']);
    expect(events[0]!.object.columnDefinitions[0].name).toBe('Name');
    expect(events[1]!.object.columnDefinitions).toBeNull();
    expect(events[1]!.object.rows[0]).toMatchObject({
      cells: ['b', 0, '0s'],
      object: { kind: 'PartialObjectMetadata' },
    });
  });
});

describe('views', () => {
  it('prints Tables with what includeObject asks for', async () => {
    const { send, create } = await setUp();
    await create('a');
    const table = async (includeObject?: string) =>
      (
        await send('GET', path, {
          accept: `${tableAccept},application/json`,
          query: includeObject ? { includeObject } : {},
        })
      ).body;
    const { kind, columnDefinitions, rows } = await table();
    expect(kind).toBe('Table');
    expect(columnDefinitions.map((column: any) => column.name)).toEqual(['Name', 'Data', 'Age']);
    expect(rows).toMatchObject([
      { cells: ['a', 0, '0s'], object: { kind: 'PartialObjectMetadata', metadata: { name: 'a' } } },
    ]);
    expect((await table('None')).rows[0]).toEqual({ cells: ['a', 0, '0s'] });
    expect((await table('Object')).rows[0].object.kind).toBe('ConfigMap');
    expect((await send('GET', `${path}/a`, { accept: tableAccept })).body.rows).toHaveLength(1);
  });

  it('encodes the Table that it says', async () => {
    const { send, create } = await setUp();
    await create('a');
    const { payload } = await send('GET', path, { accept: tableAccept });
    if (payload.type !== 'object') throw new Error('not an object');
    expect(JSON.parse(payload.object.json!)).toEqual(JSON.parse(JSON.stringify(payload.object.value)));
  });

  it('cuts down to metadata', async () => {
    const { send, create } = await setUp();
    await create('a');
    const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
    const { body } = await send('GET', path, { accept });
    expect(body).toMatchObject({
      kind: 'PartialObjectMetadataList',
      items: [{ kind: 'PartialObjectMetadata', metadata: { name: 'a' } }],
    });
    await expect(send('GET', path, { accept: 'image/png' })).rejects.toMatchObject({ code: 406 });
  });
});
