import type { AdmissionPlugin } from './admission';
import type { AccessAttributes, Authorizer } from './context';
import { accessDenied } from './rbac/forbidden';
import type { Route } from './router';
import type { ApiRequest } from './types';

/** Paths that are open to whoever may ask at all. */
export const alwaysAllowed: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz']);

/** What is asked of the authorizer for a request. */
export function accessAttributes(
  { user, query }: ApiRequest,
  route: Extract<Route, { type: 'resource' }>,
  verb: string,
): AccessAttributes {
  const { group, version, plural } = route;
  // What follows a subresource (of a proxied path) is no matter of access.
  const subresource = route.subresource?.split('/', 1)[0];
  let { namespace, name } = route;
  // A namespace is in itself: its roles may speak of it.
  if (plural === 'namespaces' && group === '') namespace = name;
  if (name === undefined && (verb === 'list' || verb === 'watch')) name = selectedName(query);
  return { user, verb, group, version, resource: plural, subresource, namespace, name };
}

/** A list of one name is like a get of it: rules with resourceNames allow it. */
function selectedName(query: URLSearchParams): string | undefined {
  const selector = query.get('fieldSelector');
  return selector ? /(?:^|,)metadata\.name==?([^,=!]+)(?:,|$)/.exec(selector)?.[1] : undefined;
}

/** An apply or update that creates needs the right to create as well. */
export function creationAccess(authorize: Authorizer): AdmissionPlugin {
  return {
    name: 'CreationAccess',
    admit({ operation, subresource, resource: { definition }, namespace, user }) {
      if (operation !== 'CREATE' || subresource !== undefined) return;
      const { group, version, plural } = definition;
      const attributes = { user, verb: 'create', group, version, resource: plural, namespace };
      const answer = authorize(attributes);
      if (!answer.allowed) throw accessDenied(attributes, answer.reason);
    },
  };
}
