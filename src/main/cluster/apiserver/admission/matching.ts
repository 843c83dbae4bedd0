import type { KubeObject, LabelSelector } from '@shared/k8s';
import { matchesSelector } from '@shared/selectors';
import type { Store } from '../../store/types';
import type { AdmissionAttributes } from '../admission';
import type { Authorizer } from '../context';
import { isNamespaces } from '../namespaces';
import type { Resource, ResourceRegistry } from '../resources';

interface Rule {
  operations?: string[];
  apiGroups?: string[];
  apiVersions?: string[];
  resources?: string[];
  resourceNames?: string[];
  scope?: string;
}

/** Which requests a webhook or a policy is about. */
export interface Matching {
  rules?: readonly Rule[];
  resourceRules?: readonly Rule[];
  excludeResourceRules?: readonly Rule[];
  /** `Exact`: rules mean the very version that is asked for; else any version of the same objects. */
  matchPolicy?: string;
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
}

/** What configures admission is never subject to it: nobody may lock themselves out. */
export const isExempt = ({ resource }: AdmissionAttributes): boolean =>
  resource.definition.group === 'admissionregistration.k8s.io';

/** Where the objects and the kinds are that a request is matched against, and who may do what. */
export interface MatchingContext {
  store: Store;
  registry: () => ResourceRegistry;
  authorize: Authorizer;
}

/**
 * The request as those who ask for it see it: as it is, or in the version of the resource that they
 * know. Undefined when they do not mean it. Rules that are absent mean every request.
 */
export function meantAs(
  { store, registry }: MatchingContext,
  attributes: AdmissionAttributes,
  matching: Matching,
): AdmissionAttributes | undefined {
  if (!namespaceFits(store, attributes, matching.namespaceSelector)) return undefined;
  if (!objectFits(attributes, matching.objectSelector)) return undefined;
  const rules = matching.rules ?? matching.resourceRules;
  const { excludeResourceRules: excluded = [] } = matching;
  const among = (some: readonly Rule[], as = attributes) => some.some((rule) => fits(rule, as));
  if (among(excluded)) return undefined;
  if (!rules || among(rules)) return attributes;
  // Objects that are not the resource's own (a Scale) have no other versions.
  if (matching.matchPolicy === 'Exact' || attributes.kind) return undefined;
  const others = registry().others(attributes.resource);
  const as = (resource: Resource) => ({ ...attributes, resource });
  if (others.some((resource) => among(excluded, as(resource)))) return undefined;
  const other = others.find((resource) => among(rules, as(resource)));
  return other && seenAs(attributes, other);
}

/** The request with its objects in another version. */
function seenAs(attributes: AdmissionAttributes, resource: Resource): AdmissionAttributes {
  const { resource: requested, object, old } = attributes;
  const convert = (one: KubeObject | undefined) => one && converted(one, requested, resource);
  return { ...attributes, requested, resource, object: convert(object), old: convert(old) };
}

/** An object of one version of a resource in another. */
export function converted(object: KubeObject, from: Resource, to: Resource): KubeObject {
  if (from === to) return object;
  const stored = from.definition.storedAs?.toStorage(object) ?? object;
  return to.definition.storedAs?.fromStorage(stored) ?? stored;
}

const among = (list: readonly string[] | undefined, value: string): boolean =>
  !!list && (list.includes('*') || list.includes(value));

function fits(rule: Rule, { operation, resource, subresource = '', name, object }: AdmissionAttributes): boolean {
  const { group, version, plural, namespaced } = resource.definition;
  if (!among(rule.operations, operation) || !among(rule.apiGroups, group) || !among(rule.apiVersions, version)) {
    return false;
  }
  if (rule.scope === 'Cluster' && namespaced) return false;
  if (rule.scope === 'Namespaced' && !namespaced) return false;
  if (rule.resourceNames?.length && !rule.resourceNames.includes(name ?? object?.metadata?.name ?? '')) return false;
  return (rule.resources ?? []).some((pattern) => {
    const [wanted, part = ''] = pattern.split('/');
    return (wanted === '*' || wanted === plural) && (part === '*' || part === subresource);
  });
}

/** A namespace is in itself; what is in none fits any selector. */
function namespaceFits(store: Store, attributes: AdmissionAttributes, selector: LabelSelector | undefined): boolean {
  if (!selector || isEverything(selector)) return true;
  const { resource, object, old } = attributes;
  if (isNamespaces(resource)) return matchesSelector(selector, (object ?? old)?.metadata?.labels);
  if (!resource.definition.namespaced) return true;
  return matchesSelector(selector, namespaceOf(store, attributes)?.metadata?.labels);
}

function objectFits({ object, old }: AdmissionAttributes, selector: LabelSelector | undefined): boolean {
  if (!selector || isEverything(selector)) return true;
  return [object, old].some((one) => one !== undefined && matchesSelector(selector, one.metadata?.labels));
}

const isEverything = ({ matchLabels, matchExpressions }: LabelSelector): boolean =>
  Object.keys(matchLabels ?? {}).length === 0 && !matchExpressions?.length;

/** The namespace of a request, as it is stored. */
export const namespaceOf = (store: Store, { namespace }: AdmissionAttributes): KubeObject | undefined =>
  namespace === undefined ? undefined : store.get(`/registry/core/namespaces/${namespace}`)?.value;
