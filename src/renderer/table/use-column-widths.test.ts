import { expect, it } from 'vitest';
import type { TableColumn } from './columns';
import { fittingWidths } from './use-column-widths';

const column = (id: string, renderer: TableColumn['renderer'], width: number, align: 'start' | 'end' = 'start') =>
  ({ id, renderer, width, align }) as TableColumn;
const columns = [
  column('name', 'name', 200),
  column('images', 'list', 240),
  column('status', 'status', 160),
  column('ready', 'number', 80, 'end'),
  column('age', 'age', 70),
];

it('keeps the preferred widths where there is room', () => {
  expect(fittingWidths(columns, 750)).toEqual({ name: 200, images: 240, status: 160, ready: 80, age: 70 });
});

it('narrows text so that everything fits, but no names, numbers or ages', () => {
  expect(fittingWidths(columns, 690)).toEqual({ name: 200, images: 204, status: 136, ready: 80, age: 70 });
});

it('leaves text readable where nothing would fit', () => {
  expect(fittingWidths(columns, 300)).toEqual({ name: 200, images: 180, status: 120, ready: 80, age: 70 });
});
