import type { KubeObject } from '@shared/k8s';
import { stringify } from 'yaml';

const first = ['apiVersion', 'kind', 'metadata', 'type', 'spec', 'data', 'stringData'];
const last = ['status'];

/** Top-level keys in the order people write them. */
function ordered(object: KubeObject): KubeObject {
  const rank = (key: string) => {
    const at = first.indexOf(key);
    if (at >= 0) return at;
    return last.includes(key) ? first.length + 1 : first.length;
  };
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => rank(a) - rank(b)));
}

/** As YAML that YAML 1.1 readers take for the same: `"on"` and `"0x1"` keep their quotes. */
export function yamlText(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, compat: 'yaml-1.1', lineWidth: 0 });
}

/** The object without managedFields, for the editor. */
export function editorYaml(object: KubeObject): string {
  const { managedFields: _, ...metadata } = object.metadata ?? {};
  return yamlText(ordered({ ...object, metadata }));
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
const serverFields = ['managedFields', 'resourceVersion', 'generation', 'uid', 'creationTimestamp'];
const metadataFirst = ['name', 'generateName', 'namespace', 'labels', 'annotations'];

const without = <T extends object>(object: T, keys: string[]): Partial<T> =>
  Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key))) as Partial<T>;

/** Without what the server keeps for itself and what `apply` notes down, for a diff of what the user means. */
export function diffable(object: KubeObject): KubeObject {
  const { status: _, metadata = {}, ...rest } = object;
  const own = without(metadata, serverFields);
  const annotations = without(own.annotations ?? {}, [lastApplied]);
  const kept = { ...own, annotations: Object.keys(annotations).length ? annotations : undefined };
  const named = metadataFirst.filter((key) => key in kept).map((key) => [key, kept[key as keyof typeof kept]]);
  return ordered({ ...rest, metadata: { ...Object.fromEntries(named), ...kept } });
}

/** `value` with its keys in the order of `model`, at every depth, so that a diff shows changes and not moves. */
function inOrderOf(value: unknown, model: unknown): unknown {
  if (Array.isArray(value))
    return value.map((item, index) => inOrderOf(item, Array.isArray(model) ? model[index] : undefined));
  if (typeof value !== 'object' || value === null) return value;
  const like =
    typeof model === 'object' && model !== null && !Array.isArray(model) ? (model as Record<string, unknown>) : {};
  const object = value as Record<string, unknown>;
  const keys = [
    ...Object.keys(like).filter((key) => key in object),
    ...Object.keys(object).filter((key) => !(key in like)),
  ];
  return Object.fromEntries(keys.map((key) => [key, inOrderOf(object[key], like[key])]));
}

/** The two sides of a diff as YAML. */
export function diffTexts(before: KubeObject | undefined, after: KubeObject): { before?: string; after: string } {
  if (!before) return { after: yamlText(diffable(after)) };
  const from = diffable(before);
  return { before: yamlText(from), after: yamlText(inOrderOf(diffable(after), from)) };
}

/** Whether two objects mean the same to the user. */
export function sameIntent(a: KubeObject, b: KubeObject): boolean {
  const { before, after } = diffTexts(a, b);
  return before === after;
}
