import { eventLines } from './events';
import type { Lines } from './lines';
import type { Describe } from './types';

const acronyms = new Set(['api', 'url', 'uid', 'osb', 'guid']);

/** `creationTimestamp` → `Creation Timestamp`; keys with dots and slashes stay. */
export function fieldTitle(field: string): string {
  if (/[./]/.test(field)) return field;
  const words = field
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .split(/[\s_-]+/);
  return words
    .map((word) =>
      acronyms.has(word.toLowerCase()) ? word.toUpperCase() : word.charAt(0).toUpperCase() + word.slice(1),
    )
    .join(' ');
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function fieldLines(lines: Lines, level: number, value: Record<string, unknown>): void {
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => [fieldTitle(key), item] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [title, item] of entries) {
    if (isMap(item)) {
      lines.add(level, `${title}:`);
      fieldLines(lines, level + 1, item);
    } else if (Array.isArray(item)) {
      lines.add(level, `${title}:`);
      for (const element of item) {
        if (isMap(element)) fieldLines(lines, level + 1, element);
        else lines.add(level + 1, String(element));
      }
    } else lines.add(level, `${title}:\t${item === null ? '<nil>' : String(item)}`);
  }
}

/** Any object: its metadata, then every field in order. */
export const describeGeneric: Describe = ({ lines, object, events, now, showEvents }) => {
  const { metadata = {}, apiVersion, kind, ...rest } = object;
  lines.add(0, `Name:\t${metadata.name ?? ''}`);
  lines.add(0, `Namespace:\t${metadata.namespace ?? ''}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  const {
    name: _n,
    namespace: _ns,
    labels: _l,
    annotations: _a,
    managedFields: _m,
    ...others
  } = metadata as Record<string, unknown>;
  fieldLines(lines, 0, { apiVersion, kind, metadata: others, ...rest });
  if (showEvents) eventLines(lines, events, now);
};
