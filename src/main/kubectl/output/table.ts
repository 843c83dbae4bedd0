import type { KubeObject } from '@shared/k8s';
import { humanAge } from '@shared/duration';
import { alignTabs, tableLayout, type TabWriter } from './tabwriter';

/** A meta.k8s.io/v1 Table, as the server prints lists. */
export interface Table {
  kind: 'Table';
  columnDefinitions: { name: string; type: string; priority?: number }[] | null;
  rows: { cells: unknown[]; object?: KubeObject }[] | null;
  metadata?: { resourceVersion?: string; continue?: string };
}

/** What to ask a server for to get a Table. */
export const tableAccept = ['v1', 'v1beta1']
  .map((version) => `application/json;as=Table;v=${version};g=meta.k8s.io`)
  .concat('application/json')
  .join(',');

export const isTable = (body: unknown): body is Table => (body as { kind?: string } | undefined)?.kind === 'Table';

/** A table with name and age for what a server sent as plain objects. */
export function plainTable(objects: readonly KubeObject[], now: number): Table {
  return {
    kind: 'Table',
    columnDefinitions: [
      { name: 'Name', type: 'string' },
      { name: 'Age', type: 'string' },
    ],
    rows: objects.map((object) => ({
      cells: [object.metadata?.name ?? '', humanAge(object.metadata?.creationTimestamp, now)],
      object,
    })),
  };
}

export interface TableOptions {
  wide?: boolean;
  noHeaders?: boolean;
  /** Puts the namespace first. */
  withNamespace?: boolean;
  /** `pod` makes names `pod/NAME`. */
  kindPrefix?: string;
  showLabels?: boolean;
  labelColumns?: readonly string[];
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return '';
  const text = typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
  const end = text.search(/[\f\n\r]/);
  return end < 0 ? text : `${text.slice(0, end)}...`;
}

/** `a=1,b=2` in key order, or `<none>`. */
export function labelsText(labels: Record<string, string> | undefined): string {
  const pairs = Object.keys(labels ?? {})
    .sort()
    .map((key) => `${key}=${labels![key]}`);
  return pairs.length > 0 ? pairs.join(',') : '<none>';
}

/** Adds the rows of a table to a writer, with headers before them if asked. */
export function addTable(writer: Pick<TabWriter, 'add'>, table: Table, options: TableOptions, headers: boolean): void {
  const columns = table.columnDefinitions ?? [];
  const shown = columns.map((column) => options.wide || !column.priority);
  const labelColumns = options.labelColumns ?? [];
  const line = (cells: string[]): void => writer.add(`${cells.join('\t')}\n`);
  if (headers && columns.length > 0) {
    line([
      ...(options.withNamespace ? ['NAMESPACE'] : []),
      ...columns.filter((_, at) => shown[at]).map((column) => column.name.toUpperCase()),
      ...labelColumns.map((label) => label.slice(label.lastIndexOf('/') + 1).toUpperCase()),
      ...(options.showLabels ? ['LABELS'] : []),
    ]);
  }
  for (const row of table.rows ?? []) {
    const labels = row.object?.metadata?.labels;
    const cells = row.cells.map((cell, at) => {
      const named = at === 0 && options.kindPrefix && columns[0]?.name.toLowerCase() === 'name';
      return named ? `${options.kindPrefix}/${cellText(cell)}` : cellText(cell);
    });
    line([
      ...(options.withNamespace ? [row.object?.metadata?.namespace ?? ''] : []),
      ...cells.filter((_, at) => shown[at]),
      ...labelColumns.map((label) => labels?.[label] ?? ''),
      ...(options.showLabels ? [labelsText(labels)] : []),
    ]);
  }
}

/**
 * Rows of plain text under headers, laid out like every table of kubectl.
 * @param options.padLast the last column is padded, too (`kubectl top` does so)
 */
export function textTable(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
  options: { noHeaders?: boolean; padLast?: boolean } = {},
): string {
  const lines = options.noHeaders ? rows : [headers, ...rows];
  const end = options.padLast ? '\t\n' : '\n';
  return alignTabs(lines.map((line) => line.join('\t') + end).join(''), tableLayout);
}
