import { computed, ref, watch, type ComputedRef } from 'vue';
import { followPointer } from '@/lib/drag';
import type { TableColumn } from './columns';

const KEY = 'gantry.columns';
const SMALLEST = 48;
/** The columns for the checkbox and the row's menu. */
export const EDGE = 32;
const GROWING = new Set<TableColumn['renderer']>(['name', 'text', 'mono', 'status', 'list', 'labels']);

type Widths = Record<string, number>;

function read(kind: string): Widths {
  const all = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Record<string, Widths>;
  return all[kind] ?? {};
}

function write(kind: string, widths: Widths): void {
  const all = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Record<string, Widths>;
  localStorage.setItem(KEY, JSON.stringify({ ...all, [kind]: widths }));
}

/** How far wide columns of text give way before the table scrolls sideways; names never do. */
const NARROWEST = 0.75;
const WIDE = 110;

/** The width of each column in a table that has `room`: the preferred ones, or a little less where that makes them fit. */
export function fittingWidths(columns: readonly TableColumn[], room: number): Widths {
  const yields = (column: TableColumn): boolean => grows(column) && column.renderer !== 'name' && column.width > WIDE;
  const sum = (some: readonly TableColumn[]): number => some.reduce((total, { width }) => total + width, 0);
  const flexible = sum(columns.filter(yields));
  const spare = room - (sum(columns) - flexible);
  const scale = flexible ? Math.min(1, Math.max(NARROWEST, spare / flexible)) : 1;
  return Object.fromEntries(
    columns.map((column) => [column.id, yields(column) ? Math.floor(column.width * scale) : column.width]),
  );
}

const grows = ({ align, renderer }: TableColumn): boolean => align === 'start' && GROWING.has(renderer);

/** Widths of a kind's columns: what fits `room`, until the user drags them. Kept in this browser. */
export function useColumnWidths(
  kind: () => string,
  columns: () => TableColumn[],
  room: () => number,
): {
  template: ComputedRef<string>;
  minWidth: ComputedRef<number>;
  startResize(column: TableColumn, event: PointerEvent): void;
} {
  const dragged = ref<Widths>({});
  watch(kind, (id) => (dragged.value = read(id)), { immediate: true });

  const fitting = computed(() => fittingWidths(columns(), room() - 2 * EDGE));
  const widthOf = (column: TableColumn): number => dragged.value[column.id] ?? fitting.value[column.id]!;
  // Spare room goes to columns of text, by their width; most of it to the flexible one.
  const template = computed(() => {
    const tracks = columns().map((column) => {
      const width = widthOf(column);
      const free = dragged.value[column.id] === undefined && grows(column);
      return free ? `minmax(${width}px, ${column.flex ? 3 * width : width}fr)` : `${width}px`;
    });
    return `${EDGE}px ${tracks.join(' ')} ${EDGE}px`;
  });
  const minWidth = computed(() => columns().reduce((sum, column) => sum + widthOf(column), 2 * EDGE));

  function startResize(column: TableColumn, event: PointerEvent): void {
    event.stopPropagation();
    const cell = (event.target as HTMLElement).parentElement!;
    const from = cell.getBoundingClientRect().width - event.clientX;
    const id = kind();
    const move = (moved: PointerEvent): void => {
      dragged.value = { ...dragged.value, [column.id]: Math.max(SMALLEST, Math.round(from + moved.clientX)) };
    };
    followPointer(event, move, () => write(id, dragged.value));
  }

  return { template, minWidth, startResize };
}
