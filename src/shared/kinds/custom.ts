import { parseJsonPath } from '../json-path';
import type { KubeObject } from '../k8s';
import { condition } from './helpers';
import { defineKindView, type CellRenderer, type CellValue, type ColumnDefinition, type KindView } from './types';

/** What a CustomResourceDefinition says of its kind, as far as tables and drawers need it. */
export interface CustomKind {
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
  /** Its additionalPrinterColumns. */
  columns: { name: string; type: string; jsonPath: string; priority?: number }[];
  scale?: { specReplicasPath: string; labelSelectorPath?: string };
}

interface Version {
  name: string;
  served: boolean;
  storage: boolean;
  additionalPrinterColumns?: CustomKind['columns'];
  subresources?: { scale?: CustomKind['scale'] };
}

/** The kind of a CustomResourceDefinition in the version it is stored in, if that is served; undefined while there is none to use. */
export function customKindOf(crd: KubeObject): CustomKind | undefined {
  if (condition(crd, 'Established')?.status !== 'True') return undefined;
  const { group, names, scope, versions = [] } = crd.spec ?? {};
  const served = (versions as Version[]).filter((version) => version.served);
  const version = served.find((each) => each.storage) ?? served[0];
  if (!version) return undefined;
  const { scale } = version.subresources ?? {};
  return {
    group,
    version: version.name,
    plural: names.plural,
    kind: names.kind,
    namespaced: scope === 'Namespaced',
    columns: (version.additionalPrinterColumns ?? []).map(({ name, type, jsonPath, priority }) => ({
      name,
      type,
      jsonPath,
      ...(priority ? { priority } : {}),
    })),
    ...(scale
      ? { scale: { specReplicasPath: scale.specReplicasPath, labelSelectorPath: scale.labelSelectorPath } }
      : {}),
  };
}

const renderers: Record<string, CellRenderer> = { integer: 'number', number: 'number', date: 'age' };

/** Everything a path leads to; nothing for a path that cannot be read. */
function reader(path: string): (object: KubeObject) => unknown[] {
  try {
    const parsed = parseJsonPath(path);
    return (object) => parsed.find(object);
  } catch {
    return () => [];
  }
}

function cell(found: unknown[], type: string): CellValue {
  const [value] = found;
  if (value === undefined || value === null) return null;
  if (renderers[type] === 'number') return Number.isNaN(Number(value)) ? null : Number(value);
  if (type === 'date') return Number.isNaN(Date.parse(String(value))) ? null : String(value);
  return found.map((one) => (typeof one === 'object' ? JSON.stringify(one) : String(one))).join(' ');
}

function columnsOf(kind: CustomKind): ColumnDefinition[] {
  const ids = new Set<string>();
  return kind.columns
    .filter(({ jsonPath }) => !/^\.metadata\.(creationTimestamp|name|namespace)$/.test(jsonPath))
    .map(({ name, type, jsonPath, priority }) => {
      let id = `column-${name.toLowerCase()}`;
      while (ids.has(id)) id += '-';
      ids.add(id);
      const find = reader(jsonPath);
      const renderer = renderers[type] ?? 'text';
      return {
        id,
        title: name,
        renderer,
        width: Math.max(renderer === 'text' ? 140 : 84, name.length * 8 + 24),
        ...(renderer === 'number' ? { align: 'end' as const } : {}),
        ...(priority ? { optional: true } : {}),
        value: (object) => cell(find(object), type),
      };
    });
}

/** The view of a custom kind. Its id is its definition's name, `PLURAL.GROUP`. */
export function customKindView(kind: CustomKind): KindView {
  const { group, version, plural, namespaced, scale } = kind;
  const replicas = scale && reader(scale.specReplicasPath);
  const selector = scale?.labelSelectorPath ? reader(scale.labelSelectorPath) : undefined;
  return defineKindView<KubeObject>({
    id: `${plural}.${group}`,
    group,
    version,
    plural,
    kind: kind.kind,
    title: kind.kind,
    namespaced,
    section: 'custom',
    order: 100,
    icon: 'Puzzle',
    columns: columnsOf(kind),
    ...(replicas ? { facts: (object) => ({ replicas: Number(replicas(object)[0] ?? 0) }) } : {}),
    ...(selector ? { podSelector: (object) => String(selector(object)[0] ?? '') || undefined } : {}),
    capabilities: { ...(replicas ? { scale: true } : {}), ...(selector ? { logs: true } : {}) },
    template: `apiVersion: ${group}/${version}
kind: ${kind.kind}
metadata:
  name: my-${kind.kind.toLowerCase()}
spec: {}
`,
  });
}
