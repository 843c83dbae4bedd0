import { expect, it } from 'vitest';
import type { Row } from '@shared/kinds/types';
import { latestFirst } from './use-events';

it('puts the latest event first, and of one second the one written last', () => {
  const row = (name: string, lastSeen: string, resourceVersion: string) =>
    ({ name, resourceVersion, cells: { lastSeen } }) as unknown as Row;
  const rows = [
    row('old', '2026-01-01T00:00:00Z', '90'),
    row('first', '2026-01-01T00:00:05Z', '9'),
    row('second', '2026-01-01T00:00:05Z', '10'),
  ];
  expect(latestFirst(rows).map(({ name }) => name)).toEqual(['second', 'first', 'old']);
});
