import type { DocumentedSubresource } from '../../api/schema/openapi';
import type { ServedResource } from '../served';

/** What the APIResourceList of another server tells. */
interface Listed {
  name?: unknown;
  singularName?: unknown;
  namespaced?: unknown;
  kind?: unknown;
  group?: unknown;
  version?: unknown;
  verbs?: unknown;
  shortNames?: unknown;
  categories?: unknown;
}

/**
 * The resources of an APIResourceList as discovery tells of them: subresources under
 * their resource. One that only has subresources (metrics of pods) has no kind and no verbs.
 * Undefined for anything else; what is no resource is left out.
 */
export function discovered(text: string | undefined, group: string, version: string): ServedResource[] | undefined {
  const listed = resourcesIn(text);
  if (!listed) return undefined;
  const found = new Map<string, ServedResource>();
  const resource = (plural: string): ServedResource => {
    const known = found.get(plural);
    if (known) return known;
    const made = { group, version, plural, singular: '', kind: '', namespaced: false, verbs: [], subresources: [] };
    found.set(plural, made);
    return made;
  };
  for (const one of listed) {
    const { name, kind, namespaced, singularName } = one;
    if (typeof name !== 'string' || typeof kind !== 'string' || !name) continue;
    const slash = name.indexOf('/');
    const at = { group: textOf(one.group) || group, version: textOf(one.version) || version, kind };
    const verbs = texts(one.verbs) ?? [];
    if (slash < 0) {
      const { subresources } = resource(name);
      found.set(name, {
        ...at,
        plural: name,
        singular: textOf(singularName),
        namespaced: namespaced === true,
        verbs,
        shortNames: texts(one.shortNames),
        categories: texts(one.categories),
        subresources,
      });
      continue;
    }
    const parent = resource(name.slice(0, slash));
    if (parent.kind === '') parent.namespaced = namespaced === true;
    const subresource: DocumentedSubresource = { name: name.slice(slash + 1), ...at, verbs };
    (parent.subresources as DocumentedSubresource[]).push(subresource);
  }
  return [...found.values()];
}

function resourcesIn(text: string | undefined): Listed[] | undefined {
  if (text === undefined) return undefined;
  try {
    const list = JSON.parse(text) as { kind?: unknown; resources?: unknown } | null;
    if (list?.kind !== 'APIResourceList') return undefined;
    const { resources = [] } = list;
    if (!Array.isArray(resources)) return undefined;
    return resources.filter((one): one is Listed => typeof one === 'object' && one !== null);
  } catch {
    return undefined;
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const texts = (value: unknown): string[] | undefined =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : undefined;
