import type { CellValue, Row } from '@shared/kinds/types';

/** How rows are ordered: by the column, then by namespace and name. */
export interface Sort {
  /** A column's id, or `name`, `namespace`, `status`, `age`. */
  column: string;
  descending: boolean;
}

const collator = new Intl.Collator('en', { numeric: true });

/** Status tones from what needs attention to what does not. */
const TONES = { error: 0, warn: 1, busy: 2, neutral: 3, ok: 4, off: 5 } as const;

/** A value that orders as the cell reads: numbers as such, lists by length, statuses by urgency. */
export function sortKey(row: Row, column: string): string | number {
  switch (column) {
    case 'name':
      return row.name;
    case 'namespace':
      return row.namespace ?? '';
    case 'age':
      // Oldest last: ages ascend.
      return -(Date.parse(row.createdAt) || 0);
    case 'status':
      return row.status ? `${TONES[row.status.tone]}${row.status.text}` : '';
    default:
      return cellKey(row.cells[column]);
  }
}

function cellKey(value: CellValue | undefined): string | number {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return value;
  // Times order the way ages read: the latest first.
  if (typeof value === 'string') return /^\d{4}-\d\d-\d\dT/.test(value) ? -Date.parse(value) : value;
  if (Array.isArray(value)) return value.length;
  return 'tone' in value ? String(value['text']) : Object.keys(value).length;
}

function compareKeys(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  // Cells without a value come last.
  if (a === '' || b === '') return a === b ? 0 : a === '' ? 1 : -1;
  return typeof a === 'string' && typeof b === 'string' ? collator.compare(a, b) : typeof a === 'number' ? -1 : 1;
}

/** The comparison that orders rows. Total: two rows are never equal unless they are the same object. */
export function comparator(sort: Sort): (a: Row, b: Row) => number {
  const sign = sort.descending ? -1 : 1;
  return (a, b) =>
    sign * compareKeys(sortKey(a, sort.column), sortKey(b, sort.column)) ||
    collator.compare(a.name, b.name) ||
    collator.compare(a.namespace ?? '', b.namespace ?? '') ||
    (a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : 0);
}

/** Whether every word of the filter occurs in the row. Words are in lower case. */
export function matches(row: Row, words: readonly string[]): boolean {
  for (const word of words) if (!row.search.includes(word)) return false;
  return true;
}

/**
 * All rows in order. Names are compared once; then what the column says,
 * where equal keys keep the order of names. Few different texts (a status, a
 * namespace) are compared among themselves only.
 */
export function orderRows(rows: Iterable<Row>, sort: Sort): Row[] {
  const list = [...rows];
  const byName = comparator({ column: 'name', descending: sort.column === 'name' && sort.descending });
  list.sort(byName);
  if (sort.column === 'name') return list;
  const keys = list.map((row) => sortKey(row, sort.column));
  const sign = sort.descending ? -1 : 1;
  const different = [...new Set(keys)].sort((a, b) => sign * compareKeys(a, b));
  const place = new Map(different.map((key, index) => [key, index]));
  const places = Uint32Array.from(keys, (key) => place.get(key)!);
  const order = Uint32Array.from(list.keys()).sort((a, b) => places[a]! - places[b]! || a - b);
  return Array.from(order, (index) => list[index]!);
}

/** A change of one row: what it was (undefined: new) and is (undefined: gone). */
export interface RowChange {
  before: Row | undefined;
  after: Row | undefined;
}

/** A list kept in order while rows come, change and go. */
class OrderedRows {
  list: Row[] = [];

  constructor(private readonly compare: (a: Row, b: Row) => number) {}

  /** A change of k among n rows costs k searches; only when rows come, go or move is the list copied once. */
  apply(changes: readonly RowChange[], shows: (row: Row) => boolean): void {
    const leaving = new Set<Row>();
    const coming: Row[] = [];
    for (const { before, after } of changes) {
      const index = before ? this.indexOf(before) : -1;
      const shown = after !== undefined && shows(after);
      if (index >= 0 && shown && this.fits(index, after)) this.list[index] = after;
      else {
        if (index >= 0) leaving.add(before!);
        if (shown) coming.push(after);
      }
    }
    if (leaving.size || coming.length) this.merge(leaving, coming.sort(this.compare));
  }

  private indexOf(row: Row): number {
    const index = this.search(row);
    return this.list[index]?.uid === row.uid ? index : -1;
  }

  private fits(index: number, row: Row): boolean {
    const above = this.list[index - 1];
    const below = this.list[index + 1];
    return (!above || this.compare(above, row) < 0) && (!below || this.compare(row, below) < 0);
  }

  private search(row: Row): number {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compare(this.list[middle]!, row) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private merge(leaving: ReadonlySet<Row>, coming: readonly Row[]): void {
    const list: Row[] = [];
    let next = 0;
    for (const row of this.list) {
      if (leaving.has(row)) continue;
      while (next < coming.length && this.compare(coming[next]!, row) < 0) list.push(coming[next++]!);
      list.push(row);
    }
    while (next < coming.length) list.push(coming[next++]!);
    this.list = list;
  }
}

/** Beyond this share of changed rows ordering anew is cheaper than placing each. */
const REBUILD_SHARE = 2;

/** The sorted and filtered view of a set of rows. Filtering never sorts. */
export class RowView {
  private words: string[] = [];
  private all: OrderedRows;
  private shown: OrderedRows;

  constructor(
    private readonly rows: ReadonlyMap<string, Row>,
    private sort: Sort,
  ) {
    this.all = this.shown = new OrderedRows(comparator(sort));
    this.rebuild();
  }

  /** The rows to show, in order. */
  get list(): Row[] {
    return this.shown.list;
  }

  setSort(sort: Sort): void {
    this.sort = sort;
    this.rebuild();
  }

  setFilter(text: string): void {
    this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.filter();
  }

  /** Takes over changes of the rows. */
  apply(changes: readonly RowChange[]): void {
    if (changes.length > 64 && changes.length * REBUILD_SHARE > this.all.list.length) return this.rebuild();
    this.all.apply(changes, () => true);
    if (this.shown !== this.all) this.shown.apply(changes, (row) => matches(row, this.words));
  }

  private rebuild(): void {
    this.all = new OrderedRows(comparator(this.sort));
    this.all.list = orderRows(this.rows.values(), this.sort);
    this.filter();
  }

  private filter(): void {
    this.shown = this.all;
    if (!this.words.length) return;
    this.shown = new OrderedRows(comparator(this.sort));
    this.shown.list = this.all.list.filter((row) => matches(row, this.words));
  }
}
