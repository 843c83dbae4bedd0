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

/** Beyond this share of changed rows sorting anew is cheaper than placing each. */
const REBUILD_SHARE = 8;

/**
 * The filtered and sorted view of a set of rows. A change of k among n rows
 * costs k searches; only when rows come, go or move is the list copied once.
 */
export class RowView {
  list: Row[] = [];
  private words: string[] = [];
  private compare: (a: Row, b: Row) => number;

  constructor(
    private readonly rows: ReadonlyMap<string, Row>,
    sort: Sort,
  ) {
    this.compare = comparator(sort);
    this.rebuild();
  }

  setSort(sort: Sort): void {
    this.compare = comparator(sort);
    this.list.sort(this.compare);
  }

  setFilter(text: string): void {
    this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.rebuild();
  }

  /** Filters and sorts everything. */
  rebuild(): void {
    const list: Row[] = [];
    for (const row of this.rows.values()) if (matches(row, this.words)) list.push(row);
    this.list = list.sort(this.compare);
  }

  /** Takes over changes: what each row was (undefined: new) and is (undefined: gone). */
  apply(changes: readonly { before: Row | undefined; after: Row | undefined }[]): void {
    if (changes.length > 64 && changes.length * REBUILD_SHARE > this.list.length) return this.rebuild();
    const leaving = new Set<Row>();
    const coming: Row[] = [];
    for (const { before, after } of changes) {
      const index = before ? this.indexOf(before) : -1;
      const shown = after !== undefined && matches(after, this.words);
      if (index >= 0 && shown && this.fits(index, after)) this.list[index] = after;
      else {
        if (index >= 0) leaving.add(before!);
        if (shown) coming.push(after);
      }
    }
    if (leaving.size || coming.length) this.merge(leaving, coming.sort(this.compare));
  }

  /** Where a row is, or -1. */
  indexOf(row: Row): number {
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
