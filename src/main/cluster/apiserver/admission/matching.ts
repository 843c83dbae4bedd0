import type { KubeObject, LabelSelector } from '@shared/k8s';
import { matchesSelector } from '@shared/selectors';
import type { Store } from '../../store/types';
import type { AdmissionAttributes } from '../admission';
import { isNamespaces } from '../namespaces';

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
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
}

/** What configures admission is never subject to it: nobody may lock themselves out. */
export const isExempt = ({ resource }: AdmissionAttributes): boolean =>
  resource.definition.group === 'admissionregistration.k8s.io';

/** Whether a request is one that is meant. Rules that are absent mean every request. */
export function isMeant(store: Store, attributes: AdmissionAttributes, matching: Matching): boolean {
  const rules = matching.rules ?? matching.resourceRules;
  if (rules && !rules.some((rule) => fits(rule, attributes))) return false;
  if (matching.excludeResourceRules?.some((rule) => fits(rule, attributes))) return false;
  return (
    namespaceFits(store, attributes, matching.namespaceSelector) && objectFits(attributes, matching.objectSelector)
  );
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
