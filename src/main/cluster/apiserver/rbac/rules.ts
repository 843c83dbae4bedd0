import type { PolicyRule } from '@shared/k8s';

/** What is asked of a rule: a verb on a resource, or on a path outside resources. */
export interface Asked {
  verb: string;
  group: string;
  resource: string;
  subresource?: string;
  name?: string;
  /** Set for requests outside resources. */
  path?: string;
}

const has = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes(value) || list.includes('*'));

/** Whether one rule allows what is asked. */
export function ruleAllows(rule: PolicyRule, asked: Asked): boolean {
  if (!has(rule.verbs, asked.verb)) return false;
  if (asked.path !== undefined)
    return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, asked.path!));
  if (!has(rule.apiGroups, asked.group) || !resourceMatches(rule.resources, asked)) return false;
  const names = rule.resourceNames;
  return !names?.length || (asked.name !== undefined && asked.name !== '' && names.includes(asked.name));
}

function resourceMatches(resources: readonly string[] | undefined, { resource, subresource }: Asked): boolean {
  if (!resources) return false;
  if (resources.includes('*')) return true;
  if (!subresource) return resources.includes(resource);
  return resources.includes(`${resource}/${subresource}`) || resources.includes(`*/${subresource}`);
}

/** `*`, the very path, or a prefix that ends in `*`. */
export function pathMatches(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)));
}

/** The rules of `wanted`, taken apart into single rights, that `held` does not include. */
export function missingRights(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(singleRights).filter((right) => !held.some((rule) => includesRight(rule, right)));
}

function singleRights(rule: PolicyRule): PolicyRule[] {
  const rights: PolicyRule[] = [];
  for (const verb of rule.verbs ?? []) {
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const right = { apiGroups: [group], resources: [resource], verbs: [verb] };
        if (!rule.resourceNames?.length) rights.push(right);
        for (const name of rule.resourceNames ?? []) rights.push({ ...right, resourceNames: [name] });
      }
    }
    for (const url of rule.nonResourceURLs ?? []) rights.push({ nonResourceURLs: [url], verbs: [verb] });
  }
  return rights;
}

function includesRight(rule: PolicyRule, right: PolicyRule): boolean {
  if (!has(rule.verbs, right.verbs[0]!)) return false;
  const url = right.nonResourceURLs?.[0];
  if (url !== undefined) return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, url));
  if (!has(rule.apiGroups, right.apiGroups![0]!)) return false;
  const resource = right.resources![0]!;
  const slash = resource.indexOf('/');
  const anyResource = slash >= 0 ? `*${resource.slice(slash)}` : resource;
  if (!has(rule.resources, resource) && !rule.resources?.includes(anyResource)) return false;
  const name = right.resourceNames?.[0];
  return !rule.resourceNames?.length || (name !== undefined && rule.resourceNames.includes(name));
}

/** Puts single rights on the same resource together, and prints each line as Kubernetes does. */
export function describeRights(rights: readonly PolicyRule[]): string[] {
  const compact = new Map<string, PolicyRule>();
  for (const right of rights) {
    const { verbs, ...target } = right;
    const key = JSON.stringify(target);
    const known = compact.get(key);
    compact.set(key, known ? { ...known, verbs: [...known.verbs, ...verbs] } : right);
  }
  return [...new Set([...compact.values()].map(describeRule))].toSorted();
}

function describeRule(rule: PolicyRule): string {
  const parts = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ] as const;
  return `{${parts
    .filter(([, list]) => list?.length)
    .map(([name, list]) => `${name}:${quoted(list!)}`)
    .join(', ')}}`;
}

/** `["a" "b"]`, as Go's %q prints a list. */
export const quoted = (list: readonly string[]): string => `[${list.map((text) => JSON.stringify(text)).join(' ')}]`;
