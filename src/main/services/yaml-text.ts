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

/** Without what the server keeps for itself, for a diff of what the user means. */
export function diffYaml(object: KubeObject): string {
  const { managedFields: _, resourceVersion: __, generation: ___, ...metadata } = object.metadata ?? {};
  const { status: ____, ...rest } = object;
  return yamlText(ordered({ ...rest, metadata: metadata as KubeObject['metadata'] }));
}
