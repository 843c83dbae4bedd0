import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { apiError } from '../api/errors';
import type { AccessAttributes, Authorizer } from './context';
import { internalError } from './errors';
import { accessDenied } from './rbac/forbidden';
import type { UserInfo } from './types';

const extraPrefix = 'impersonate-extra-';
const accountPrefix = 'system:serviceaccount:';

/**
 * The user a request wants to be taken for; undefined without such headers.
 * @throws ApiError 403 when its sender may not, 500 for groups without a user
 */
export function impersonated(
  request: Pick<IncomingMessage, 'headers' | 'headersDistinct'>,
  actor: UserInfo,
  authorize: Authorizer,
): UserInfo | undefined {
  if (!asksForAnother(request.headers)) return undefined;
  const headers = request.headersDistinct;
  const name = headers['impersonate-user']?.[0];
  const groups = headers['impersonate-group'] ?? [];
  const uid = headers['impersonate-uid']?.[0];
  const extra: Record<string, string[]> = {};
  for (const [header, values] of Object.entries(headers)) {
    if (header.startsWith(extraPrefix)) extra[decodeKey(header.slice(extraPrefix.length))] = values ?? [];
  }
  const hasExtra = Object.keys(extra).length > 0;
  if (!name) throw internalError(new Error('requested impersonation without impersonating a user'));

  const check = (attributes: Omit<AccessAttributes, 'user' | 'verb' | 'version'>) => {
    const asked = { ...attributes, user: actor, verb: 'impersonate', version: 'v1' };
    const answer = authorize(asked);
    if (!answer.allowed) throw accessDenied(asked, answer.reason);
  };
  const account = accountOf(name);
  if (account) check({ group: '', resource: 'serviceaccounts', ...account });
  else check({ group: '', resource: 'users', name });
  for (const group of groups) check({ group: '', resource: 'groups', name: group });
  if (uid !== undefined) check({ group: 'authentication.k8s.io', resource: 'uids', name: uid });
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) {
      check({ group: 'authentication.k8s.io', resource: 'userextras', subresource: key, name: value });
    }
  }

  const all = [...groups];
  if (account && groups.length === 0) {
    all.push('system:serviceaccounts', `system:serviceaccounts:${account.namespace}`);
  }
  const standing = name === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated';
  if (!all.includes('system:unauthenticated') && !all.includes(standing)) all.push(standing);
  return { name, groups: all, ...(uid === undefined ? {} : { uid }), ...(hasExtra ? { extra } : {}) };
}

/** The namespace and name of `system:serviceaccount:NAMESPACE:NAME`. */
function accountOf(user: string): { namespace: string; name: string } | undefined {
  if (!user.startsWith(accountPrefix)) return undefined;
  const [namespace, name, ...more] = user.slice(accountPrefix.length).split(':');
  return namespace && name && more.length === 0 ? { namespace, name } : undefined;
}

function asksForAnother(headers: IncomingHttpHeaders): boolean {
  for (const header in headers) if (header.startsWith('impersonate-')) return true;
  return false;
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    throw apiError(400, 'BadRequest', `the header ${extraPrefix}${key} cannot be decoded`);
  }
}
