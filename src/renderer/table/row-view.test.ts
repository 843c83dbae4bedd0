import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Row } from '@shared/kinds/types';
import { comparator, matches, orderRows, RowView, type Sort } from './row-view';

const row = (uid: string, name: string, count: number | null = 0): Row => ({
  uid,
  name,
  resourceVersion: '1',
  createdAt: '2026-01-01T00:00:00Z',
  cells: { count },
  search: name.toLowerCase(),
});
const byName: Sort = { column: 'name', descending: false };

describe('the order of rows', () => {
  const names = (sort: Sort, ...rows: Row[]): string[] => rows.toSorted(comparator(sort)).map((each) => each.name);

  it('reads numbers in names', () => {
    expect(names(byName, row('1', 'web-10'), row('2', 'web-9'))).toEqual(['web-9', 'web-10']);
  });
  it('puts cells without a value last', () => {
    expect(
      names({ column: 'count', descending: false }, row('1', 'a', null), row('2', 'b', 3), row('3', 'c', 1)),
    ).toEqual(['c', 'b', 'a']);
  });
  it('puts what needs attention first', () => {
    const ok: Row = { ...row('1', 'a'), status: { text: 'Running', tone: 'ok' } };
    const bad: Row = { ...row('2', 'b'), status: { text: 'Error', tone: 'error' } };
    expect(names({ column: 'status', descending: false }, ok, bad)).toEqual(['b', 'a']);
  });
  it('ascends in age: the youngest first', () => {
    const old: Row = { ...row('1', 'old'), createdAt: '2025-01-01T00:00:00Z' };
    expect(names({ column: 'age', descending: false }, old, row('2', 'new'))).toEqual(['new', 'old']);
  });
});

it('orders all rows as comparing each pair would', () => {
  const rows = fc.array(fc.record({ name: fc.constantFrom('a', 'a2', 'a10', 'b'), count: fc.option(fc.nat(3)) }), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(rows, fc.constantFrom('name', 'count', 'status'), fc.boolean(), (given, column, descending) => {
      const list = given.map(({ name, count }, index) => row(String(index), name, count));
      const sort = { column, descending };
      expect(orderRows(list, sort)).toEqual(list.toSorted(comparator(sort)));
    }),
  );
});

it('filters by every word', () => {
  expect(matches(row('1', 'web-abc'), ['web', 'abc'])).toBe(true);
  expect(matches(row('1', 'web-abc'), ['web', 'xyz'])).toBe(false);
});

describe('the view', () => {
  const change = fc.record({
    uid: fc.integer({ min: 0, max: 30 }).map(String),
    name: fc.constantFrom('a', 'b', 'web-1', 'web-2', 'web-10', 'x y'),
    count: fc.option(fc.integer({ min: 0, max: 5 })),
    remove: fc.boolean(),
  });

  it('is after any changes what a fresh view is', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uniqueArray(change, { selector: (each) => each.uid })),
        fc.constantFrom('', 'web', 'b'),
        fc.constantFrom('name', 'count', 'status'),
        fc.boolean(),
        (batches, filter, column, descending) => {
          const rows = new Map<string, Row>();
          const sort = { column, descending };
          const view = new RowView(rows, sort);
          view.setFilter(filter);
          for (const batch of batches) {
            const changes = batch.map(({ uid, name, count, remove }) => {
              const before = rows.get(uid);
              const after = remove ? undefined : row(uid, name, count);
              if (after) rows.set(uid, after);
              else rows.delete(uid);
              return { before, after };
            });
            view.apply(changes);
          }
          const fresh = new RowView(rows, sort);
          fresh.setFilter(filter);
          expect(view.list).toEqual(fresh.list);
        },
      ),
    );
  });

  it('changes a row in place without copying the list', () => {
    const rows = new Map([row('1', 'a'), row('2', 'b'), row('3', 'c')].map((each) => [each.uid, each]));
    const view = new RowView(rows, byName);
    const { list } = view;
    const before = rows.get('2');
    const after = row('2', 'b', 9);
    rows.set('2', after);
    view.apply([{ before, after }]);
    expect(view.list).toBe(list);
    expect(view.list[1]).toBe(after);
  });

  it('filters 50,000 rows quickly', () => {
    const rows = new Map(Array.from({ length: 50_000 }, (_, index) => [`${index}`, row(`${index}`, `pod-${index}`)]));
    const view = new RowView(rows, byName);
    const started = performance.now();
    view.setFilter('pod-4999');
    expect(view.list.length).toBe(11);
    expect(performance.now() - started).toBeLessThan(200);
  });
});
