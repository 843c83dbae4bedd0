import { CelAuthorizer, celValue, type Decide } from '../../api/schema/cel';
import type { AdmissionAttributes } from '../admission';
import type { Authorizer } from '../context';
import { cloneJson } from '../../json';
import type { UserInfo } from '../types';
import { namespaceOf, type MatchingContext } from './matching';
import { reviewRequest } from './review';

/** What expressions see of a request, each part brought into their form when it is first asked for. */
export function requestBindings(
  { store, authorize }: Pick<MatchingContext, 'store' | 'authorize'>,
  attributes: AdmissionAttributes,
): Record<string, unknown> {
  return lazily({
    authorizer: () => authorizerOf(authorize, attributes),
    object: () => celValue(cloneJson(attributes.object ?? null)),
    oldObject: () => celValue(attributes.old ?? null),
    request: () => celValue(cloneJson(reviewRequest(attributes))),
    namespaceObject: () => celValue(namespaceOf(store, attributes) ?? null),
  });
}

/** Asks what the user of a request may do, or what a service account may. */
function authorizerOf(authorize: Authorizer, { user, resource, ...request }: AdmissionAttributes): CelAuthorizer {
  const { group, plural } = resource.definition;
  const decide: Decide = (question, account) =>
    authorize({ ...question, version: '*', user: account ? accountUser(account) : user });
  const { subresource, namespace, name } = request;
  return new CelAuthorizer(decide, { group, resource: plural, subresource, namespace, name });
}

const accountUser = ({ namespace, name }: { namespace: string; name: string }): UserInfo => ({
  name: `system:serviceaccount:${namespace}:${name}`,
  groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
});

/** An object whose fields are worked out once, when they are first read. */
export function lazily(fields: Readonly<Record<string, () => unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = Object.create(null);
  for (const [name, work] of Object.entries(fields)) {
    let done: { value: unknown } | undefined;
    const get = () => (done ??= { value: work() }).value;
    Object.defineProperty(result, name, { enumerable: true, get });
  }
  return result;
}
