import { humanAge } from '@shared/duration';
import type { KubeObject, LabelSelector, PodTemplateSpec } from '@shared/k8s';
import type { PrinterColumn } from './kind';

/** The AGE column every kind has. */
export const ageColumn: PrinterColumn = {
  name: 'Age',
  type: 'string',
  description: 'The time since the object was created.',
  cell: (object, now) => humanAge(object.metadata?.creationTimestamp, now),
};

/** When the object was created, for the kinds that show that and not an age. */
export const createdAtColumn: PrinterColumn = {
  name: 'Created At',
  type: 'date',
  description: 'When the object was created.',
  cell: (object) => object.metadata?.creationTimestamp ?? null,
};

/** A column that only `-o wide` shows. */
export function wide<T extends KubeObject>(
  name: string,
  description: string,
  cell: PrinterColumn<T>['cell'],
): PrinterColumn<T> {
  return { name, type: 'string', description, priority: 1, cell };
}

/** A text column. */
export function text<T extends KubeObject>(
  name: string,
  description: string,
  cell: PrinterColumn<T>['cell'],
): PrinterColumn<T> {
  return { name, type: 'string', description, cell };
}

/** A whole-number column. */
export function integer<T extends KubeObject>(
  name: string,
  description: string,
  cell: (object: T) => number,
): PrinterColumn<T> {
  return { name, type: 'integer', description, cell };
}

/** A yes-or-no column. */
export function boolean<T extends KubeObject>(
  name: string,
  description: string,
  cell: (object: T) => boolean,
): PrinterColumn<T> {
  return { name, type: 'boolean', description, cell };
}

/** Labels as `a=1,b=2`, sorted by key; `<none>` when there are none. */
export function formatLabels(labels: Record<string, string> | undefined): string {
  const entries = Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? '<none>' : entries.map(([key, value]) => `${key}=${value}`).join(',');
}

/** A label selector in the string form of list requests; empty for a selector that selects everything. */
export function selectorString(selector: LabelSelector | undefined): string {
  const parts: { key: string; text: string }[] = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({
    key,
    text: `${key}=${value}`,
  }));
  for (const { key, operator, values } of selector?.matchExpressions ?? []) {
    const list = (values ?? []).toSorted().join(',');
    if (operator === 'In') parts.push({ key, text: `${key} in (${list})` });
    else if (operator === 'NotIn') parts.push({ key, text: `${key} notin (${list})` });
    else if (operator === 'Exists') parts.push({ key, text: key });
    else if (operator === 'DoesNotExist') parts.push({ key, text: `!${key}` });
  }
  return parts
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map((part) => part.text)
    .join(',');
}

/** A label selector for a column: `<none>` when empty. */
export const formatLabelSelector = (selector: LabelSelector | undefined): string =>
  selectorString(selector) || '<none>';

interface Workload extends KubeObject {
  spec?: { template?: PodTemplateSpec; selector?: LabelSelector };
}

/** CONTAINERS, IMAGES and SELECTOR of `-o wide` for kinds with a pod template. */
export const templateColumns: PrinterColumn<Workload>[] = [
  wide('Containers', 'Names of each container in the template.', (object) =>
    (object.spec?.template?.spec?.containers ?? []).map((container) => container.name).join(','),
  ),
  wide('Images', 'Images referenced by each container in the template.', (object) =>
    (object.spec?.template?.spec?.containers ?? []).map((container) => container.image).join(','),
  ),
  wide('Selector', 'The selector of the pods that belong to this object.', (object) =>
    formatLabelSelector(object.spec?.selector),
  ),
];

/** The first three of a list, and how many more there are. */
export function firstThree(items: string[], none: string): string {
  if (items.length === 0) return none;
  const shown = items.slice(0, 3).join(',');
  return items.length > 3 ? `${shown} + ${items.length - 3} more...` : shown;
}
