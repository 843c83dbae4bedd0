import { i18n } from '@/locales';
import type { CellRenderer, CellValue, KindView, Row } from '@shared/kinds/types';

/** A column as the table draws it: one of the kind's, or one that every kind has. */
export interface TableColumn {
  id: string;
  titleKey: string;
  /** The heading itself, where it comes from the cluster. */
  title?: string;
  renderer: CellRenderer | 'name';
  width: number;
  flex: boolean;
  align: 'start' | 'end';
  optional: boolean;
  wide: boolean;
  sortable: boolean;
  value(row: Row): CellValue | undefined;
}

type Given = Pick<TableColumn, 'id' | 'renderer' | 'width' | 'value'> & Partial<TableColumn>;
const column = (given: Given): TableColumn => ({
  titleKey: `columns.${given.id}`,
  flex: false,
  align: 'start',
  optional: false,
  wide: false,
  sortable: true,
  ...given,
});

/** A column's heading. */
export const columnTitle = ({ title, titleKey }: TableColumn): string => title ?? i18n.global.t(titleKey);

/** All columns of a kind: name, namespace, status, its own, age. */
export function tableColumns(view: KindView): TableColumn[] {
  const own = view.columns.map((given) =>
    column({
      ...given,
      titleKey: given.titleKey ?? `columns.${given.id}`,
      value: (row) => row.cells[given.id],
    }),
  );
  const stretches = own.some((each) => each.flex);
  const common: (TableColumn | false)[] = [
    column({ id: 'name', renderer: 'name', width: 190, flex: !stretches, value: (row) => row.name }),
    view.namespaced && column({ id: 'namespace', renderer: 'text', width: 104, value: (row) => row.namespace ?? null }),
    view.status !== undefined &&
      column({ id: 'status', renderer: 'status', width: view.statusWidth ?? 156, value: (row) => row.status ?? null }),
    ...own,
    column({ id: 'age', renderer: 'age', width: 70, value: (row) => row.createdAt }),
  ];
  const hidden = new Set<string>(view.hidden);
  return common
    .filter((each) => each !== false)
    .map((each) => (hidden.has(each.id) ? { ...each, optional: true } : each));
}

/** The ids hidden when the user chose nothing: optional ones, and from the end those there is no room for. */
export function hiddenByDefault(columns: readonly TableColumn[], room: number): string[] {
  const hidden = columns.filter((each) => each.optional).map((each) => each.id);
  let needed = columns.reduce((sum, each) => (each.optional ? sum : sum + each.width), 0);
  for (const each of columns.toReversed()) {
    if (needed <= room) break;
    if (!each.wide || each.optional) continue;
    hidden.push(each.id);
    needed -= each.width;
  }
  return hidden;
}
