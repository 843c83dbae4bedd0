import { expect, it } from 'vitest';
import { createTestServer } from './testing';

it('events go an hour after they last happened', async () => {
  const { send, clock, server } = await createTestServer();
  const path = '/api/v1/namespaces/default/events';
  const event = (name: string, lastTimestamp: string) => ({
    metadata: { name },
    involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
    reason: 'Started',
    type: 'Normal',
    lastTimestamp,
  });
  await send('POST', path, { body: event('once', '2026-01-01T00:00:00Z') });
  await send('POST', path, { body: event('again', '2026-01-01T00:30:00Z') });
  await clock.advance(66 * 60_000);
  expect((await send('GET', path)).body.items.map((item: any) => item.metadata.name)).toEqual(['again']);
  server.close();
  await clock.advance(120 * 60_000);
  expect((await send('GET', path)).body.items).toHaveLength(1);
});
