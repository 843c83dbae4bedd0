import type { PodTemplateSpec } from '@shared/k8s';

export const hashLabel = 'pod-template-hash';

/** No vowels and no look-alikes, so that no hash spells a word: the alphabet of Kubernetes' generated names. */
const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

const canonicalCache = new WeakMap<object, string>();

/**
 * A template as text that is equal for equal templates: keys sorted, unset and
 * empty fields left out, without the label the controller itself adds.
 */
export function canonicalTemplate(template: PodTemplateSpec): string {
  let text = canonicalCache.get(template);
  if (text === undefined) {
    const { [hashLabel]: _hash, ...labels } = template.metadata?.labels ?? {};
    text = canonical({ ...template, metadata: { ...template.metadata, labels } }) ?? '{}';
    canonicalCache.set(template, text);
  }
  return text;
}

/** Whether two templates make the same pods. */
export function sameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  return canonicalTemplate(a) === canonicalTemplate(b);
}

/** The value of pod-template-hash: FNV-1a of the template (and the collision count, when there was one). */
export function templateHash(template: PodTemplateSpec, collisionCount?: number | null): string {
  const hash = fnv1a(`${canonicalTemplate(template)}${collisionCount ? `#${collisionCount}` : ''}`);
  return [...String(hash)].map((digit) => safeAlphabet[digit.charCodeAt(0) % safeAlphabet.length]).join('');
}

const emptyMapsAreUnset = new Set(['labels', 'annotations', 'nodeSelector', 'limits', 'requests']);

function canonical(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value))
    return value.length ? `[${value.map((item) => canonical(item) ?? 'null').join()}]` : undefined;
  if (typeof value !== 'object') return JSON.stringify(value);
  const fields: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const text = canonical((value as Record<string, unknown>)[key]);
    if (text === undefined || (text === '{}' && emptyMapsAreUnset.has(key))) continue;
    fields.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${fields.join()}}`;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
