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

/** Widths of a kind's columns: preferred ones, until the user drags them. Kept in this browser. */
export function useColumnWidths(
  kind: () => string,
  columns: () => TableColumn[],
): {
  template: ComputedRef<string>;
  minWidth: ComputedRef<number>;
  startResize(column: TableColumn, event: PointerEvent): void;
} {
  const dragged = ref<Widths>({});
  watch(kind, (id) => (dragged.value = read(id)), { immediate: true });

  const widthOf = (column: TableColumn): number => dragged.value[column.id] ?? column.width;
  // Spare room goes to columns of text, by their width; most of it to the flexible one.
  const template = computed(() => {
    const tracks = columns().map((column) => {
      const width = widthOf(column);
      const grows = dragged.value[column.id] === undefined && column.align === 'start' && GROWING.has(column.renderer);
      return grows ? `minmax(${width}px, ${column.flex ? 3 * width : width}fr)` : `${width}px`;
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
