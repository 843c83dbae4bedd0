import { h, type FunctionalComponent, type VNode } from 'vue';
import { humanDuration } from '@shared/duration';
import type { CellValue, StatusValue } from '@shared/kinds/types';
import AgeText from '@/components/AgeText.vue';
import { readBytes, readCores } from '@/lib/format';
import type { TableColumn } from './columns';

type Draw = (value: any) => VNode | string;

const text = (value: unknown): VNode => h('span', { class: 'truncate', title: String(value) }, String(value));
const status = ({ text: word, tone, detail }: StatusValue): VNode =>
  h('span', { class: ['cell-status', `tone-${tone}`], title: detail, 'data-tone': tone }, [
    h('i'),
    h('span', { class: 'truncate' }, word),
  ]);
const brick = ({ text: name, tone, detail }: StatusValue): VNode =>
  h('i', { class: ['brick', `tone-${tone}`], title: detail ? `${name}: ${detail}` : name });

const drawings: Record<TableColumn['renderer'], Draw> = {
  name: text,
  text,
  mono: (value: string) => h('span', { class: 'truncate mono', title: value }, value),
  number: String,
  age: (value: string) => h(AgeText, { time: value }),
  duration: (value: number | string) =>
    typeof value === 'number' ? humanDuration(value) : h(AgeText, { time: value }),
  status,
  bricks: (value: StatusValue[]) =>
    h(
      'span',
      {
        class: 'bricks',
        role: 'img',
        'aria-label': value.map((each) => `${each.text}: ${each.detail ?? each.tone}`).join(', '),
      },
      value.map(brick),
    ),
  list: (value: string[]) => text(value.join(', ')),
  labels: (value: Record<string, string>) =>
    text(
      Object.entries(value)
        .map(([key, of]) => (of ? `${key}=${of}` : key))
        .join(', '),
    ),
  cpu: (value: number) => readCores(value),
  bytes: (value: number) => readBytes(value),
};

const isEmpty = (value: CellValue | undefined): value is null | undefined =>
  value === null ||
  value === undefined ||
  value === '' ||
  (Array.isArray(value) && !value.length) ||
  (typeof value === 'object' && !Object.keys(value).length);

/** What a cell shows; a dash where there is nothing. */
export const TableCell: FunctionalComponent<{ column: TableColumn; value: CellValue | undefined }> = ({
  column,
  value,
}) =>
  isEmpty(value) ? h('span', { class: 'cell-none', 'aria-hidden': 'true' }, '–') : drawings[column.renderer](value);
TableCell.props = ['column', 'value'];
