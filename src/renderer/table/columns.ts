import type { CellRenderer, CellValue, KindView, Row } from '@shared/kinds/types';

/** A column as the table draws it: one of the kind's, or one that every kind has. */
export interface TableColumn {
  id: string;
  titleKey: string;
  renderer: CellRenderer | 'name';
  width: number;
  flex: boolean;
  align: 'start' | 'end';
  optional: boolean;
  sortable: boolean;
  value(row: Row): CellValue | undefined;
}

type Given = Pick<TableColumn, 'id' | 'renderer' | 'width' | 'value'> & Partial<TableColumn>;
const column = (given: Given): TableColumn => ({
  titleKey: `columns.${given.id}`,
  flex: false,
  align: 'start',
  optional: false,
  sortable: true,
  ...given,
});

/** All columns of a kind: name, namespace, status, its own, age. */
export function tableColumns(view: KindView): TableColumn[] {
  const own = view.columns.map(({ id, renderer, width, flex, align, optional, sortable, titleKey }) =>
    column({
      id,
      renderer,
      width,
      value: (row) => row.cells[id],
      ...(titleKey ? { titleKey } : {}),
      flex: flex ?? false,
      align: align ?? 'start',
      optional: optional ?? false,
      sortable: sortable ?? true,
    }),
  );
  const stretches = own.some((each) => each.flex);
  return [
    column({ id: 'name', renderer: 'name', width: 220, flex: !stretches, value: (row) => row.name }),
    ...(view.namespaced
      ? [column({ id: 'namespace', renderer: 'text', width: 130, value: (row) => row.namespace ?? null })]
      : []),
    ...(view.status
      ? [column({ id: 'status', renderer: 'status', width: 150, value: (row) => row.status ?? null })]
      : []),
    ...own,
    column({ id: 'age', renderer: 'age', width: 80, value: (row) => row.createdAt }),
  ];
}

/** The ids hidden when the user chose nothing. */
export function hiddenByDefault(view: KindView): string[] {
  return view.columns.filter((each) => each.optional).map((each) => each.id);
}
