/**
 * A set of fields in the form it travels in (FieldsV1): a tree whose keys are path
 * elements. `f:NAME` is a field or key, `k:{"KEY":VALUE…}` a list's element by its
 * keys, `v:VALUE` a set's element. A node belongs to the set when it has no
 * children or the child `.`; otherwise it only leads to others. Sets are never
 * changed; operations share what stays the same. The empty set is `undefined`.
 */
export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** A set while it is being built. */
export type FieldSetDraft = Record<string, FieldSet>;

/** A node that belongs to the set and has no children. One object for all of them. */
export const member: FieldSet = Object.freeze({});

/** The key that says that a node with children belongs to the set itself. */
export const itself = '.';

export function isLeaf(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Whether the node itself belongs to the set. */
export const isMember = (set: FieldSet): boolean => itself in set || isLeaf(set);

/** A draft as a set: one without anything below it becomes the shared leaf. */
export function finished(draft: FieldSetDraft): FieldSet | undefined {
  let only: string | undefined;
  for (const key in draft) {
    if (only !== undefined || key !== itself) return draft;
    only = key;
  }
  return only === undefined ? undefined : member;
}

/** Not a spread: what is added to one of those gives every copy a hidden class of its own. */
const copyOf = (set: FieldSet): FieldSetDraft => Object.assign({}, set);

/** What is in either set. */
export function union(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  if (a === undefined || a === b) return b;
  if (b === undefined) return a;
  const aLeaf = isLeaf(a);
  if (isLeaf(b)) return aLeaf || itself in a ? a : { [itself]: member, ...a };
  if (aLeaf) return itself in b ? b : { [itself]: member, ...b };
  let result: FieldSetDraft | undefined;
  for (const key in b) {
    const joined = union(a[key], b[key])!;
    if (joined !== a[key]) (result ??= copyOf(a))[key] = joined;
  }
  return result ?? a;
}

/** What is in `a` and not in `b`. */
export function difference(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  if (a === undefined || b === undefined) return a;
  if (a === b) return undefined;
  if (isLeaf(a)) return isMember(b) ? undefined : a;
  let result: FieldSetDraft | undefined;
  for (const key in a) {
    const left = key === itself ? (isMember(b) ? undefined : member) : difference(a[key], b[key]);
    if (left === a[key]) continue;
    result ??= copyOf(a);
    if (left === undefined) delete result[key];
    else result[key] = left;
  }
  return result ? finished(result) : a;
}

/** What is in both sets. */
export function intersection(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  if (a === undefined || b === undefined || a === b) return a && b;
  const draft: FieldSetDraft = {};
  if (isMember(a) && isMember(b)) draft[itself] = member;
  for (const key in a) {
    if (key === itself || !(key in b)) continue;
    const both = intersection(a[key], b[key]);
    if (both) draft[key] = both;
  }
  return finished(draft);
}

/** Whether two sets hold the same. */
export function sameFields(a: FieldSet | undefined, b: FieldSet | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || isMember(a) !== isMember(b)) return false;
  let left = 0;
  for (const key in a) {
    if (key === itself) continue;
    left++;
    if (!(key in b) || !sameFields(a[key], b[key])) return false;
  }
  for (const key in b) if (key !== itself) left--;
  return left === 0;
}

/** The members as Kubernetes prints them: `.spec.containers[name="web"].image`. */
export function pathsOf(set: FieldSet | undefined, prefix = ''): string[] {
  if (set === undefined) return [];
  const paths = prefix !== '' && isMember(set) ? [prefix] : [];
  for (const key of Object.keys(set).sort()) {
    if (key !== itself) paths.push(...pathsOf(set[key], prefix + printed(key)));
  }
  return paths;
}

function printed(element: string): string {
  const text = element.slice(2);
  if (element.startsWith('f:')) return `.${text}`;
  if (element.startsWith('v:')) return `[=${text}]`;
  if (!element.startsWith('k:')) return `[${text}]`;
  const keys = Object.entries(JSON.parse(text) as Record<string, unknown>);
  return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
}
