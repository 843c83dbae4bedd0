import { describe, expect, it } from 'vitest';
import type { RowBatch } from '@shared/bridge/contract';
import type { Row } from '@shared/kinds/types';
import { LiveRows, type Changed, type RowsSource } from './live-rows';

const row = (uid: string, name = uid): Row => ({
  uid,
  name,
  resourceVersion: '1',
  createdAt: '',
  cells: {},
  search: name,
});
const live = { state: 'live', since: 1 } as const;

function setUp() {
  const opened: Parameters<RowsSource['open']>[2][] = [];
  let closed = 0;
  const source: RowsSource = {
    open: (_name, _params, handlers) => {
      opened.push(handlers);
      return { input: () => {}, close: () => void closed++ };
    },
  };
  const rows = new LiveRows(source, { cluster: 'c', kind: 'pods' }, () => 42);
  const heard: Changed[] = [];
  rows.listen((changed) => heard.push(changed));
  const send = (batch: Partial<RowBatch>): void =>
    opened.at(-1)!.data({ upsert: [], remove: [], freshness: live, ...batch });
  return { rows, heard, send, opened, closed: () => closed };
}

describe('live rows', () => {
  it('tells what each row was and is', () => {
    const { rows, heard, send } = setUp();
    send({ reset: true, upsert: [row('1'), row('2')] });
    send({ upsert: [row('2', 'two'), row('3')], remove: ['1', 'unknown'] });
    expect(heard[0]).toBe('all');
    expect(heard[1]).toEqual([
      { before: row('1'), after: undefined },
      { before: row('2'), after: row('2', 'two') },
      { before: undefined, after: row('3') },
    ]);
    expect([...rows.rows.keys()]).toEqual(['2', '3']);
  });

  it('keeps the rows while the connection is away and replaces them afterwards', () => {
    const { rows, send } = setUp();
    send({ reset: true, upsert: [row('1')] });
    rows.disconnected('lost');
    expect(rows.freshness).toEqual({ state: 'stale', since: 42, message: 'lost' });
    expect(rows.rows.size).toBe(1);
    send({ upsert: [row('2')] });
    expect([...rows.rows.keys()]).toEqual(['2']);
    expect(rows.freshness).toBe(live);
  });

  it('shows why the stream ended and asks again', () => {
    const { rows, opened, closed } = setUp();
    opened[0]!.end({ code: 'Forbidden', message: 'no' });
    expect(rows.freshness.state).toBe('failed');
    expect(rows.error?.code).toBe('Forbidden');
    rows.refresh();
    expect(rows.freshness.state).toBe('loading');
    expect([opened.length, closed()]).toEqual([2, 1]);
  });
});
